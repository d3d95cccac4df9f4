"""Field devices: links, profiles and drivers by role. Knows nothing of declarations or releases."""
