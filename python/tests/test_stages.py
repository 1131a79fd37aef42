"""Stages: the same as the command line, through every kind of process."""

from __future__ import annotations

import multiprocessing
import pickle
import threading
import time

import pytest
from conftest import needs

import seimai


def test_names_and_columns(dictionary: str) -> None:
    assert seimai.STAGES == ("normalize", "sentences", "segment", "keigo", "quality", "pii", "annotate")
    text = "社長がいらっしゃいました。電話は090-1234-5678です。"
    added = {
        "normalize": ["text"],
        "sentences": ["sentence_ends"],
        "segment": ["morpheme_ends", "morpheme_pos", "morpheme_word"],
        "keigo": ["keigo", "register", "formulae"],
        "quality": ["quality"],
        "pii": ["pii", "pii_spans"],
    }
    for name, columns in added.items():
        stage = seimai.stage(name)
        batch = stage([text])
        assert stage.adds == columns and stage.name == name
        assert batch.column_names == list(dict.fromkeys(["text", *columns])), "what it needs before it is left out again"
    assert seimai.stage("pii")([text]).column("pii")[0]["PHONE"] == 1
    # Morphemes that are there are used, and stay.
    chained = seimai.stage("keigo")(seimai.stage("segment")([text]))
    assert chained.column("register") == seimai.stage("keigo")([text]).column("register")
    assert "morpheme_ends" in chained.column_names


def test_options_are_keys_of_the_plan(dictionary: str) -> None:
    assert seimai.stage("normalize", form="none")(["Ａ"]).column("text") == ["Ａ"]
    with pytest.raises(seimai.PlanError) as caught:
        seimai.stage("normalize", forms="none")
    assert (caught.value.key, caught.value.nearest, caught.value.exit_code) == ("normalize.forms", "form", 2)
    with pytest.raises(seimai.PlanError, match="there is no stage keygo"):
        seimai.stage("keygo")
    with pytest.raises(seimai.DictionaryError, match="nowhere"):
        seimai.stage("segment", dictionary="nowhere")


def _in_a_process(stage: seimai.Stage, texts: list[str]) -> list[str]:
    return list(stage(texts).column("register"))


@pytest.mark.slow
@pytest.mark.parametrize("method", ["fork", "spawn", "forkserver"])
def test_a_stage_goes_to_other_processes(dictionary: str, method: str) -> None:
    stage = seimai.stage("keigo")
    texts = ["社長がいらっしゃいます。", "米を炊く。"]
    here = _in_a_process(stage, texts)
    with multiprocessing.get_context(method).Pool(1) as pool:
        assert pool.apply_async(_in_a_process, (stage, texts)).get(timeout=120) == here


def test_pickles_hold_what_a_stage_depends_on(dictionary: str) -> None:
    stage = seimai.stage("keigo")
    again = pickle.loads(pickle.dumps(stage))
    assert again.fingerprint == stage.fingerprint != seimai.stage("keigo", register={"legal_density": 0.5}).fingerprint
    rebuild, (core,) = stage.__reduce__()
    kind, (name, plan, base, fingerprint) = core.__reduce__()
    with pytest.raises(seimai.FingerprintMismatch):
        kind(name, plan, base, "0" * len(fingerprint))
    segmenter = pickle.loads(pickle.dumps(seimai.Segmenter()))
    assert segmenter.surfaces("精米する") == ["精米", "する"]


def test_other_threads_go_on(dictionary: str) -> None:
    """While a stage works, a thread of Python counts: with the GIL held it would stand still until the stage is done."""
    stage = seimai.stage("segment")
    texts = ["精米とは、玄米から糠と胚芽を取り除くことです。" * 200] * 40
    counted, going = 0, True

    def count() -> None:
        nonlocal counted
        while going:
            counted += 1

    thread = threading.Thread(target=count)
    thread.start()
    time.sleep(0.05)
    before, start = counted, time.perf_counter()
    stage(texts)
    during, seconds = counted - before, time.perf_counter() - start
    going = False
    thread.join()
    # A call that held the GIL would let the other thread run only for switches before and after it: some thousand steps.
    assert during > 20_000 * seconds, (during, seconds)


def test_an_arrow_table_of_a_dataset(dictionary: str) -> None:
    pa = needs("pyarrow")
    table = pa.table({"text": ["社長がいらっしゃいます。"] * 3, "id": ["a", "b", "c"]})
    done = seimai.stage("annotate")(table.rename_columns(["text", "doc_id"]))
    assert done.num_rows == 3 and {"quality", "keigo", "register", "pii"} <= set(done.schema.names)
    assert done.column("register").to_pylist() == [seimai.keigo("社長がいらっしゃいます。").register] * 3
