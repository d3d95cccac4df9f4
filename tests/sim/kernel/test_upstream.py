"""SimPy's own test suite, taken from the sdist that the lock names, runs on the kernel.

Nothing of the sdist is kept in this repository. Without a package index the test is skipped with the reason; a sdist
of the right hash that an earlier run left beside the environment is used without asking the index.
"""

import hashlib
import json
import os
import re
import subprocess
import sys
import tarfile
from collections import Counter
from pathlib import Path

import pytest

from tests.sim.kernel.simpy_on_kernel import EXPECTED_FAILURES

pytestmark = pytest.mark.upstream
ROOT = Path(__file__).resolve().parents[3]
LOCK = ROOT / "requirements-dev.lock"
KEPT = Path(sys.prefix) / "sdists"
"""Where a proven sdist is kept: it goes with the environment."""
DOWNLOAD_S_MAX, SUITE_S_MAX = 60, 100
COUNTS = {
    "test_condition.py": 21, "test_environment.py": 7, "test_event.py": 9, "test_exceptions.py": 10,
    "test_interrupts.py": 10, "test_process.py": 9, "test_resources.py": 40, "test_rt.py": 9, "test_timeout.py": 5,
    "test_util.py": 20, "test_version.py": 1,
}  # fmt: skip
"""Tests per file of simpy 4.1.2. ``test_benchmark.py`` needs pytest-benchmark."""


def locked() -> tuple[str, set[str]]:
    """(version of SimPy in the lock, hashes that the lock allows for it)."""
    match = re.search(
        r"^simpy==(\S+) \\\n((?: +--hash=sha256:[0-9a-f]{64}(?: \\)?\n)+)", LOCK.read_text(), re.MULTILINE
    )
    assert match is not None, f"{LOCK}: expected an entry simpy==VERSION with hashes"
    return match[1], set(re.findall(r"sha256:([0-9a-f]{64})", match[2]))


def sdist(folder: Path) -> Path:
    """The pinned sdist; skips the test when no index gives it, fails when its hash is not the locked one."""
    version, hashes = locked()
    name = f"simpy-{version}.tar.gz"
    path = KEPT / name
    if not path.exists():
        command = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--no-binary", "simpy"]
        command += ["--disable-pip-version-check", "--retries", "1", "--timeout", "10"]
        command += ["--dest", str(folder), f"simpy=={version}"]
        try:
            asked = subprocess.run(command, capture_output=True, text=True, timeout=DOWNLOAD_S_MAX, check=False)
        except subprocess.TimeoutExpired:
            pytest.skip(f"no package index: pip download simpy=={version} took over {DOWNLOAD_S_MAX} s")
        if asked.returncode:
            last = (asked.stderr.strip().splitlines() or ["pip said nothing"])[-1]
            pytest.skip(f"no package index gives the sdist of simpy {version}: {last}")
        KEPT.mkdir(exist_ok=True)
        fresh = KEPT / f"{name}.{os.getpid()}"
        fresh.write_bytes((folder / name).read_bytes())
        fresh.replace(path)
    found = hashlib.sha256(path.read_bytes()).hexdigest()
    assert found in hashes, f"{path}: expected one of {sorted(hashes)} of {LOCK.name}, was {found}"
    return path


def test_the_suite_of_simpy_passes_on_the_kernel_but_for_the_documented_test(tmp_path: Path) -> None:
    with tarfile.open(sdist(tmp_path)) as archive:
        archive.extractall(tmp_path, filter="data")
    (suite,) = tmp_path.glob("simpy-*/tests")
    outcomes_file = tmp_path / "outcomes.json"
    command = [sys.executable, "-m", "pytest", "-p", "simpy_on_kernel", "-p", "no:cacheprovider", "-q"]
    command += ["--override-ini=addopts=", "--ignore=tests/test_benchmark.py", "tests"]
    environment = os.environ | {
        "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1",
        "PYTHONPATH": str(Path(__file__).parent),
        "SIMPY_OUTCOMES": str(outcomes_file),
    }
    for name in ("PYTEST_ADDOPTS", "PYTEST_PLUGINS", "PYTEST_XDIST_WORKER", "PYTEST_CURRENT_TEST"):
        environment.pop(name, None)
    run = subprocess.run(
        command, cwd=suite.parent, env=environment, capture_output=True, text=True, timeout=SUITE_S_MAX, check=False
    )
    assert outcomes_file.exists(), run.stdout + run.stderr
    outcomes: dict[str, str] = json.loads(outcomes_file.read_text())

    other = {name: word for name, word in outcomes.items() if word != "passed"}
    assert other == dict.fromkeys(EXPECTED_FAILURES, "expected failure"), run.stdout
    assert Counter(name.partition("::")[0] for name in outcomes) == COUNTS
    assert Counter(outcomes.values()) == {"passed": 140, "expected failure": 1}
    assert run.returncode == 0, run.stdout
