"""Streaming reader of CEB messages: expat calls in, one raw record per list or receipt out.

Elements are found by local name, with any prefix, in any order. Only elements of the allow-list get a handler for
their text, so that personal fields never become objects. Refused: DOCTYPE (and with it every entity), depth above
16, other root elements, anything expat refuses. Errors name line and column, never text of the file.
"""

from collections.abc import Iterator
from typing import Any
from xml.parsers import expat

from lane.interfaces.ceb_fields import ENVELOPE, ENVELOPE_DATA, SHAPES, Shape
from lane.interfaces.faults import FileRefusedError

DEPTH_MAX = 16
CHUNK_BYTES = 64 * 1024
NAMES_MAX = 2_000
"""Different element names in one file: the longest message has about eighty."""

WRAPPER_DEPTH = 2
"""Records are children of the root."""
TWICE = "!"
"""Key under which a record keeps the name of a field that it states twice with different values."""

Fields = dict[str, str]
RawRecord = tuple[Fields, list[Fields]]
"""Head fields and line fields of one record, by local name, stripped; absent when empty."""


class CebReader:
    """Reads one message. ``records(data)`` yields (head fields, lines) per record element, in file order.

    ``shape`` is known after the first element. A base64 envelope is opened by the caller: ``envelope`` then holds
    the business message.
    """

    def __init__(self) -> None:
        self.shape: Shape | None = None
        self.root = ""
        self.envelope: list[str] | None = None
        self._ready: list[RawRecord] = []
        self._parser = expat.ParserCreate()
        self._parser.buffer_text = True
        self._parser.StartDoctypeDeclHandler = _refuse_doctype
        self._parser.StartElementHandler = self._root_element

    def records(self, data: bytes) -> Iterator[RawRecord]:
        """Raw records of a whole message. Raises ``FileRefusedError``."""
        view = memoryview(data)
        for start in range(0, len(data) or 1, CHUNK_BYTES):
            self._feed(view[start : start + CHUNK_BYTES], start + CHUNK_BYTES >= len(data))
            ready = tuple(self._ready)
            self._ready.clear()  # the handlers keep this very list
            yield from ready

    def _feed(self, chunk: memoryview, final: bool) -> None:
        problem = ""
        try:
            self._parser.Parse(chunk, final)
        except expat.ExpatError as error:
            problem = f"line {error.lineno}, column {error.offset}: {expat.ErrorString(error.code)}"
        except (ValueError, LookupError):
            problem = "declares an encoding that is not supported; expected UTF-8"
        if problem:
            raise FileRefusedError(f"no well-formed XML: {problem}")

    def _root_element(self, name: str, attributes: Any) -> None:
        self.root = name.rpartition(":")[2]
        if self.root == ENVELOPE:
            self.envelope = []
            _read_envelope(self._parser, self.envelope)
            return
        self.shape = SHAPES.get(self.root)
        if self.shape is None:
            raise FileRefusedError(f"root element: expected one of {', '.join(SHAPES)}, {ENVELOPE}; was another")
        handlers = _RecordHandlers(self._parser, self.shape, self._ready)
        self._parser.StartElementHandler = handlers.start
        self._parser.EndElementHandler = handlers.end


def _refuse_doctype(*_: object) -> None:
    raise FileRefusedError("DOCTYPE: expected none, entities and external parts are refused")


def _too_deep() -> FileRefusedError:
    return FileRefusedError(f"elements: expected at most {DEPTH_MAX} levels, was deeper")


def _read_envelope(parser: Any, texts: list[str]) -> None:
    """Handlers that collect the envelope's base64 text (``Data``), and nothing else."""
    depth = 1

    def start(name: str, attributes: Any) -> None:
        nonlocal depth
        depth += 1
        if depth > DEPTH_MAX:
            raise _too_deep()
        parser.CharacterDataHandler = texts.append if name.rpartition(":")[2] == ENVELOPE_DATA else None

    def end(name: str) -> None:
        nonlocal depth
        depth -= 1
        parser.CharacterDataHandler = None

    parser.StartElementHandler = start
    parser.EndElementHandler = end


