"""One scenario for all equalities; the finished demo run is the one of the acceptance tests."""

from pathlib import Path

import pytest

from sim.scenario import Scenario, load_scenario
from tests.acceptance.conftest import finished

__all__ = ["finished"]
DAY = Path(__file__).parents[3] / "config" / "scenarios" / "day.toml"


@pytest.fixture(scope="session")
def day() -> Scenario:
    """The plain working day."""
    return load_scenario(DAY)
