"""Parcel streams of the twin: what is truly in each parcel, what was declared, and when it arrives."""
