"""Role drivers: the lane sees roles and states to reach, never registers."""
