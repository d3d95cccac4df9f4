"""Reference scans, opened samples and the decision bound: all with seeds of their own."""
