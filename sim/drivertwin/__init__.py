"""Driver twin: the real links and drivers over bytes in memory, on an event loop with virtual time."""
