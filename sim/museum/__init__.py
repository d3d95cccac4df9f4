"""Bug museum: deliberate bugs, each of which the fault search must find."""
