"""Tests of the driver twin."""
