"""Seeing: from two 16-bit planes to item counts per declared line. Knows nothing of customs or releases."""
