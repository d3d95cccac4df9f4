"""Studies: scenarios times replications on any number of workers, with intervals that hold, and a report for people."""
