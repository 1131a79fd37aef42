"""What the tests share: small texts, a finished run, and packages that may be missing."""

from __future__ import annotations

import importlib
import json
import random
from pathlib import Path
from types import ModuleType

import pytest

import seimai

ROOT = Path(__file__).resolve().parents[2]


def needs(name: str) -> ModuleType:
    """A package, or a skipped test that says which one is missing."""
    return pytest.importorskip(name, reason=f"needs the package {name} (./scripts/install-test-tools.sh)")


def has_dictionary() -> bool:
    try:
        seimai.Segmenter()
    except seimai.DictionaryError:
        return False
    return True


@pytest.fixture(scope="session")
def dictionary() -> str:
    if not has_dictionary():
        pytest.skip("needs the dictionary: seimai dictionary fetch ipadic")
    return "ipadic"


PLAN = """
[input]
paths = ["{inputs}"]
[quality]
preset = "none"
thresholds = {{ min_chars = 20 }}
[tokenizer]
vocab_size = 600
[pack]
sequence_length = 128
"""


WHO = ["社長", "隣の農家", "祖母", "新しい先生", "図書館の人", "港の漁師", "駅員", "若い大工", "料理人", "旅人", "町の医者", "姉"]
WHEN = ["朝早く", "秋になると", "雨の日には", "去年の夏", "夜遅く", "収穫の後で", "祭りの前に", "春先に", "昼休みに", "正月に"]
WHERE = ["山のふもと", "古い蔵", "広い台所", "川沿いの道", "市場", "静かな庭", "学校の裏", "橋のたもと", "二階の部屋", "畑の隅"]
WHAT = [
    "玄米を丁寧に洗っていました", "友人に長い手紙を書いた", "梅干しを並べて干しています", "昔の歌を教えてくださった",
    "壊れた椅子を直している", "子どもたちに話を聞かせました", "焼き魚を皿に盛りつけた", "荷物を静かに運んでいる",
    "新しい米を袋に詰めました", "花の名前を一つずつ覚えた", "遠くの船を眺めていらっしゃった", "熱いお茶をいただきました",
]


@pytest.fixture(scope="session")
def corpus(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Three hundred documents: prose long enough to be kept, some too short, some twice, one line that is no JSON."""
    path = tmp_path_factory.mktemp("corpus") / "documents.jsonl"
    draw = random.Random(1)
    lines = []
    for n in range(300):
        sentences = [f"{draw.choice(WHO)}は{draw.choice(WHEN)}、{draw.choice(WHERE)}で{draw.choice(WHAT)}。" for _ in range(12)]
        text = "短い。" if n % 10 == 3 else "精米とは" + str(n) + "。" + "".join(sentences)
        lines.append(json.dumps({"id": f"doc-{n}", "text": text, "source": f"source-{n % 3}"}, ensure_ascii=False))
    lines.append(lines[5].replace("doc-5", "doc-again"))
    lines.append("{no json")
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return path


@pytest.fixture(scope="session")
def plan(corpus: Path, dictionary: str) -> seimai.Plan:
    return seimai.Plan.from_toml(PLAN.format(inputs=corpus))


@pytest.fixture(scope="session")
def finished(plan: seimai.Plan, tmp_path_factory: pytest.TempPathFactory) -> seimai.Run:
    out = tmp_path_factory.mktemp("run") / "out"
    plan.run(out, threads=2)
    return seimai.open(out)
