"""Single strings."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest

import seimai

LETTER = "拝啓、社長はご覧になりましたか。😀先に帰らさせていただきます。"


def test_normalize() -> None:
    assert seimai.normalize("ﾊﾝｶｸと①㈱") == "ハンカクと①㈱"
    assert seimai.normalize(iter(["Ａ", ""])) == ["A", ""]
    assert seimai.normalize("Ａ", form="none") == "Ａ"
    with pytest.raises(UnicodeEncodeError):
        seimai.normalize("\ud800")


def test_sentences() -> None:
    assert seimai.sentences("「はい。」と答えた。次です。") == ["「はい。」と答えた。", "次です。"]
    assert seimai.sentences("") == []


def test_morphemes_with_offsets_of_both_kinds(dictionary: str) -> None:
    text = "😀 精米した。\n米"
    found = seimai.segment(text)
    for morpheme in found:
        assert text[morpheme.start : morpheme.end] == morpheme.surface
        assert text.encode()[morpheme.byte_start : morpheme.byte_end].decode() == morpheme.surface
    assert "".join(one.surface for one in found) == "😀精米した。米"
    verb = next(one for one in found if one.surface == "し")
    assert (verb.lemma, verb.reading, verb.pos[0], verb.is_unknown) == ("する", "シ", "動詞", False)
    assert seimai.Segmenter().surfaces(text) == [one.surface for one in found]


def test_keigo_is_that_of_the_command_line(dictionary: str) -> None:
    said = seimai.keigo(LETTER)
    program = [sys.executable, "-m", "seimai", "keigo", "-"]
    lines = subprocess.run(program, input=LETTER, capture_output=True, text=True, check=True).stdout.splitlines()
    told = [json.loads(line) for line in lines]
    assert [(one.start, one.end, one.style, one.level) for one in said.sentences] == [
        (one["start"], one["end"], one["style"], one["level"]) for one in told
    ]
    assert [(one.cls, one.rule, one.byte_start) for one in said.spans] == [
        (span["class"], span["rule"], span["byte_start"]) for one in told for span in one["spans"]
    ]
    assert [one.type for one in said.misuse] == [misuse["type"] for one in told for misuse in one["misuse"]]


def test_keigo_offsets_count_in_the_string(dictionary: str) -> None:
    said = seimai.keigo(LETTER)
    assert said.text == LETTER and len(said.spans) >= 2 and said.misuse[0].severity == "error"
    for one in (*said.sentences, *said.spans, *said.misuse):
        assert LETTER[one.start : one.end] == one.text
        assert LETTER.encode()[one.byte_start : one.byte_end].decode() == one.text
    assert said.spans[0].text.startswith("ご覧") and said.spans[0].cls == "SON"
    assert said.level == 2 and said.style == "keitai"
    nothing = seimai.keigo("")
    assert (nothing.sentences, nothing.level, nothing.tone, nothing.register) == ((), 0, "neutral", "none")


def test_keigo_in_colours_is_safe(dictionary: str) -> None:
    page = seimai.keigo("<script>alert(1)</script>社長が「いらっしゃる」&。")._repr_html_()
    assert "<script" not in page and "&lt;script&gt;" in page and "&amp;" in page
    assert 'title="SON' in page and "いらっしゃる" in page
    assert "http" not in page and "src=" not in page, "nothing is loaded from anywhere"
    assert "underline" in seimai.keigo("先に帰らさせていただきます。")._repr_html_()


def test_personal_data(dictionary: str) -> None:
    text = "😀電話は090-1234-5678、メールはtaro@example.co.jpです。"
    found = seimai.pii(text)
    assert [(one.kind, text[one.start : one.end]) for one in found] == [("PHONE", "090-1234-5678"), ("EMAIL", "taro@example.co.jp")]
    assert seimai.mask(text) == "😀電話は<PHONE>、メールは<EMAIL>です。"
    assert seimai.mask(text, action="drop") is None
    assert seimai.mask(text, kinds={"PHONE": "keep"}) == "😀電話は090-1234-5678、メールは<EMAIL>です。"
