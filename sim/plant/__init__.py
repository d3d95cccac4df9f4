"""The lane's physics and its devices' own rules, without clock, socket or thread: one plant for every twin."""
