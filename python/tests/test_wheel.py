"""What scripts/release/ packs: a wheel with a program in it, an archive, and where cargo-binstall looks for that."""

from __future__ import annotations

import os
import re
import shutil
import stat
import subprocess
import sys
import tarfile
import zipfile
from pathlib import Path

import pytest
from conftest import ROOT

import seimai

RELEASE = ROOT / "scripts" / "release"
# Any program does: what is packed is not run.
PROGRAM = Path(shutil.which("true") or "/bin/true")
LIBRARY = Path(seimai.__file__).parent / "_core.abi3.so"

pytestmark = pytest.mark.skipif(shutil.which("readelf") is None, reason="needs readelf (binutils)")


def script(name: str, *arguments: object, epoch: int = 1_700_000_000) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "SOURCE_DATE_EPOCH": str(epoch)}
    command = [sys.executable, str(RELEASE / name), *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, check=False, env=environment)


def wheel(place: Path, program: Path = PROGRAM, library: Path = LIBRARY, **options: int) -> Path:
    place.mkdir()
    bill = place.parent / "seimai.cdx.json"
    bill.write_text("{}")
    made = script("wheel.py", "--seimai", program, "--python-lib", library, "-o", place, "--sbom", bill, "--level", 1, **options)
    assert made.returncode == 0, made.stderr
    assert [file.name for file in place.iterdir()] == [made.stdout.strip()]
    return place / made.stdout.strip()


@pytest.fixture(scope="module")
def packed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return wheel(tmp_path_factory.mktemp("wheel") / "one")


def test_a_wheel_is_the_same_twice(packed: Path, tmp_path: Path) -> None:
    # Another time and mode on disk, and other files beside those of the package.
    program = tmp_path / "seimai"
    shutil.copy(PROGRAM, program)
    program.chmod(0o600)
    again = wheel(tmp_path / "two", program)
    assert again.name == packed.name and again.read_bytes() == packed.read_bytes()
    later = wheel(tmp_path / "three", epoch=1_700_000_010)
    assert later.read_bytes() != packed.read_bytes()


def test_a_wheel_has_what_it_should(packed: Path) -> None:
    assert re.fullmatch(rf"seimai-{re.escape(seimai.__version__)}-cp311-abi3-manylinux_2_\d+_(x86_64|aarch64)\.whl", packed.name)
    checked = script("record.py", packed)
    assert checked.returncode == 0, checked.stderr
    with zipfile.ZipFile(packed) as archive:
        names = archive.namelist()
        info = f"seimai-{seimai.__version__}.dist-info"
        command = archive.getinfo(f"seimai-{seimai.__version__}.data/scripts/seimai")
        assert archive.read(command) == PROGRAM.read_bytes() and command.external_attr >> 16 == stat.S_IFREG | 0o755
        assert {f"{info}/licenses/{name}" for name in ("LICENSE-MIT", "LICENSE-APACHE", "NOTICE")} < set(names)
        assert f"{info}/sboms/seimai.cdx.json" in names and f"{info}/entry_points.txt" not in names
        own = {f"seimai/{file.relative_to(ROOT / 'python/seimai')}" for file in (ROOT / "python/seimai").rglob("*.py*") if file.suffix in (".py", ".pyi")}
        assert own < set(names) and not [name for name in names if "__pycache__" in name or name.endswith(".pyc")]
        metadata = archive.read(f"{info}/METADATA").decode()
    assert "License-Expression: MIT OR Apache-2.0\n" in metadata and "License-File: NOTICE\n" in metadata
    assert "Requires-Dist: torch>=2.5 ; extra == 'torch'\n" in metadata and "Requires-Python: >=3.11\n" in metadata


def test_pip_makes_the_program_the_command(packed: Path, tmp_path: Path) -> None:
    install = [sys.executable, "-m", "pip", "install", "--quiet", "--no-index", "--no-deps", "--ignore-installed", "--prefix", str(tmp_path), str(packed)]
    done = subprocess.run(install, capture_output=True, text=True, check=False)
    if "No module named pip" in done.stderr:
        pytest.skip("needs pip")
    assert done.returncode == 0, done.stderr
    command = tmp_path / "bin" / "seimai"
    assert command.read_bytes() == PROGRAM.read_bytes() and os.access(command, os.X_OK)


@pytest.mark.parametrize("program, library", [(PROGRAM, PROGRAM), (Path(__file__), LIBRARY), (PROGRAM, Path(__file__))])
def test_what_is_no_program_or_no_extension_is_refused(program: Path, library: Path, tmp_path: Path) -> None:
    made = script("wheel.py", "--seimai", program, "--python-lib", library, "-o", tmp_path)
    assert made.returncode == 1 and made.stderr.startswith("error: ") and str(library if program == PROGRAM else program) in made.stderr
    assert not list(tmp_path.iterdir())


def test_a_changed_wheel_is_not_what_its_record_says(packed: Path, tmp_path: Path) -> None:
    changed = tmp_path / packed.name
    with zipfile.ZipFile(packed) as before, zipfile.ZipFile(changed, "w") as after:
        for name in before.namelist():
            after.writestr(name, before.read(name) + (b"#" if name == "seimai/__init__.py" else b""))
    checked = script("record.py", changed)
    assert checked.returncode == 1 and "seimai/__init__.py" in checked.stderr


def test_an_archive_is_the_same_twice_and_binstall_finds_it(tmp_path: Path) -> None:
    target = "x86_64-unknown-linux-gnu"
    name = f"seimai-{seimai.__version__}-{target}"
    made = []
    for turn, order in enumerate([("seimai", "NOTICE"), ("NOTICE", "seimai")]):
        place = tmp_path / str(turn)
        (place / name / "man").mkdir(parents=True)
        for file in order:
            (place / name / file).write_text(file)
            os.utime(place / name / file, (turn, turn))
        (place / name / "seimai").chmod(0o700 if turn else 0o755)
        archive = place / f"{name}.tar.gz"
        assert script("tarball.py", place / name, "-o", archive).returncode == 0
        made.append(archive.read_bytes())
    assert made[0] == made[1]
    with tarfile.open(tmp_path / "0" / f"{name}.tar.gz") as archive:
        assert [(one.name, one.mode) for one in archive] == [
            (name, 0o755),
            (f"{name}/NOTICE", 0o644),
            (f"{name}/man", 0o755),
            (f"{name}/seimai", 0o755),
        ]
    found = script("binstall.py", "--target", target, "--repo", "https://example.org/seimai", "--check", tmp_path / "0")
    assert found.stdout.splitlines()[:2] == [f"https://example.org/seimai/releases/download/v{seimai.__version__}/{name}.tar.gz", f"{name}/seimai"]
    assert found.returncode == 0, found.stderr
    (tmp_path / "0" / f"{name}.tar.gz").rename(tmp_path / "0" / "seimai.tar.gz")
    assert script("binstall.py", "--target", target, "--check", tmp_path / "0").returncode == 1
