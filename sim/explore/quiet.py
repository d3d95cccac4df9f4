"""A journal that writes nothing down: it keeps the key index and shows every step to the watch."""

from collections.abc import Callable, Sequence

from lane.events.parcel import ParcelDrawn
from lane.events.union import AnyEvent
from lane.inputs import AnyInput
from lane.journal.memory import MemoryJournal

Watch = Callable[[AnyInput, Sequence[AnyEvent]], None]


class QuietJournal(MemoryJournal):
    """``watch`` hears every input and its events in order, before their commands leave."""

    def __init__(self) -> None:
        super().__init__()
        self.watch: Watch | None = None

    def append(self, item: AnyInput, events: Sequence[AnyEvent]) -> int:
        """Count, note draws, show."""
        index = self.size
        for event in events:
            if type(event) is ParcelDrawn and event.parcel_key:
                passage = (event.seq, event.at_us, event.effective)
                self._passages.setdefault(event.parcel_key, []).append(passage)
        self.size = index + 1 + len(events)
        if self.watch is not None:
            self.watch(item, events)
        return index
