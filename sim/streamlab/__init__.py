"""Make, fit and show parcel streams: ``lane sim streams``."""
