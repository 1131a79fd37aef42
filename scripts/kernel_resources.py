"""Compiles the kernels of seimai.torch ahead of time, without a GPU, and records what each takes: registers a thread, shared memory,
spills, as the assembler and cuobjdump of the triton wheel tell.

    python scripts/kernel_resources.py [--record benches/results/DATE-kernels.json]
"""

from __future__ import annotations

import argparse
import itertools
import json
import pathlib
import re
import subprocess
import sys
import tempfile

import triton
from seimai.torch import kernels
from triton.backends.compiler import GPUTarget
from triton.compiler import ASTSource

TOOLS = pathlib.Path(triton.__file__).parent / "backends/nvidia/bin"
ARCHITECTURES = (80, 90)
OUTPUTS = ("input_ids", "labels", "position_ids", "segment_ids")


def variants():
    """Every kernel with every type of its inputs and outputs and both rules for labels."""
    for ids, tokens, shifted in itertools.product(("i64", "i32"), ("u16", "i32"), (True, False)):
        outputs = dict.fromkeys(OUTPUTS, "*" + ids) | {"segment_ids": "*i32"}
        index = {"piece_end": "*i32", "row_ptr": "*i32"}
        sizes = {"sequence_length": "i32", "steps": "i32"}
        constants = {"SHIFTED": shifted, "BLOCK": kernels.BLOCK}
        yield kernels.rows_kernel, {"tokens": "*" + tokens} | index | outputs | sizes, constants
        for offsets in ("i32", "i64"):
            pieces = {"piece_document": "*i32", "piece_offset": "*i32"}
            ragged = {"values": "*" + tokens, "offsets": "*" + offsets}
            yield kernels.documents_kernel, ragged | index | pieces | outputs | sizes | {"eos_id": "i32", "pad_id": "i32"}, constants


def resources(cubin: bytes) -> dict[str, int]:
    with tempfile.NamedTemporaryFile(suffix=".cubin") as file:
        file.write(cubin)
        file.flush()
        text = subprocess.run([TOOLS / "cuobjdump", "-res-usage", file.name], capture_output=True, text=True, check=True).stdout
    found = dict(re.findall(r"(REG|STACK|SHARED|LOCAL):(\d+)", text))
    return {"registers": int(found["REG"]), "static_shared_bytes": int(found["SHARED"]), "stack_bytes": int(found["STACK"]), "local_bytes": int(found["LOCAL"])}


def compile_for(architecture, kernel, signature, constants):
    """As it is launched: pointers of torch are multiples of 16, and so is the usual sequence length."""
    names = [parameter.name for parameter in kernel.params]
    aligned = {(i,): [["tt.divisibility", 16]] for i, name in enumerate(names) if name == "sequence_length" or signature.get(name, "").startswith("*")}
    full = {name: signature.get(name, "constexpr") for name in names}
    source = ASTSource(kernel, full, {(names.index(name),): value for name, value in constants.items()}, aligned)
    return triton.compile(source, target=GPUTarget("cuda", architecture, 32), options={"num_warps": kernels.WARPS})


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--record", type=pathlib.Path)
    arguments = parser.parse_args()
    rows = []
    for architecture, (kernel, signature, constants) in itertools.product(ARCHITECTURES, variants()):
        compiled = compile_for(architecture, kernel, signature, constants)
        used = resources(compiled.asm["cubin"])
        source = signature.get("tokens") or signature["values"]
        row = {
            "kernel": kernel.fn.__name__,
            "architecture": f"sm_{architecture}",
            "tokens": source.lstrip("*"),
            "offsets": signature.get("offsets", "").lstrip("*") or None,
            "columns": signature["input_ids"].lstrip("*"),
            "labels": "shifted" if constants["SHIFTED"] else "unshifted",
            "cubin_bytes": len(compiled.asm["cubin"]),
            "dynamic_shared_bytes": compiled.metadata.shared,
        }
        rows.append(row | used)
        print(*(f"{key}={value}" for key, value in rows[-1].items() if value is not None))
        if used["local_bytes"] or used["stack_bytes"]:
            sys.exit("error: registers are spilled")
    if arguments.record:
        record = {"triton": triton.__version__, "block": kernels.BLOCK, "warps": kernels.WARPS, "ran_on_a_gpu": False, "variants": rows}
        arguments.record.write_text(json.dumps(record, indent=1) + "\n")


if __name__ == "__main__":
    main()
