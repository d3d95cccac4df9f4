"""``python -m vision.worker --signatures FILE``: process around ``vision.service``.

First line on standard output: ``{"ready": true, "model_sha256": ..., "signatures": ...}``. Nothing but answers goes
there.
"""

import argparse
import io
import os
import resource
import sys
from pathlib import Path


def main(arguments: list[str] | None = None) -> int:
    """Command line of the worker; 2 when the signatures can't be loaded."""
    parser = argparse.ArgumentParser(prog="python -m vision.worker", description=__doc__)
    parser.add_argument("--signatures", type=Path, required=True, help="signature file, basis.npz beside it")
    parser.add_argument("--memory-mb", type=int, default=0, help="limit of the address space (0: none)")
    options = parser.parse_args(arguments)
    if options.memory_mb > 0:
        limit = options.memory_mb * 1024 * 1024
        resource.setrlimit(resource.RLIMIT_AS, (limit, limit))
    # One core per worker, and no address space reserved for threads that never run. Must precede numpy.
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
    os.environ.setdefault("OMP_NUM_THREADS", "1")
    from vision.pipeline import Pipeline
    from vision.service import serve

    try:
        pipeline = Pipeline.load(options.signatures)
    except (ValueError, OSError) as error:
        print(f"vision.worker: {error}", file=sys.stderr)
        return 2
    for stream in (sys.stdin, sys.stdout):
        # A byte that is no UTF-8 spoils its own request, never the worker.
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(encoding="utf-8", errors="replace")
    serve(pipeline, sys.stdin, sys.stdout)
    return 0


if __name__ == "__main__":
    sys.exit(main())
