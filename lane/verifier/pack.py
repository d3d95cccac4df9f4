"""Makes the verifier one file that any Python 3.11 runs: ``python -m lane.verifier.pack lane-verify.pyz``."""

import sys
import tempfile
import zipapp
from pathlib import Path

ENTRY = "import sys\nfrom lane.verifier.main import main\nsys.exit(main())\n"


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


if __name__ == "__main__":
    print(pack(Path(sys.argv[1] if len(sys.argv) > 1 else "lane-verify.pyz")))
