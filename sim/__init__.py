"""Digital twin: plant, parcel streams, simulated devices, referee. Imported by nothing but the tests."""
