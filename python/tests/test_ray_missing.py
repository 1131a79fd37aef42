"""What is said where Ray is not installed."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import seimai


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
