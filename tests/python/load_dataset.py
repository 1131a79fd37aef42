"""Loads a run directory with Hugging Face's `datasets` by its README.md, and compares every table with the Parquet files.

    python tests/python/load_dataset.py RUN_DIR

1. The features that the card names are those that `datasets` makes of the files; the licence is the manifest's.
2. `load_dataset(RUN_DIR)` is documents/; each configuration has the rows and values that pyarrow reads, loaded and streamed.
3. pandas and, where it is installed, a torch DataLoader read the same tokens.

Needs datasets, pandas and pyarrow, and no network. Prints a line for each check; the first difference ends the program with exit code 1.
"""

import importlib.util
import json
import os
import sys
import tempfile
from importlib.metadata import version
from pathlib import Path

os.environ["HF_HUB_OFFLINE"] = "1"
import datasets
import pandas
import pyarrow as pa
import pyarrow.parquet as pq
import yaml

TABLES = {"documents": "documents/*.parquet", "tokens": "tokens/*.parquet", "rejected": "rejected/*.parquet", "counts": "counts.parquet"}


def demand(condition, message):
    if not condition:
        sys.exit(f"load_dataset: {message}")


def front_matter(run):
    text = (run / "README.md").read_text(encoding="utf-8")
    demand(text.startswith("---\n"), "README.md has no front matter")
    return yaml.safe_load(text.split("---\n")[1])


def check_card(run):
    card = front_matter(run)
    licence = json.loads((run / "manifest.json").read_text())["source"].get("license")
    said = card.get("license_name") if card.get("license") == "other" else card.get("license")
    demand((said or "").lower() == (licence or "").lower(), f"README.md: licence {said}, the manifest has {licence}")
    infos = {info["config_name"]: info for info in card["dataset_info"]}
    configs = {config["config_name"]: config["data_files"][0]["path"] for config in card["configs"]}
    held_out = {path for config in card["configs"] for path in [split["path"] for split in config["data_files"][1:]]}
    demand(held_out == ({"validation/documents/*.parquet", "validation/tokens/*.parquet"} if (run / "validation").is_dir() else set()), f"README.md: held out {held_out}")
    demand(configs == TABLES, f"README.md: configurations {configs}")
    for name, pattern in TABLES.items():
        made = datasets.Features.from_arrow_schema(pq.read_schema(sorted(run.glob(pattern))[0]))._to_yaml_list()
        demand(infos[name]["features"] == made, f"README.md: other features for {name} than datasets has")
    print(f"card: features of {', '.join(infos)} as datasets {version('datasets')} has them")


def check_tables(run, cache):
    for name, pattern in TABLES.items():
        wanted = pa.concat_tables([pq.read_table(path) for path in sorted(run.glob(pattern))])
        loaded = datasets.load_dataset(str(run), name, split="train", cache_dir=cache)
        demand(loaded.to_list() == wanted.to_pylist(), f"{name}: datasets reads other values than pyarrow")
        splits = datasets.load_dataset_builder(str(run), name, cache_dir=cache).info.splits
        demand(splits and splits["train"].num_examples == wanted.num_rows, f"{name}: the card promises other numbers of rows")
        streamed = datasets.load_dataset(str(run), name, split="train", streaming=True)
        demand(list(streamed) == wanted.to_pylist(), f"{name}: datasets streams other values than pyarrow")
        print(f"datasets: {name}, {loaded.num_rows} rows, loaded and streamed")
    for name in ("documents", "tokens") if (run / "validation").is_dir() else ():
        wanted = pa.concat_tables([pq.read_table(path) for path in sorted(run.glob(f"validation/{name}/*.parquet"))])
        loaded = datasets.load_dataset(str(run), name, split="validation", cache_dir=cache)
        demand(loaded.to_list() == wanted.to_pylist(), f"{name}: datasets reads other values than pyarrow in the validation split")
        print(f"datasets: {name}, {loaded.num_rows} rows held out")
    default = datasets.load_dataset(str(run), split="train", cache_dir=cache)
    demand("register" in default.column_names, f"the default is not documents/: {default.column_names}")
    ids = datasets.load_dataset(str(run), "tokens", split="train", cache_dir=cache)
    demand(ids["doc_id"][:] == default["doc_id"][:], "tokens are not row for row the documents")
    return ids


def check_pandas(run):
    for path in sorted(run.glob("tokens/*.parquet")):
        frame, wanted = pandas.read_parquet(path), pq.read_table(path)
        demand([ids.tolist() for ids in frame["input_ids"]] == wanted["input_ids"].to_pylist(), f"{path}: pandas reads other tokens")
        demand(frame["doc_id"].tolist() == wanted["doc_id"].to_pylist(), f"{path}: pandas reads other ids")
    print(f"pandas {pandas.__version__}: tokens/")


def check_torch(tokens):
    if importlib.util.find_spec("torch") is None:
        print("torch is absent: no DataLoader")
        return
    import torch

    loader = torch.utils.data.DataLoader(tokens.with_format("torch", columns=["input_ids"]), batch_size=None, shuffle=False)
    for row, (batch, wanted) in enumerate(zip(loader, tokens["input_ids"][:], strict=True)):
        demand(batch["input_ids"].tolist() == wanted, f"row {row}: a torch DataLoader gives other tokens")
    print(f"torch {torch.__version__}: a DataLoader over tokens/")


def main(arguments):
    if len(arguments) != 2:
        sys.exit("usage: python load_dataset.py RUN_DIR")
    run = Path(arguments[1])
    check_card(run)
    with tempfile.TemporaryDirectory() as cache:
        check_torch(check_tables(run, cache))
    check_pandas(run)


if __name__ == "__main__":
    main(sys.argv)
