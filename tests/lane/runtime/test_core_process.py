"""What the core process may load, and what it may not."""

import json
import subprocess
import sys
from pathlib import Path

HEAVY = ("numpy", "skimage", "scipy", "onnxruntime", "simpy", "fastapi", "uvicorn", "httpx", "sim")


def test_the_core_process_loads_no_image_work_no_web_server_and_no_twin() -> None:
    code = f"import json, sys, lane.station; print(json.dumps([m for m in {HEAVY!r} if m in sys.modules]))"
    root = Path(__file__).resolve().parents[3]
    answer = subprocess.run([sys.executable, "-c", code], cwd=root, capture_output=True, text=True, check=True)
    assert json.loads(answer.stdout) == []
