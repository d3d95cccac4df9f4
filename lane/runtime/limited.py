"""Starts a program with lower priority and a memory limit: ``python -m lane.runtime.limited NICE MIB PROGRAM ARGS...``.

A wrapper of its own, because code between fork and exec is not safe in a process that has threads.
"""

import os
import resource
import sys

from lane.runtime.priority import ordinary_priority


def main() -> None:
    """Set the limits, then become the program."""
    nice, memory_mib, *program = sys.argv[1:]
    ordinary_priority()
    os.nice(int(nice))
    limit = int(memory_mib) << 20
    if limit:
        resource.setrlimit(resource.RLIMIT_AS, (limit, limit))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    os.execv(program[0], program)


if __name__ == "__main__":
    main()
