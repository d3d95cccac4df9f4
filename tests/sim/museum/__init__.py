"""Tests of the bug museum."""
