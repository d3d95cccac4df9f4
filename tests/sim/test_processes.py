"""Workers end with the command that asked for them, and Ctrl-C does not reach them."""

import os
import signal
from multiprocessing import active_children

import pytest

from sim.processes import processes


def _interrupted() -> str:
    """What Ctrl-C does to a worker."""
    os.kill(os.getpid(), signal.SIGINT)
    return "deaf"


def _begin(tasks: int) -> None:
    with processes(1) as pool:
        for _ in range(tasks):
            pool.submit(signal.pause)  # would never end
        pool.submit(int)
        raise KeyboardInterrupt


def test_workers_do_not_hear_the_interrupt_of_the_command() -> None:
    with processes(1) as pool:
        assert pool.submit(_interrupted).result() == "deaf"
        assert signal.getsignal(signal.SIGINT) is signal.default_int_handler, "the command itself does"


def test_an_interrupted_command_ends_what_works_and_what_waits() -> None:
    before = set(active_children())
    with pytest.raises(KeyboardInterrupt):
        _begin(50)
    assert set(active_children()) <= before
