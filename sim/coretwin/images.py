"""Detector windows of the core twin: which bodies an image shows, and the record that a stored image gives."""

import hashlib

from msgspec import Struct

from lane.inputs import ScanStored
from vision.item_count import Acquisition, Origin

_SUCCESSFUL, _SYNTHETIC = Acquisition.SUCCESSFUL, Origin.SYNTHETIC
LINE_UM = 1_200
"""One detector line per 12 encoder counts (device manual, section 7)."""

IMAGES_KEPT = 10_000
"""Images whose body is known; a lane has a few dozen parcels between detector and decision."""
BODY_UM_MAX = 2_000_000
"""Longer than any body: one whose tail has not come by then was taken off the belt at the detector."""


class Span(Struct, gc=False):
    """A body at the detector: belt positions of head and tail there (tail -1: still passing)."""

    body: int
    head_um: int
    tail_um: int = -1


class Images:
    """Keeps armed windows and the bodies that crossed the detector line lately."""

    def __init__(self, seed: int) -> None:
        self._seed = seed
        self._spans: list[Span] = []
        self._windows: dict[int, tuple[int, int]] = {}
        self.bodies: dict[str, int] = {}

    def arm(self, seq: int, from_um: int, to_um: int) -> None:
        """The detector takes lane parcel ``seq``'s image in this window."""
        self._windows[seq] = (from_um, to_um)

    def crossed(self, body: int, belt_um: int, *, head: bool) -> None:
        """A body's head or tail crossed the detector line."""
        if head:
            self._spans.append(Span(body, belt_um))
            return
        for span in self._spans:
            if span.body == body:
                span.tail_um = belt_um

    def dark(self, seq: int) -> None:
        """The window of ``seq`` ended without X-rays: there is no image."""
        self._windows.pop(seq, None)

    def stored(self, seq: int, at_us: int, belt_um: int) -> ScanStored | None:
        """The image of ``seq``'s window, which has ended (None: there is none)."""
        window = self._windows.pop(seq, None)
        if window is None:
            return None
        from_um, to_um = window
        shown = self._shown(from_um, to_um)
        head_um, tail_um = 0, 0
        acquisition = _SUCCESSFUL
        if len(shown) > 1:
            acquisition = Acquisition.MERGED
            head_um = min(span.head_um for span in shown)
            tail_um = max(span.tail_um for span in shown)
        elif shown:
            head_um, tail_um = shown[0].head_um, shown[0].tail_um
            if head_um < from_um or not 0 <= tail_um <= to_um:
                acquisition = Acquisition.CUT
        bodies = f"[{shown[0].body}]" if len(shown) == 1 else str([span.body for span in shown])
        digest = hashlib.sha256(f"{self._seed}\x1f{seq}\x1f{bodies}".encode()).hexdigest()
        lines, line_from = (to_um - from_um) // LINE_UM, from_um // LINE_UM
        self._remember(digest, shown[0].body if len(shown) == 1 else 0)
        return ScanStored(
            at_us=at_us,
            belt_um=belt_um,
            seq=seq,
            image_sha256=digest,
            lines=lines,
            line_from=line_from,
            line_to=line_from + lines - 1,
            from_um=from_um,
            to_um=to_um,
            head_um=head_um,
            tail_um=tail_um if tail_um > 0 else 0,
            gaps=0,
            acquisition=acquisition,
            origin=_SYNTHETIC,
        )

    def _shown(self, from_um: int, to_um: int) -> list[Span]:
        """Bodies inside a window that has ended; those before it are forgotten."""
        shown, kept = [], []
        for span in self._spans:
            tail_um = span.tail_um
            if tail_um < 0:
                if span.head_um <= from_um - BODY_UM_MAX:
                    continue
            elif tail_um <= from_um:
                continue
            kept.append(span)
            if span.head_um < to_um:
                shown.append(span)
        self._spans = kept
        return shown

    def _remember(self, digest: str, body: int) -> None:
        """Which body an image shows; one that was taken long ago is counted by now."""
        self.bodies[digest] = body
        if len(self.bodies) > IMAGES_KEPT:
            del self.bodies[next(iter(self.bodies))]
