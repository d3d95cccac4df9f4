"""The page in a real browser: it plays, scrubs, jumps, selects, filters, and asks nothing of any network."""

import os
import re
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from click.testing import CliRunner
from playwright.sync_api import Page, expect, sync_playwright

from sim.view.cli import view
from tests.console.conftest import BROWSERS, QUIET
from tests.sim.view.conftest import Recorded

pytestmark = pytest.mark.browser


@pytest.fixture(scope="module")
def file(recorded: Recorded, tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("page") / "belt.html"
    answer = CliRunner().invoke(view, [str(recorded.path), "--out", str(out)])
    assert answer.exit_code == 0, answer.output
    assert "40 parcels" in answer.output
    assert "SYNTHETIC" in answer.output
    return out


@pytest.fixture(scope="module")
def page(file: Path) -> Iterator[Page]:
    path = next((found for name in BROWSERS if (found := shutil.which(name))), None)
    if path is None:
        if os.environ.get("BROWSER") == "0":
            pytest.skip("BROWSER=0: the belt view was NOT tested in a browser")
        pytest.fail("Chromium is missing: apt-get install chromium (or run .ci/run); BROWSER=0 skips these tests")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=QUIET)
        context = browser.new_context(viewport={"width": 1300, "height": 1000}, offline=True)
        page = context.new_page()
        told: list[str] = []
        page.on("pageerror", lambda error: told.append(str(error)))
        page.on("console", lambda message: told.append(message.text) if message.type == "error" else None)
        page.on("request", lambda request: told.append(request.url) if not request.url.startswith("file:") else None)
        page.goto(file.as_uri())
        yield page
        browser.close()
    assert [line for line in told if not line.startswith("data:")] == []


def _seconds(page: Page) -> float:
    minutes, seconds = re.match(r"(\d+):([\d.]+) of", page.locator("#clock").inner_text()).groups()  # type: ignore[union-attr]
    return int(minutes) * 60 + float(seconds)


def _pixels(page: Page) -> str:
    return str(page.evaluate("document.getElementById('belt').toDataURL()"))


def test_the_page_holds_everything_and_says_that_it_is_synthetic(page: Page, file: Path) -> None:
    text = file.read_text(encoding="utf-8")
    assert not re.search(r"(src|href)=.https?:", text)
    expect(page.locator("#origin")).to_have_text("SYNTHETIC")
    expect(page.locator("body")).to_have_class(re.compile("synthetic"))
    expect(page.locator("#facts")).to_contain_text("day.toml")


def test_scrubbing_moves_the_bodies_and_the_figures(page: Page) -> None:
    page.keyboard.press("Home")
    before = _pixels(page)
    expect(page.locator("#figures")).to_contain_text("on the belt0")
    page.locator("#scrub").evaluate("(bar) => { bar.value = '60000'; bar.dispatchEvent(new Event('input')); }")
    assert _seconds(page) == 60.0
    assert _pixels(page) != before
    expect(page.locator("#state")).to_have_text("EXECUTE")
    expect(page.locator("#figures")).to_contain_text("belt500 mm/s")
    assert page.evaluate("location.hash").startswith("#t=60.0")


def test_playing_runs_time_at_the_chosen_speed_and_pausing_stops_it(page: Page) -> None:
    page.keyboard.press("Home")
    page.locator("#speed").select_option("30")
    page.locator("#play").click()
    expect(page.locator("#clock")).not_to_have_text(re.compile("^00:0[0-2]"))
    page.keyboard.press("Space")
    expect(page.locator("#play")).to_have_text("Play")
    stopped = _seconds(page)
    page.wait_for_timeout(150)
    assert _seconds(page) == stopped > 0


def test_jumping_to_an_event_selects_its_parcel_and_tells_what_is_known(page: Page) -> None:
    page.locator("#search").fill("RANDOM_DRAW")
    page.locator(".event").first.click()
    expect(page.locator("#parcelname")).to_have_text(re.compile(r"Parcel \d+"))
    expect(page.locator("#parcel")).to_contain_text("INSPECT: ")
    expect(page.locator("#parcel")).to_contain_text("RANDOM_DRAW")
    expect(page.locator("#parcel")).to_contain_text("drawn for opening")
    page.locator("#parcel button", has_text=":").first.click()  # inducted
    expect(page.locator("#parcel")).to_contain_text("not yet")
    page.locator("#search").fill("")


def test_a_parcel_is_picked_on_the_belt(page: Page) -> None:
    page.evaluate("scrollTo(0, 0); jump(60000)")
    place = page.evaluate(
        "(() => { const box = document.getElementById('belt').getBoundingClientRect(), { one, way } = aboard(now)[1];"
        "return { seq: one.seq, x: box.left + x(way - one.length / 2, box.width),"
        "         y: box.top + LANE.y + sink(way, routeOf(one, now)) }; })()"
    )
    page.mouse.click(place["x"], place["y"])
    expect(page.locator("#parcelname")).to_have_text(f"Parcel {place['seq']}")


def test_keys_step_through_events_and_time(page: Page) -> None:
    page.evaluate("document.activeElement.blur(); jump(60000)")
    page.keyboard.press("ArrowRight")
    assert _seconds(page) == 61.0
    page.keyboard.press("Shift+ArrowLeft")
    assert _seconds(page) == 51.0
    page.keyboard.press("n")
    after = page.evaluate("now")
    page.keyboard.press("p")
    assert page.evaluate("now") <= 51_000 < after
    page.keyboard.press("End")
    assert page.evaluate("now === film.length_ms")
    page.keyboard.press("?")
    expect(page.locator("#keys")).to_be_visible()
    page.keyboard.press("Escape")


def test_groups_and_search_narrow_the_list(page: Page) -> None:
    everything = page.evaluate("film.events.length")
    page.locator("#group-person").check()
    page.locator("#group-draw").check()
    assert page.evaluate("shown.length") == everything
    page.locator("#group-decision").uncheck()
    assert page.evaluate("shown.every((row) => row[1] !== 'decision')")
    page.locator("#group-decision").check()
    page.locator("#search").fill("#7")
    assert page.evaluate("shown.length > 1 && shown.every((row) => row[3] === 7)")
    page.locator("#search").fill("")


def test_light_and_dark_have_grounds_of_their_own(page: Page) -> None:
    page.evaluate("document.activeElement.blur()")
    grounds = set()
    for _ in range(3):
        page.keyboard.press("t")
        grounds.add(page.evaluate("getComputedStyle(document.body).backgroundColor"))
    assert len(grounds) == 2


def test_a_run_that_is_none_and_a_folder_that_is_none_are_refused(recorded: Recorded, tmp_path: Path) -> None:
    refused = CliRunner().invoke(view, [str(tmp_path), "--out", str(tmp_path / "x.html")])
    assert refused.exit_code != 0
    assert "expected a run directory with journal.db" in refused.output
    refused = CliRunner().invoke(view, [str(recorded.path), "--out", "/nowhere/x.html"])
    assert "expected an existing folder" in refused.output
