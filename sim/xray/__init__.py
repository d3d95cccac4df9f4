"""Dual-energy X-ray pictures of parcels' true contents: materials, placement, rays, detector."""
