"""What is said where Ray is not installed, and what Ray says."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

import seimai
from seimai.ray import _Remarks


def test_a_missing_ray_says_how_to_get_it(tmp_path: Path) -> None:
    (tmp_path / "plan.toml").write_text('[input]\npaths = ["nothing.jsonl"]\n', encoding="utf-8")
    # A finder in front of all others, which knows no Ray.
    code = (
        "import sys\n"
        "class No:\n"
        "    def find_spec(self, name, path=None, target=None):\n"
        "        if name == 'ray': raise ModuleNotFoundError(name)\n"
        "sys.meta_path.insert(0, No())\n"
        "import seimai.__main__ as m\n"
        "sys.argv = ['seimai', 'run', 'plan.toml', '--out', 'out', '--engine', 'ray']\n"
        "sys.exit(m.main())"
    )
    said = subprocess.run([sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True, check=False)
    assert said.returncode == 2 and "pip install 'seimai[ray]'" in said.stderr, said.stderr
    assert not (tmp_path / "out").exists() and seimai.Work.__doc__


def test_remarks_of_ray_are_short_and_no_data(capsys: pytest.CaptureFixture[str]) -> None:
    remarks = _Remarks()
    for node in ("9064f5e4", "ccba1f7c"):
        print(f"\x1b[33m(raylet)\x1b[0m The node {node} is dead. Reasons: many\n    [state-dump] 17 lines", file=remarks)
    print("(autoscaler +3s) " + "long " * 100, file=remarks)
    said = capsys.readouterr()
    assert said.out == ""
    first, second = said.err.splitlines()
    assert first == "Ray says: The node 9064f5e4 is dead" and second.startswith("Ray says: long long") and len(second) < 220
