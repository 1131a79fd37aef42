"""The tokenizer: ids of Hugging Face's library."""

from __future__ import annotations

import json
import pickle
import signal
from pathlib import Path

import pytest
from conftest import needs

import seimai

TEXTS = ["精米とは、玄米から糠を取り除くことです。", "", "The rice 1234 is milled.", "😀か\u3099\n\n　x<|endoftext|>", "米" * 5000]


def test_ids_are_hugging_faces(finished: seimai.Run) -> None:
    theirs = needs("tokenizers").Tokenizer.from_file(str(finished.path / "tokenizer" / "tokenizer.json"))
    theirs.encode_special_tokens = True
    ours = seimai.Tokenizer(finished.path)
    expected = [theirs.encode(text, add_special_tokens=False).ids for text in TEXTS]
    assert [ours.encode(text) for text in TEXTS] == expected
    for threads in (1, 2, 5):
        assert list(ours.encode_batch(TEXTS * 50, threads=threads)) == expected * 50
    assert ours.decode_batch(expected) == [theirs.decode(ids) for ids in expected] == TEXTS
    assert ours.vocab_size == theirs.get_vocab_size() == len(ours)


def test_many_texts_are_encoded_in_runs_that_hear_signals(finished: seimai.Run) -> None:
    ours = seimai.Tokenizer(finished.path)
    some = [text * 300 for text in TEXTS[:4]]
    alone = list(ours.encode_batch(some))
    many = ours.encode_batch(some * 500)  # 28 MB
    assert len(many) == 2000 and many[0] == alone[0] and all(many[at] == alone[at % 4] for at in range(999, 2000, 77))

    def stop(*_: object) -> None:
        raise KeyboardInterrupt

    before = signal.signal(signal.SIGALRM, stop)
    try:
        with pytest.raises(KeyboardInterrupt):
            signal.setitimer(signal.ITIMER_REAL, 0.01)
            ours.encode_batch(some * 3000)
    finally:
        signal.signal(signal.SIGALRM, before)


def test_a_normalizer_inside_the_file_is_applied(dictionary: str) -> None:
    library = needs("tokenizers")
    ours = seimai.Tokenizer.train(["ﾊﾝｶｸと精米。"] * 5, vocab_size=300, normalizer="seimai")
    theirs = library.Tokenizer.from_str(dict(ours._core.files)["tokenizer.json"])
    for text in ("ﾊﾝｶｸと①", "ＡＢ　C", "か\u3099"):
        assert ours.encode(text) == theirs.encode(text, add_special_tokens=False).ids


def test_arrow_and_numpy(finished: seimai.Run) -> None:
    pa, np = needs("pyarrow"), needs("numpy")
    ours = finished.tokenizer
    for texts in (TEXTS, pa.array(TEXTS), pa.array(TEXTS, pa.large_string()), pa.table({"text": TEXTS}), pa.table({"n": TEXTS})):
        tokens = ours.encode_batch(texts)
        assert len(tokens) == len(TEXTS) and tokens[2] == ours.encode(TEXTS[2]) and tokens[-1] == ours.encode(TEXTS[-1])
        ids, offsets = np.asarray(tokens.ids), np.asarray(tokens.offsets)
        assert (ids.dtype, offsets.dtype, len(offsets)) == (np.int32, np.int64, len(TEXTS) + 1)
        array = pa.array(tokens)
        assert array.type.value_type == pa.int32() and array.to_pylist() == list(tokens)
        assert array.values.buffers()[1].address == tokens.ids.address == ids.__array_interface__["data"][0], "nothing is copied"
    both = pa.table({"n": [1] * len(TEXTS), "body": TEXTS})
    assert list(ours.encode_batch(both, column="body")) == list(ours.encode_batch(TEXTS))
    with pytest.raises(seimai.FormatError, match="there is no column text; there are n, body"):
        ours.encode_batch(both)
    assert list(ours.encode_batch(pa.array(["米", None]))) == [ours.encode("米"), []]
    with pytest.raises(seimai.FormatError, match="Int64"):
        ours.encode_batch(pa.table({"text": [1]}))
    with pytest.raises(TypeError, match="item 1 is int"):
        ours.encode_batch(["a", 1])
    with pytest.raises(IndexError):
        ours.encode_batch(["a"])[1]


def test_training_from_an_iterator_is_that_of_a_run(finished: seimai.Run) -> None:
    texts = finished.documents(["text"]).read_all().column("text")
    mine = seimai.Tokenizer.train(iter(texts), vocab_size=600)
    assert mine._core.files[0][1] == (finished.path / "tokenizer" / "tokenizer.json").read_text(encoding="utf-8")


def test_saved_pickled_and_read_again(dictionary: str, tmp_path: Path) -> None:
    mine = seimai.Tokenizer.train(["精米した米"] * 3, vocab_size=270)
    mine.save(tmp_path / "here")
    assert {file.name for file in (tmp_path / "here").iterdir()} == {name for name, _ in mine._core.files}
    for again in (seimai.Tokenizer(tmp_path / "here"), pickle.loads(pickle.dumps(mine))):
        assert again.encode("精米した") == mine.encode("精米した")
    assert mine.special_tokens == {"<|endoftext|>": 0, "<|pad|>": 1} and mine.token(0) == b"<|endoftext|>"
    assert mine.decode([0, *mine.encode("米"), 1]) == "米" and mine.decode([0], skip_special_tokens=False) == "<|endoftext|>"
    assert mine.content_blake3 == seimai.Tokenizer(tmp_path / "here").content_blake3
    with pytest.raises(seimai.InputError, match="id 99999"):
        mine.decode([99999])
    with pytest.raises(seimai.PlanError, match="vocab_size"):
        seimai.Tokenizer.train(["米"], vocab_size=3)


def test_damaged_files_are_refused_by_name(finished: seimai.Run, tmp_path: Path) -> None:
    whole = (finished.path / "tokenizer" / "tokenizer.json").read_text(encoding="utf-8")
    for name, content in {"cut": whole[:-50], "empty": "", "other": json.dumps({"model": {"type": "WordPiece"}})}.items():
        path = tmp_path / f"{name}.json"
        path.write_text(content, encoding="utf-8")
        with pytest.raises(seimai.FormatError, match=name):
            seimai.Tokenizer(path)
