"""What the core concluded: ``base``, ``parcel`` (one parcel), ``machine`` (the lane), ``union`` (all of them)."""
