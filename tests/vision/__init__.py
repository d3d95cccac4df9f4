"""Tests of the seeing part."""
