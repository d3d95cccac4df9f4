"""``lane demo``: declared lists, plant, controller and officers on one machine, and campaigns that pull cables."""
