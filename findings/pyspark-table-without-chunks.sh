#!/usr/bin/env bash
# What Spark makes of an Arrow table whose column has no chunks.
#
# Expected: `createDataFrame` gives an empty frame with the schema of the table, whatever the types: a column of no chunks is what pyarrow has for "no rows", and its type is known.
# Seen: PySpark 4.3.0 with pyarrow 25.0.1 does so for numbers and strings, and also for a list or a struct in one empty chunk; a list, struct or map in no chunk is
# pyarrow.lib.ArrowInvalid ("cannot construct ChunkedArray from empty vector and omitted type"). So a stage that gives no batch has to give one of no rows. Needs Java 17 or later.
set -euo pipefail
command -v java >/dev/null || { echo "needs Java 17 or later (apt-get install openjdk-17-jre-headless)" >&2; exit 2; }
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
python3 -m venv "$scratch/venv"
"$scratch/venv/bin/pip" install --quiet --disable-pip-version-check pyspark==4.3.0 pyarrow==25.0.1 pandas==2.3.3 numpy==2.4.6
cat >"$scratch/ask.py" <<'PY'
import pyarrow as pa
import pyspark
from pyspark.sql import SparkSession

spark = SparkSession.builder.master("local[1]").config("spark.ui.enabled", "false").getOrCreate()
print("pyspark", pyspark.__version__, "pyarrow", pa.__version__)
types = {"int": pa.int32(), "string": pa.string(), "list": pa.list_(pa.int32()), "struct": pa.struct([("x", pa.int32())]), "map": pa.map_(pa.string(), pa.int32())}
found = {}
for name, of in types.items():
    for chunks in (1, 0):
        table = pa.table({"a": pa.chunked_array([pa.array([], type=of)] * chunks, type=of)})
        table.validate(full=True)
        try:
            found[name, chunks] = f"{spark.createDataFrame(table).count()} rows"
        except pa.ArrowInvalid as error:
            found[name, chunks] = f"ArrowInvalid: {error}"
        print(f"{name}, chunks {chunks}: {found[name, chunks]}")
assert all(said == "0 rows" for (name, chunks), said in found.items() if chunks == 1 or name in ("int", "string")), "changed"
assert all(found[name, 0].startswith("ArrowInvalid") for name in ("list", "struct", "map")), "changed"
PY
"$scratch/venv/bin/python" "$scratch/ask.py" 2>"$scratch/log" || { tail -n 5 "$scratch/log" >&2; exit 1; }
