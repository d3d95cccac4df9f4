"""The wire twin: the plant behind real Modbus TCP, Modbus RTU and serial ports, as config/devices/MANUAL.md says."""
