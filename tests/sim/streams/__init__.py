"""Tests of parcel streams."""