class _RecordHandlers:
    """Where the reader stands in a message. ``start`` and ``end`` run for every element, so they stay short.

    ``kinds`` of the open container say what a raw element name is: a wanted field (its local name), a container
    (``_ENTER``) or nothing. They are learned once per name, so prefixes cost nothing.
    """

    __slots__ = (
        "_depth", "_field", "_flat", "_head", "_in_record", "_into", "_kinds", "_kinds_of", "_lines", "_open_depth",
        "_parser", "_ready", "_shape", "_texts", "_wanted", "_wanted_of",
    )  # fmt: skip

    def __init__(self, parser: Any, shape: Shape, ready: list[RawRecord]) -> None:
        self._parser = parser
        self._shape = shape
        self._ready = ready
        self._flat = shape.wrapper.value == shape.head
        outside = frozenset({shape.wrapper.value, shape.head, shape.line}) - {""}
        self._wanted_of = {"": outside, shape.head: shape.head_fields, shape.line or "-": shape.line_fields}
        self._kinds_of: dict[str, dict[str, str]] = {name: {} for name in self._wanted_of}
        self._wanted, self._kinds = self._wanted_of[""], self._kinds_of[""]
        self._depth, self._open_depth = 1, 0
        self._field = ""
        self._texts: list[str] = []
        self._head: Fields = {}
        self._lines: list[Fields] = []
        self._into: Fields | None = None
        self._in_record = False

    def start(self, name: str, _attributes: Any) -> None:
        """An element begins."""
        self._depth = depth = self._depth + 1
        if depth > DEPTH_MAX:
            raise _too_deep()
        if self._field:  # an element inside a value: whatever it is, it is no part of the value
            self._field = ""
            self._parser.CharacterDataHandler = None
        kind = self._kinds.get(name)
        if kind is None:
            kind = self._learn(name)
        if not kind:
            return
        if self._into is None:
            self._enter(kind, depth)
        elif depth == self._open_depth + 1:
            self._field = kind
            self._texts.clear()
            self._parser.CharacterDataHandler = self._texts.append

    def end(self, _name: str) -> None:
        """An element ends."""
        depth = self._depth
        self._depth = depth - 1
        field = self._field
        if field:
            self._parser.CharacterDataHandler = None
            self._field = ""
            texts = self._texts
            value = texts[0].strip() if len(texts) == 1 else "".join(texts).strip()
            into = self._into
            if value and into is not None and into.setdefault(field, value) != value:
                into[TWICE] = field
        elif depth == self._open_depth:
            self._leave()
        elif depth == WRAPPER_DEPTH and self._in_record:
            self._finish_record()

    def _learn(self, name: str) -> str:
        """What a raw element name means in the open container (``''``: nothing)."""
        if len(self._kinds) >= NAMES_MAX:
            raise FileRefusedError(f"elements: expected at most {NAMES_MAX} different names, was more")
        local = name.rpartition(":")[2]
        kind = local if local in self._wanted else ""
        self._kinds[name] = kind
        return kind

    def _enter(self, kind: str, depth: int) -> None:
        if kind == self._shape.wrapper and depth == WRAPPER_DEPTH:
            self._head, self._lines = {}, []
            self._in_record = True
            if not self._flat:
                return
            self._into = self._head
        elif not self._in_record or depth != WRAPPER_DEPTH + 1:
            return
        elif kind == self._shape.head:
            self._into = self._head
        else:
            self._into = {}
            self._lines.append(self._into)
        self._open_depth = depth
        self._wanted, self._kinds = self._wanted_of[kind], self._kinds_of[kind]

    def _leave(self) -> None:
        self._into, self._open_depth = None, 0
        self._wanted, self._kinds = self._wanted_of[""], self._kinds_of[""]
        if self._flat:
            self._finish_record()

    def _finish_record(self) -> None:
        self._ready.append((self._head, self._lines))
        self._head, self._lines = {}, []
        self._in_record = False
