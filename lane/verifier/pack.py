"""Makes the verifier one file that any Python 3.11 runs: ``python -m lane.verifier.pack lane-verify.pyz``."""

import argparse
import sys
import tempfile
import zipapp
from pathlib import Path

ENTRY = "import sys\nfrom lane.verifier.main import main\nsys.exit(main())\n"
EXIT_USAGE = 2


def pack(target: Path) -> Path:
    """Write the archive and return its path. Raises OSError."""
    with tempfile.TemporaryDirectory() as folder:
        package = Path(folder) / "lane" / "verifier"
        package.mkdir(parents=True)
        (package.parent / "__init__.py").write_text('"""Only the verifier travels."""\n')
        for source in sorted(Path(__file__).parent.glob("*.py")):
            if source.name not in ("pack.py", "__main__.py"):
                (package / source.name).write_text(source.read_text(encoding="utf-8"), encoding="utf-8")
        (Path(folder) / "__main__.py").write_text(ENTRY)
        zipapp.create_archive(folder, target, interpreter="/usr/bin/env python3", compressed=True)
    return target


def main(arguments: list[str] | None = None) -> int:
    """Pack into the file named on the command line; returns the exit status."""
    parser = argparse.ArgumentParser(
        prog="python -m lane.verifier.pack",
        description="Make the verifier one file that any Python 3.11 or newer runs, without this repository.",
        epilog="Then: python3 FILE.pyz RUN --key PUB",
    )
    parser.add_argument("file", metavar="FILE.pyz", type=Path, help="file to write (replaced when it exists)")
    target: Path = parser.parse_args(arguments).file
    try:
        print(pack(target))
    except OSError as error:
        print(f"{parser.prog}: {target}: can't be written: {error.strerror}", file=sys.stderr)
        return EXIT_USAGE
    return 0


if __name__ == "__main__":
    sys.exit(main())
