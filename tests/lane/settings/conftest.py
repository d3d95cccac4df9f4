"""A complete configuration folder of its own for each test."""

from itertools import product
from pathlib import Path

import pytest

from lane.model.words import Evidence, StatusClass, Tracking

SHIPPED = Path(__file__).resolve().parents[3] / "config"


def matrix_text() -> str:
    """A full matrix: RELEASE in its only cell, INSPECT OPEN elsewhere."""
    rows = ["status_class,evidence,drawn,tracking,route,instruction"]
    for cell in product(StatusClass, Evidence, ("no", "yes"), Tracking):
        route = "RELEASE,NONE" if cell == ("RELEASED", "CLEAR", "no", "SOUND") else "INSPECT,OPEN"
        rows.append(f"{','.join(cell)},{route}")
    return "\n".join(rows) + "\n"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """``config/`` with lane file, matrix, carriers, profiles and signatures."""
    config = tmp_path / "config"
    for name in ("lanes", "devices", "models"):
        (config / name).mkdir(parents=True)
    (config / "lanes" / "demo.toml").write_text((SHIPPED / "lanes" / "demo.toml").read_text(encoding="utf-8"))
    (config / "disposition.csv").write_text(matrix_text())
    (config / "carriers.toml").write_text(
        '[[carrier]]\nname = "post"\nprefix = "RA"\nlength_min = 13\nlength_max = 13\ncheck = "s10"\n'
    )
    for profile in (SHIPPED / "devices").glob("*.toml"):
        (config / "devices" / profile.name).write_bytes(profile.read_bytes())
    for shipped in (SHIPPED / "models").iterdir():
        (config / "models" / shipped.name).symlink_to(shipped)
    return config
