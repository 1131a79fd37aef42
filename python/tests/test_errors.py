"""One hierarchy of errors, which survives pickling."""

from __future__ import annotations

import inspect
import pickle

import pytest

import seimai
from seimai import _errors

CLASSES = [one for one in vars(_errors).values() if inspect.isclass(one) and issubclass(one, seimai.Error)]


@pytest.mark.parametrize("kind", CLASSES)
def test_every_class_survives_pickling(kind: type[seimai.Error]) -> None:
    error = kind("米: broken", hint="mend it", exit_code=4, file="x.toml", errno=28, filename="/x")
    again = pickle.loads(pickle.dumps(error))
    assert type(again) is kind and str(again) == str(error) == "米: broken\nhint: mend it"
    for name in ("hint", "exit_code", "file", "errno", "filename"):
        assert getattr(again, name) == getattr(error, name), name
    assert kind.__name__ in seimai.__all__


def test_they_are_what_python_expects() -> None:
    assert issubclass(seimai.PlanError, ValueError) and issubclass(seimai.StorageError, OSError)
    error = seimai.StorageError("x: cannot write", errno=28, filename="x")
    assert (error.errno, error.filename, error.strerror) == (28, "x", "No space left on device")
    assert {one.exit_code for one in CLASSES} == {1, 2, 4, 130}


def test_a_plan_error_names_key_file_and_nearest() -> None:
    with pytest.raises(seimai.PlanError) as caught:
        seimai.Plan.from_toml(f"input.paths = ['{__file__}']\n[tokenizer]\nvocab_sizes = 3\n", name="mine.toml")
    error = pickle.loads(pickle.dumps(caught.value))
    assert (error.key, error.file, error.nearest, error.exit_code) == ("tokenizer.vocab_sizes", "mine.toml", "vocab_size", 2)
    assert "mine.toml:3" in str(error) and "the nearest valid key is `vocab_size`" in str(error)
    with pytest.raises(seimai.PlanError) as caught:
        seimai.Plan.from_toml(f"input.paths = ['{__file__}']").set(quality={"preset": "wev"})
    assert (caught.value.key, caught.value.nearest) == ("quality.preset", "web")


def test_files_that_are_not_there() -> None:
    with pytest.raises(seimai.PlanError, match=r"nowhere\.toml"):
        seimai.Plan.from_file("nowhere.toml")
    with pytest.raises(seimai.StorageError) as caught:
        seimai.Tokenizer("nowhere.json")
    assert caught.value.filename == "nowhere.json" and caught.value.errno == 2
    with pytest.raises(seimai.Error):
        seimai.open("nowhere")
    with pytest.raises(seimai.StorageError):
        seimai.open_pack("nowhere")
