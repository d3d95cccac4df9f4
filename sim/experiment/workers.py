"""Who runs the tasks: this process, loky workers on this machine, or a Dask cluster, all through joblib's API."""

from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from typing import Any

import joblib

from sim.experiment.task import Task, run_task

CONNECT_S = 10


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
        yield from parallel(joblib.delayed(run_task)(task) for task in tasks)


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
