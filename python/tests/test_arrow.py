"""Arrow data in and out: every layout, every library, no copy."""

from __future__ import annotations

import pytest
from conftest import needs

import seimai

pytestmark = pytest.mark.arrow

TEXTS = ["ﾊﾝｶｸと①㈱。", None, "", "ＡＢＣ　精米", "か\u3099"]
NORMALISED = ["ハンカクと①㈱。", None, "", "ABC 精米", "が"]


def texts(table: object) -> list[str | None]:
    pyarrow = needs("pyarrow")
    return pyarrow.table(table).column("text").to_pylist()  # type: ignore[no-any-return]


def test_every_layout_of_text_gives_the_same() -> None:
    pa = needs("pyarrow")
    for kind in (pa.string(), pa.large_string(), pa.string_view()):
        for batch in (pa.record_batch({"text": pa.array(TEXTS, kind)}), pa.table({"text": pa.array(TEXTS, kind)})):
            done = seimai.normalize(batch)
            assert type(done) is type(batch)
            assert texts(done) == NORMALISED
    words = pa.array(TEXTS).dictionary_encode()
    assert texts(seimai.normalize(pa.table({"text": words}))) == NORMALISED


def test_slices_chunks_and_nothing() -> None:
    pa = needs("pyarrow")
    chunked = pa.chunked_array([pa.array(TEXTS[:2]), pa.array([], pa.string()), pa.array(TEXTS[2:])])
    table = pa.table({"text": chunked, "n": pa.array(range(5))})
    assert texts(seimai.normalize(table)) == NORMALISED
    for kind in (pa.string(), pa.large_string(), pa.string_view()):
        batch = pa.record_batch({"text": pa.array(TEXTS, kind), "n": pa.array(range(5))})
        part = seimai.normalize(batch.slice(1, 3))
        assert part.column("text").to_pylist() == NORMALISED[1:4] and part.column("n").to_pylist() == [1, 2, 3]
        empty = seimai.normalize(batch.slice(5))
        assert empty.num_rows == 0 and empty.schema.names == ["text", "n"]
    none = seimai.normalize(table.slice(5))
    assert none.num_rows == 0 and none.schema.names == ["text", "n"]


def test_an_array_of_strings_is_a_column_of_text() -> None:
    pa = needs("pyarrow")
    assert texts(seimai.normalize(pa.array(TEXTS))) == NORMALISED
    assert texts(seimai.normalize(pa.chunked_array([TEXTS[:2], TEXTS[2:]]))) == NORMALISED


def test_other_libraries_give_the_same() -> None:
    pa = needs("pyarrow")
    expected = NORMALISED
    polars = needs("polars")
    frame = polars.DataFrame({"text": TEXTS})
    assert polars.DataFrame(seimai.normalize(frame))["text"].to_list() == expected
    assert polars.DataFrame(seimai.normalize(frame["text"]))["text"].to_list() == expected
    pandas = needs("pandas")
    assert texts(seimai.normalize(pandas.DataFrame({"text": TEXTS}))) == expected
    duckdb = needs("duckdb")
    table = pa.table({"text": TEXTS})
    relation = duckdb.connect().from_arrow(table)
    assert texts(seimai.normalize(relation)) == expected
    reader = seimai.normalize(pa.RecordBatchReader.from_batches(table.schema, table.to_batches()))
    assert isinstance(reader, pa.RecordBatchReader) and texts(reader.read_all()) == expected


def test_columns_that_are_not_touched_are_not_copied() -> None:
    pa = needs("pyarrow")
    numpy = needs("numpy")
    ids = pa.array(range(1000), pa.int64())
    batch = pa.record_batch({"text": pa.array(["米"] * 1000), "n": ids})
    done = seimai.stage("sentences")(batch)
    assert done.column("n").buffers()[1].address == ids.buffers()[1].address
    assert done.column("text").buffers()[2].address == batch.column("text").buffers()[2].address
    # A slice points into the same memory, and numpy looks at the same numbers.
    part = seimai.stage("sentences")(batch.slice(10, 20))
    view = part.column("n").to_numpy()
    assert view.__array_interface__["data"][0] == ids.buffers()[1].address + 10 * 8
    assert numpy.array_equal(view, numpy.arange(10, 30))
    # The way back through a library that knows nothing of the first.
    ours = seimai.stage("sentences")(needs("polars").DataFrame({"text": ["米。飯。"]}))
    assert pa.table(ours).column("sentence_ends").to_pylist() == [[6, 12]]


