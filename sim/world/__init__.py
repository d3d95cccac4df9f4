"""People and breakdowns around a lane: shifts, crews, downtimes and what is measured of them. SimPy processes."""
