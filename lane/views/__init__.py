"""Projections of the journal for people: what the lane looks like, and the story of each parcel."""