def test_batches_without_an_arrow_library() -> None:
    batch = seimai.stage("sentences")(["一。二。", "三"])
    assert isinstance(batch, seimai.Batch)
    assert (batch.num_rows, batch.column_names) == (2, ["text", "sentence_ends"])
    assert batch.to_pylist()[0] == {"text": "一。二。", "sentence_ends": [6, 12]}
    assert batch.slice(1).column("text") == ["三"]
    with pytest.raises(KeyError, match="there are text, sentence_ends"):
        batch.column("nothing")


def test_what_is_no_text_is_refused_by_name() -> None:
    pa = needs("pyarrow")
    with pytest.raises(seimai.FormatError, match="column text is Int64, wanted Utf8"):
        seimai.normalize(pa.table({"text": [1, 2]}))
    with pytest.raises(seimai.FormatError, match="column text .* is missing; there are: body"):
        seimai.normalize(pa.table({"body": ["a"]}))
    with pytest.raises(seimai.FormatError, match="the array is Int64"):
        seimai.normalize(pa.array([1]))
    for wrong in (1, None, [1], [None], {"a": 1}.values(), b"bytes"):
        with pytest.raises(TypeError):
            seimai.stage("normalize")(wrong)


def test_bytes_that_are_no_utf8_are_refused() -> None:
    pa = needs("pyarrow")
    offsets = pa.py_buffer((0).to_bytes(4, "little") + (2).to_bytes(4, "little") + (3).to_bytes(4, "little"))
    for raw, said in ((b"\xff\xfe\xfd", "not UTF-8"), ("米".encode(), "inside of a character")):
        broken = pa.StringArray.from_buffers(2, offsets, pa.py_buffer(raw))
        with pytest.raises(seimai.FormatError, match=said):
            seimai.normalize(pa.record_batch({"text": broken}))


def test_lists_of_another_text_are_refused(dictionary: str) -> None:
    pa = needs("pyarrow")
    batch = pa.record_batch({"text": ["精米を炊く。"]})
    cut = seimai.segment(batch)
    other = cut.set_column(0, "text", pa.array(["短い。"]))
    with pytest.raises(seimai.FormatError, match="do not tile the text"):
        seimai.stage("pii")(other)


def test_a_reader_is_read_once() -> None:
    polars = needs("polars")
    reader = seimai.normalize(polars.DataFrame({"text": ["ＡＢ"]}))
    assert isinstance(reader, seimai.BatchReader)
    assert reader.read_all().column("text") == ["AB"]
    polars.DataFrame(reader)
    with pytest.raises(seimai.FormatError, match="taken before"):
        reader.__arrow_c_stream__()


def test_capsules_of_another_name_are_refused() -> None:
    class Fake:
        def __arrow_c_stream__(self, requested_schema: object = None) -> object:
            return seimai.stage("sentences")(["a"]).__arrow_c_schema__()

    with pytest.raises(TypeError, match="arrow_array_stream"):
        seimai.normalize(Fake())


def test_a_stream_that_fails_says_so() -> None:
    pa = needs("pyarrow")

    def batches() -> object:
        yield pa.record_batch({"text": ["一"]})
        raise RuntimeError("the disk is gone")

    reader = pa.RecordBatchReader.from_batches(pa.schema({"text": pa.string()}), batches())
    done = seimai.stage("sentences")._core(reader)
    assert next(done).num_rows == 1
    with pytest.raises(seimai.FormatError, match="the disk is gone"):
        next(done)
