"""A whole lane on simulated devices with its console, and a real browser on it."""

import json
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, sync_playwright

BROWSERS = ("chromium", "chromium-browser", "google-chrome")
PARCELS = 14
START_S_MAX = 60.0
QUIET = [
    "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
    "--disable-component-update", "--disable-sync",
]  # fmt: skip


@dataclass(frozen=True)
class Lane:
    """A running demo: its run directory and console address."""

    run: Path
    url: str
    one_time: str
    process: subprocess.Popen[bytes]


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    # Not for the whole session: Playwright's own event loop would stand in the way of tests that start theirs.
    path = next((found for name in BROWSERS if (found := shutil.which(name))), None)
    if path is None:
        if os.environ.get("BROWSER") == "0":
            pytest.skip("BROWSER=0: the console was NOT tested in a browser")
        pytest.fail("Chromium is missing: apt-get install chromium (or run .ci/run); BROWSER=0 skips these tests")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=QUIET)
        yield browser
        browser.close()


@pytest.fixture(scope="module")
def lane(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lane]:
    run = tmp_path_factory.mktemp("lane") / "run"
    command = [sys.executable, "-m", "lane", "demo", "--parcels", str(PARCELS), "--seed", "5", "--speed", "2"]
    process = subprocess.Popen([*command, "--out", str(run)], stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
    address = run / "console.json"
    deadline = time.monotonic() + START_S_MAX
    while not address.exists():
        if process.poll() is not None or time.monotonic() > deadline:
            process.kill()
            _, errors = process.communicate()
            pytest.fail(f"the demo gave no console address: {errors.decode()[-2000:]}")
        time.sleep(0.1)
    told = json.loads(address.read_text(encoding="utf-8"))
    yield Lane(run=run, url=told["url"], one_time=told["one_time"], process=process)
    process.terminate()
    try:
        process.wait(20)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


@pytest.fixture
def page(browser: Browser) -> Iterator[Page]:
    context = browser.new_context(viewport={"width": 1440, "height": 1100})
    page = context.new_page()
    errors: list[str] = []
    page.on("pageerror", lambda error: errors.append(str(error)))
    yield page
    context.close()
    assert errors == [], "errors in the page's scripts"
