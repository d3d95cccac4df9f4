"""Closed forms, recursions along one path, and events give the same numbers."""
