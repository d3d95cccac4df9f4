"""Tests of people, shifts, breakdowns and what scenarios vary."""
