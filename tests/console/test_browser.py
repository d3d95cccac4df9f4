"""The console in a real browser, on a running lane of simulated devices."""

import json
import os
import re
import urllib.error
import urllib.request
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from tests.console.conftest import Lane

pytestmark = [pytest.mark.browser, pytest.mark.timeout(240)]
SCREENSHOTS = Path(os.environ["LANE_SCREENSHOTS"]) if "LANE_SCREENSHOTS" in os.environ else None
WAIT_MS = 60_000


def picture_of(page: Page, name: str, folder: Path) -> None:
    """Keep a screenshot: in the test's folder, or where LANE_SCREENSHOTS points."""
    path = (SCREENSHOTS or folder) / f"console-{name}.png"
    page.screenshot(path=str(path))
    assert path.stat().st_size > 10_000


@pytest.fixture(scope="module")
def state(lane: Lane, browser: object) -> str:
    """Cookies of the one-time entry, spent once for this module."""
    context = browser.new_context(viewport={"width": 1440, "height": 1100})  # type: ignore[attr-defined]
    page = context.new_page()
    page.goto(lane.one_time)
    expect(page).to_have_url(f"{lane.url}/lane")
    path = str(lane.run / "browser-state.json")
    context.storage_state(path=path)
    context.close()
    return path


@pytest.fixture
def signed_in(page: Page, lane: Lane, state: str) -> Page:
    page.context.add_cookies(json.loads(Path(state).read_text(encoding="utf-8"))["cookies"])
    return page


def test_lane_page_shows_belt_picture_and_declared_lines(signed_in: Page, lane: Lane, tmp_path: Path) -> None:
    signed_in.goto(f"{lane.url}/lane")
    expect(signed_in.locator("#twinword")).to_be_visible(timeout=WAIT_MS)
    expect(signed_in.locator("#machine")).to_have_text("EXECUTE", timeout=WAIT_MS)
    expect(signed_in.locator("#picture img")).to_be_visible(timeout=WAIT_MS)
    expect(signed_in.locator("#facts tbody td").first).to_be_visible(timeout=WAIT_MS)
    expect(signed_in.locator("#picture svg polygon").first).to_be_attached(timeout=WAIT_MS)
    picture_of(signed_in, "lane", tmp_path)


def test_hold_reaches_the_machine_and_the_twin_officer_cures_it(signed_in: Page, lane: Lane) -> None:
    signed_in.goto(f"{lane.url}/lane")
    expect(signed_in.locator("#machine")).to_have_text("EXECUTE", timeout=WAIT_MS)
    signed_in.get_by_role("button", name="Hold", exact=True).click()
    expect(signed_in.locator("#message")).to_have_text("Hold: accepted.")
    expect(signed_in.locator("#machine")).to_have_text(re.compile("HOLDING|HELD|UNHOLDING"), timeout=WAIT_MS)
    expect(signed_in.locator("#machine")).to_have_text("EXECUTE", timeout=WAIT_MS)


def test_parcel_page_tells_the_story_of_a_parcel(signed_in: Page, lane: Lane, tmp_path: Path) -> None:
    signed_in.goto(f"{lane.url}/parcel?find=1")
    signed_in.locator("#hits button").last.click()
    expect(signed_in.locator("#story")).to_contain_text("ParcelInducted", timeout=WAIT_MS)
    picture_of(signed_in, "parcel", tmp_path)


def test_bench_page_lists_diverted_parcels(signed_in: Page, lane: Lane, tmp_path: Path) -> None:
    signed_in.goto(f"{lane.url}/bench")
    expect(signed_in.locator("#waiting")).to_contain_text(re.compile("1 parcel waits|parcels wait"), timeout=WAIT_MS)
    picture_of(signed_in, "bench", tmp_path)


def test_without_a_session_nothing_is_shown(page: Page, lane: Lane, tmp_path: Path) -> None:
    page.goto(f"{lane.url}/lane")
    expect(page).to_have_url(f"{lane.url}/login")
    page.fill("#name", "nobody")
    page.fill("#password", "wrong password")
    page.get_by_role("button", name="Sign in").click()
    expect(page.locator("#message")).to_have_text("Name or password is wrong.")
    picture_of(page, "login", tmp_path)
    for path in ("/api/state", "/api/parcels", "/api/parcels/1"):
        with pytest.raises(urllib.error.HTTPError, match="401"):
            urllib.request.urlopen(lane.url + path)


def test_one_time_address_opens_only_once(page: Page, lane: Lane, state: str) -> None:
    answer = page.goto(lane.one_time)
    assert answer is not None
    assert answer.status == 403


def test_a_change_from_another_origin_is_refused(lane: Lane) -> None:
    request = urllib.request.Request(
        lane.url + "/api/orders",
        b'{"order":"Stop"}',
        {"Content-Type": "application/json", "Origin": "http://evil.invalid"},
    )
    with pytest.raises(urllib.error.HTTPError, match="403"):
        urllib.request.urlopen(request)
