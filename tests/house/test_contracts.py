"""The house itself: who may import whom, sizes, what the core may load."""

import ast
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
BUILDINGS = ("lane", "devices", "vision", "sim")
LINES_MAX = 400
FUNCTION_LINES_MAX = 70
CORE = [
    "lane.model.config",
    "lane.errors",
    "lane.orders",
    "lane.inputs",
    "lane.events.union",
    "lane.commands",
    "lane.machine",
    "lane.tracking",
    "lane.identify",
    "lane.comparison",
    "lane.draw",
    "lane.disposition",
    "lane.permits",
    "lane.alarms",
    "lane.controller.core",
    "lane.codec",
]


def lint_imports(folder: Path) -> subprocess.CompletedProcess[str]:
    command = [str(Path(sys.executable).with_name("lint-imports")), "--no-cache"]
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    for building in BUILDINGS:
        shutil.copytree(ROOT / building, tmp_path / building, ignore=shutil.ignore_patterns("__pycache__", "static"))
    shutil.copy(ROOT / "pyproject.toml", tmp_path)
    return tmp_path


@pytest.mark.parametrize(
    ("module", "statement", "contract"),
    [
        ("devices/signals.py", "import lane.orders", "Buildings"),
        ("lane/machine.py", "import lane.tracking", "Floors of lane"),
        ("lane/tracking.py", "import time", "The core is sans-IO"),
        ("lane/verifier/__init__.py", "import lane.codec", "The verifier stands alone"),
        ("lane/comparison.py", "import vision.frame", "The core floors take only words"),
        ("sim/wire/__init__.py", "import devices.framing", "Simulated devices share no code"),
        ("lane/nowhere.py", "", "Floors of lane"),
    ],
)
def test_each_import_contract_breaks_when_violated(copy: Path, module: str, statement: str, contract: str) -> None:
    path = copy / module
    before = path.read_text(encoding="utf-8") if path.exists() else '"""A module without a floor."""\n'
    path.write_text(before + "\n" + statement + "\n", encoding="utf-8")

    result = lint_imports(copy)

    assert result.returncode != 0, result.stdout
    verdicts = [line for line in result.stdout.splitlines() if " BROKEN" in line]
    message = result.stdout + result.stderr
    assert any(line.startswith(contract) for line in verdicts) or (not statement and "nowhere" in message), message


def test_no_source_file_and_no_function_outgrows_a_reader() -> None:
    long = []
    for building in (*BUILDINGS, "tests"):
        for path in (ROOT / building).rglob("*.py"):
            text = path.read_text(encoding="utf-8")
            if text.count("\n") > LINES_MAX:
                long.append(f"{path.relative_to(ROOT)}: {text.count(chr(10))} lines")
            for node in ast.walk(ast.parse(text)):
                if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                    lines = (node.end_lineno or 0) - node.lineno + 1
                    if building != "tests" and lines > FUNCTION_LINES_MAX:
                        long.append(f"{path.relative_to(ROOT)}:{node.lineno} {node.name}: {lines} lines")
    assert long == []


def test_the_core_floors_load_no_clock_socket_thread_numpy_or_logging() -> None:
    code = (
        "import sys; import " + ", ".join(CORE) + "\n"
        "own = [n for n in sys.modules if n.partition('.')[0] in ('numpy', 'skimage', 'onnxruntime', 'asyncio', "
        "'socket', 'logging', 'pymodbus', 'serial', 'sqlite3')]\n"
        "print(sorted(own))"
    )
    answer = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=ROOT)
    assert answer.stdout.strip() == "[]"
