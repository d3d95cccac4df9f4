"""The kernel against SimPy: its own suite, random programs, counted heap entries."""
