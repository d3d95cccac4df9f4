"""Starts a program with lower priority and a memory limit: ``python -m lane.runtime.limited NICE MIB PROGRAM ARGS...``.

A wrapper of its own, because code between fork and exec is not safe in a process that has threads. The program ignores
SIGINT and SIGTERM: whoever signals all processes at once leaves the end, and its order, to the core.
"""

import os
import resource
import signal
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
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    os.execv(program[0], program)


if __name__ == "__main__":
    main()
