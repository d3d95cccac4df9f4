"""All records of a run in one Parquet file (zstd), for archives: small, and complete to the byte."""

import json
from pathlib import Path
from typing import Any

from lane.codec import encode, to_plain
from sim.outputs import whole_file
from sim.recording import Recording

ROWS_AT_ONCE = 50_000


class ParquetMissing(Exception):
    """The library is not installed; the text says how to get it."""


def write_parquet(path: Path, recording: Recording) -> int:
    """Write columns ``idx, at_us, belt_um, kind, seq, body`` (canonical bytes); returns the number of records.

    Metadata: configuration, its hash, origin. Raises ParquetMissing without pyarrow, RecordingError on a bad record.
    """
    try:
        import pyarrow as arrow
        import pyarrow.parquet as parquet
    except ImportError as error:
        raise ParquetMissing(
            "Parquet needs pyarrow, which is an extra: pip install 'xray-lane[archive]' (make setup-dev has it)"
        ) from error
    told = {
        "config": json.dumps(to_plain(recording.config), ensure_ascii=False), "config_sha256": recording.config_sha256,
        "origin": "SYNTHETIC" if recording.synthetic else "MACHINE", "facts": json.dumps(dict(recording.facts)),
    }  # fmt: skip
    fields = [("idx", arrow.int64()), ("at_us", arrow.int64()), ("belt_um", arrow.int64()), ("kind", arrow.string())]
    fields += [("seq", arrow.int64()), ("body", arrow.binary())]
    schema = arrow.schema(fields, metadata=told)
    index, rows = 0, list[tuple[Any, ...]]()
    with whole_file(path) as fresh, parquet.ParquetWriter(fresh, schema, compression="zstd") as writer:
        for index, record in enumerate(recording.records(), start=1):
            seq = getattr(record, "seq", 0)
            rows.append((index - 1, record.at_us, record.belt_um, type(record).__name__, seq, encode(record)))
            if len(rows) == ROWS_AT_ONCE:
                writer.write_batch(_batch(arrow, schema, rows))
                rows.clear()
        if rows:
            writer.write_batch(_batch(arrow, schema, rows))
    return index


def _batch(arrow: Any, schema: Any, rows: list[tuple[Any, ...]]) -> Any:
    return arrow.record_batch([list(column) for column in zip(*rows, strict=True)], schema=schema)
