"""The lane's configuration files, read, checked and converted: ``reader`` (typed, bounded getters that name file,
line and key), ``station`` (what the runtime is told), ``tables`` (matrix, carriers), ``lane_file`` (the whole)."""
