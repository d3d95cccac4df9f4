"""A damaged declarations store: nothing of it reaches the journal, and the watch for changed statuses goes on."""

import asyncio
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest

from lane.commands import AskDeclaration
from lane.declarations.store import DeclarationStore
from lane.inputs import DeclarationAnswer, StatusChanged
from lane.model.words import StatusClass
from lane.runtime import declared
from lane.runtime.declared import Declared

PATIENCE_S = 20.0


def change(status_code: str) -> StatusChanged:
    """A list that was rejected."""
    return StatusChanged(
        at_us=1, belt_um=2, seq=3, version="v", status_code=status_code, status_class=StatusClass.REJECTED, status_at=""
    )


def run_with(path: Path, act: Callable[[Declared, list[Any]], Any]) -> tuple[list[Any], dict[str, Any]]:
    """A link over an empty store; what it told the core, and its figures."""

    async def session() -> tuple[list[Any], dict[str, Any]]:
        told: list[Any] = []
        heard = asyncio.Event()

        def emit(item: Any) -> None:
            told.append(item)
            heard.set()

        link = Declared(path / "declarations.db", status_ttl_s=600, stamp=lambda: (1, 2), emit=emit)
        link.start()
        try:
            async with asyncio.timeout(PATIENCE_S):
                act(link, told)
                if asked := list(link._asked):
                    await asyncio.gather(*asked)
                else:
                    await heard.wait()
        finally:
            await link.stop()
        return told, link.figures()

    return asyncio.run(session())


@pytest.mark.parametrize("error", [TypeError("bytes"), KeyError("k"), ValueError("v"), OverflowError("o")])
def test_the_watch_goes_on_after_facts_that_are_not_what_their_column_says(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, error: Exception
) -> None:
    monkeypatch.setattr(declared, "LOOK_S", 0.01)
    monkeypatch.setattr(declared, "FULL_LOOK_S", 0.01)
    looks = 0

    def changes(self: DeclarationStore, pinned: Mapping[int, Any], **_: Any) -> list[StatusChanged]:
        nonlocal looks
        looks += 1
        if looks == 1:
            raise error
        return [change("600")] if looks == 2 else []

    monkeypatch.setattr(DeclarationStore, "changes", changes)

    def watch(link: Declared, told: list[Any]) -> None:
        link._pinned[3] = ("C", "W", "v", "800")

    told, figures = run_with(tmp_path, watch)
    assert told == [change("600")]
    assert figures["failures"] == 1


def test_a_change_that_no_record_can_hold_is_told_as_a_status_that_is_not_known(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(declared, "LOOK_S", 0.01)
    told_once = iter([[change("\ud800")]])
    monkeypatch.setattr(DeclarationStore, "changes", lambda *_, **__: next(told_once, []))
    told, figures = run_with(tmp_path, lambda link, told: None)
    assert [(item.seq, item.version, item.status_class) for item in told] == [(3, "", StatusClass.UNKNOWN)]
    assert figures["failures"] == 1


def test_an_answer_that_no_record_can_hold_is_no_answer(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def answer(self: DeclarationStore, seq: int, code: str, **_: Any) -> DeclarationAnswer:
        return DeclarationAnswer(
            at_us=1, belt_um=2, seq=seq, found=True, waybill=code, status_class=StatusClass.RELEASED, gross_mg=2**62
        )

    monkeypatch.setattr(DeclarationStore, "answer", answer)
    told, figures = run_with(tmp_path, lambda link, told: link.ask(AskDeclaration(seq=3, code="W")))
    assert told == []
    assert figures["failures"] == 1
