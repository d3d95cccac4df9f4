"""Tests of the learning commands."""
