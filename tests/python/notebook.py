"""Executes examples/look_at_a_corpus.ipynb and looks at what it shows.

    notebook.py            the package `seimai` must be importable (PYTHONPATH=python)
"""

import os
import sys

import nbformat
from nbclient import NotebookClient

HERE = os.path.dirname(os.path.abspath(__file__))
EXAMPLES = os.path.join(HERE, "..", "..", "examples")


def shown(cell):
    """All that a cell shows, as HTML or text."""
    said = []
    for output in cell.get("outputs", []):
        data = output.get("data", {})
        said.append(output.get("text", "") or data.get("text/html", "") or data.get("text/plain", ""))
    return "\n".join(said)


def main():
    notebook = nbformat.read(os.path.join(EXAMPLES, "look_at_a_corpus.ipynb"), as_version=4)
    assert not any(cell.get("outputs") for cell in notebook.cells), "the notebook is stored without outputs"
    NotebookClient(notebook, timeout=300, kernel_name="python3", resources={"metadata": {"path": EXAMPLES}}).execute()
    cells = {cell.source.splitlines()[0]: shown(cell) for cell in notebook.cells if cell.cell_type == "code"}
    out = lambda start: next(said for first, said in cells.items() if first.startswith(start))

    coloured = out("for sentence in")
    assert coloured.count('<div lang="ja"') == 4 and "title=\"SON" in coloured and "wavy" in coloured, coloured
    assert "sa_insertion" in out("table([\"form\", \"type\""), "the misuse of the example is shown"
    assert "'kept'" in out("seimai.run(")
    dropped = out("lost = run.rules")
    assert "quality/" in dropped and "dedup/" in dropped, dropped
    what_if = out("rows = []")
    assert "preset auto" in what_if
    assert "min_chars" in out("answer = run.what_if")
    pairs = out("kept = {row")
    assert "jaccard" in pairs and ("<del" in pairs or "<ins" in pairs), pairs
    fertility = out("def packaged")
    for name in ["this run", "Claude 2", "Qwen", "Tekken"]:
        assert name in fertility, name
    if os.environ.get("CI"):
        assert "not installed" not in fertility, fertility
    assert "characters a token" in out("tokenizer = run.tokenizer")
    assert "% padding" in out("pack = run.pack")
    print(f"notebook: {len(cells)} cells executed")


if __name__ == "__main__":
    sys.exit(main())
