"""pytest plugin for the subprocess that runs SimPy's own suite: ``simpy.Environment`` is our kernel.

Loaded with ``-p`` before any test module is imported. ``SIMPY_OUTCOMES`` names the file that gets the outcome of every
test as JSON. Nothing else of ours is in that process.
"""

import json
import os
from pathlib import Path

import pytest
import simpy

from sim.kernel import Kernel

EXPECTED_FAILURES = {
    "test_exceptions.py::test_exception_chaining": 'the traceback names the frames "simpy/core.py, in run / in step"',
}
"""Tests that cannot pass on another class than SimPy's own, with the reason."""

simpy.Environment = Kernel  # type: ignore[misc]  # the whole point

_outcomes: dict[str, str] = {}


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark the documented failures strictly: passing would be as wrong as another failure."""
    for item in items:
        reason = EXPECTED_FAILURES.get(item.nodeid.removeprefix("tests/"))
        if reason is not None:
            item.add_marker(pytest.mark.xfail(reason=reason, strict=True))


def pytest_runtest_logreport(report: pytest.TestReport) -> None:
    """Keep one word per test: the worst of set-up, call and tear-down."""
    name = report.nodeid.removeprefix("tests/")
    if report.failed:
        _outcomes[name] = "failed"
    elif hasattr(report, "wasxfail"):
        _outcomes[name] = "expected failure"
    elif report.when == "call" or report.skipped:
        _outcomes.setdefault(name, report.outcome)


def pytest_sessionfinish() -> None:
    """Write the outcomes down."""
    Path(os.environ["SIMPY_OUTCOMES"]).write_text(json.dumps(_outcomes, indent=1), encoding="utf-8")
