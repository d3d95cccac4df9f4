"""Who runs the tasks: this process, loky workers on this machine, or a Dask cluster, all through joblib's API."""

import os
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from typing import Any

import joblib

from sim.experiment.task import Task, run_task

CONNECT_S = 10
PARENT_LOOK_S = 1.0
"""How often a worker looks whether the one who started it still lives."""


class ClusterError(RuntimeError):
    """The cluster can't be used; the text says why and what to do."""


class Workers:
    """Runs tasks in any order of completion. Use as a context; ``count`` 1: in this process."""

    def __init__(self, count: int = 1, cluster: str = "") -> None:
        self._count, self._cluster = count, cluster
        self._stack = ExitStack()

    def __enter__(self) -> "Workers":
        if self._cluster:
            self._stack.enter_context(_client(self._cluster))
            self._stack.enter_context(joblib.parallel_config(backend="dask", n_jobs=-1))
        return self

    def __exit__(self, *exception: object) -> None:
        self._stack.close()

    def run(self, tasks: Sequence[Task]) -> Iterator[tuple[str, bytes]]:
        """(key, packed log) of each task as it is done. Errors of a task are raised here."""
        if self._count == 1 and not self._cluster:
            yield from map(run_task, tasks)
            return
        count = -1 if self._cluster else self._count
        parallel = joblib.Parallel(n_jobs=count, return_as="generator_unordered", batch_size=1)
        yield from parallel(joblib.delayed(_run)(task, os.getpid()) for task in tasks)


_watching = threading.Event()


def _run(task: Task, asked_by: int) -> tuple[str, bytes]:
    """Run a task. A worker that was started by ``asked_by`` ends with it, even when that one is killed."""
    if os.getppid() == asked_by and not _watching.is_set():
        _watching.set()
        threading.Thread(target=_end_with, args=(asked_by,), daemon=True).start()
    return run_task(task)


def _end_with(parent: int) -> None:
    while os.getppid() == parent:
        time.sleep(PARENT_LOOK_S)
    os._exit(1)


def _client(address: str) -> "ExitStack":
    try:
        from distributed import Client
    except ImportError as error:
        raise ClusterError("--cluster needs Dask: pip install 'xray-lane[cluster]'") from error
    try:
        client: Any = Client(address, timeout=CONNECT_S)  # type: ignore[no-untyped-call]
    except (OSError, TimeoutError, ValueError) as error:
        raise ClusterError(
            f"--cluster {address}: nobody answers within {CONNECT_S} s ({error}); expected the address of a running "
            f"`dask scheduler`, such as tcp://10.0.0.5:8786"
        ) from error
    if not client.scheduler_info()["workers"]:
        client.close()
        raise ClusterError(f"--cluster {address}: the scheduler has no worker; start `dask worker {address}`")
    stack = ExitStack()
    stack.callback(client.close)
    return stack
