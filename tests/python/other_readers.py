"""Reads the tables of a run with Ray Data, Spark and Daft, those of them that are installed, and compares them with pyarrow.

    python tests/python/other_readers.py RUN_DIR

These are large (Spark needs Java too), so ./scripts/install-test-tools.sh brings none of them: docs/formats/tokens.md has the versions they were
tried with. Needs pyarrow. Prints a line for each reader; the first difference ends the program with exit code 1.
"""

import importlib.util
import os
import sys
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

COLUMNS = {"tokens": ["doc_id", "source", "input_ids", "n_tokens"], "documents": ["doc_id", "text", "register", "dup_size"]}


def demand(condition, message):
    if not condition:
        sys.exit(f"other_readers: {message}")


def plain(value):
    """Arrays become lists."""
    return value.tolist() if hasattr(value, "tolist") else value


def by_ray(directory, columns):
    import ray

    ray.init(num_cpus=1, include_dashboard=False, configure_logging=False, ignore_reinit_error=True)
    rows = ray.data.read_parquet(str(directory), columns=columns).take_all()
    return [[plain(row[name]) for name in columns] for row in rows]


def by_spark(directory, columns):
    from pyspark.sql import SparkSession

    os.environ.setdefault("PYSPARK_PYTHON", sys.executable)
    session = SparkSession.builder.master("local[1]").config("spark.ui.enabled", "false").config("spark.driver.host", "127.0.0.1").getOrCreate()
    session.sparkContext.setLogLevel("ERROR")
    return [[row[name] for name in columns] for row in session.read.parquet(str(directory)).select(*columns).collect()]


def by_daft(directory, columns):
    import daft

    table = daft.read_parquet(str(directory / "*.parquet")).select(*columns).to_pydict()
    return [list(row) for row in zip(*(table[name] for name in columns))]


READERS = {"ray": by_ray, "pyspark": by_spark, "daft": by_daft}


def main(arguments):
    if len(arguments) != 2:
        sys.exit("usage: python other_readers.py RUN_DIR")
    for package, read in READERS.items():
        if importlib.util.find_spec(package) is None:
            print(f"{package} is not installed")
            continue
        for table, columns in COLUMNS.items():
            directory = Path(arguments[1]) / table
            wanted = pa.concat_tables([pq.read_table(path, columns=columns) for path in sorted(directory.glob("*.parquet"))])
            wanted = [list(row.values()) for row in wanted.to_pylist()]
            # Their order is their own: rows are told by their ids.
            found = sorted(read(directory, columns), key=lambda row: row[0])
            demand(found == sorted(wanted, key=lambda row: row[0]), f"{package} reads other values in {table}/ than pyarrow")
        print(f"{package} {importlib.import_module(package).__version__}: tokens/ and documents/ as pyarrow reads them")


if __name__ == "__main__":
    main(sys.argv)
