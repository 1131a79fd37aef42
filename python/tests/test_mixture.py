"""What a vocabulary was trained on: the same as on the command line."""

from __future__ import annotations

import json
import random
import subprocess
import sys
from pathlib import Path

import pytest

import seimai


def write(path: Path, characters: str, documents: int) -> Path:
    draw = random.Random(characters)
    words = ["".join(draw.choices(characters, k=draw.randrange(1, 5))) for _ in range(300)]
    texts = ["、".join(draw.choices(words, k=30)) + "。" for _ in range(documents)]
    path.write_text("\n".join(json.dumps({"text": text}, ensure_ascii=False) for text in texts), encoding="utf-8")
    return path


def test_shares_are_those_of_the_command_line(tmp_path: Path) -> None:
    kinds = {"law": write(tmp_path / "law.jsonl", "条項第法令前各号規定", 300), "chat": write(tmp_path / "chat.jsonl", "あいうえおかきくけこ", 100)}
    count = [sys.executable, "-m", "seimai", "count", *map(str, kinds.values()), "-o", str(tmp_path / "counts.parquet")]
    subprocess.run([*count, "--set", "tokenizer.boundaries=none", "--set", "tokenizer.superwords=0"], check=True, capture_output=True)
    train = [sys.executable, "-m", "seimai", "train", str(tmp_path / "counts.parquet"), "--vocab-size", "700", "-o", str(tmp_path / "tokenizer")]
    subprocess.run(train, check=True, capture_output=True)
    found = seimai.tokenizer_mixture(tmp_path / "tokenizer", kinds)
    command = [sys.executable, "-m", "seimai", "tokenizer", "mixture", str(tmp_path / "tokenizer"), "--json"]
    sources = [part for name, path in kinds.items() for part in ("--source", f"{name}={path}")]
    printed = json.loads(subprocess.run([*command, *sources], check=True, capture_output=True).stdout)
    assert found == printed
    bytes_of = [source["bytes"] for source in found["sources"]]
    for source in found["sources"]:
        assert source["share"] == pytest.approx(source["bytes"] / sum(bytes_of), abs=0.02)
    assert found["explained"] == 1.0 and found["doubts"] == []
    with pytest.raises(seimai.InputError, match="one source alone"):
        seimai.tokenizer_mixture(tmp_path / "tokenizer", {"law": [kinds["law"]]})
