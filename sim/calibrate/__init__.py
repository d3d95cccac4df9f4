"""Fit streams and plant to a recorded log, and say how well the fit predicts: ``lane sim calibrate``."""
