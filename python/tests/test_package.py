"""The package itself: names, types, what it imports, the command line."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from conftest import ROOT, needs

import seimai


def python(*arguments: str, **options: object) -> subprocess.CompletedProcess[str]:
    return subprocess.run([sys.executable, *arguments], capture_output=True, text=True, check=False, **options)  # type: ignore[call-overload, no-any-return]


def test_all_names_are_those_of_the_guide() -> None:
    guide = (ROOT / "docs" / "python.md").read_text(encoding="utf-8")
    names = re.findall(r"^\| `([A-Za-z_]+)", guide, re.MULTILINE)
    assert sorted(names) == sorted(set(seimai.__all__) - {"__version__"})
    for name in seimai.__all__:
        assert hasattr(seimai, name) and (name.isupper() or name == "__version__" or getattr(seimai, name).__doc__), name


def test_importing_it_imports_nobody_elses() -> None:
    listed = python("-c", "import sys; before = set(sys.modules); import seimai; print(*sorted(set(sys.modules) - before))")
    modules = {name.split(".")[0] for name in listed.stdout.split()}
    assert "seimai" in modules and modules - {"seimai"} <= set(sys.stdlib_module_names), modules


def test_the_stubs_say_what_is_there() -> None:
    needs("mypy")
    allowed = ("--allowlist", "tests/stubtest_allowlist.txt", "--ignore-unused-allowlist")
    checked = python("-m", "mypy.stubtest", "seimai._core", *allowed, cwd=ROOT / "python")
    assert checked.returncode == 0, checked.stdout + checked.stderr


def test_the_package_is_typed() -> None:
    needs("mypy")
    checked = python("-m", "mypy", "--strict", "seimai", cwd=ROOT / "python")
    assert checked.returncode == 0, checked.stdout
    assert (Path(seimai.__file__).parent / "py.typed").exists()


def test_the_command_line() -> None:
    version = python("-m", "seimai", "--version")
    assert version.stdout.strip() == f"seimai {seimai.__version__}" and version.returncode == 0
    wrong = python("-m", "seimai", "rum")
    assert wrong.returncode == 2 and "run" in wrong.stderr
    missing = python("-m", "seimai", "run", "nowhere.toml")
    assert missing.returncode == 2 and missing.stderr.startswith("error: nowhere.toml") and "Traceback" not in missing.stderr
    text = python("-m", "seimai", "normalize", "-", input="ﾊﾝｶｸ\n")
    assert '"ハンカク' in text.stdout


@pytest.mark.slow
def test_examples_of_the_guide_run(finished: seimai.Run, tmp_path: Path) -> None:
    guide = (ROOT / "docs" / "python.md").read_text(encoding="utf-8")
    needs("pyarrow"), needs("numpy"), needs("polars")
    examples = re.findall(r"^```python\n(.*?)^```", guide, re.MULTILINE | re.DOTALL)
    assert len(examples) >= 4
    # A copy: an example signs it.
    shutil.copytree(finished.path, tmp_path / "out")
    (tmp_path / "corpus.jsonl").write_text('{"text": "社長がいらっしゃいました。"}\n', encoding="utf-8")
    ran = python("-c", "\n".join(examples), cwd=tmp_path)
    assert ran.returncode == 0, ran.stderr
