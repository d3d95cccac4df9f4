"""Seeded fault search: whole configurations from seeds, an omniscient watch, shrinking, stories."""
