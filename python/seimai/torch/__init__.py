"""Packs as PyTorch trains on them: `pip install seimai[torch]`. Guide: docs/loader.md.

`PackStream` reads ahead in a native thread and is what a training loop wants; `PackDataset` and `PackSampler` are map-style. Both give
`input_ids`, `labels`, `position_ids`, `segment_ids`, `cu_seqlens` and `max_seqlen` out of the index of the pack: neither boundaries nor
padding are ever read off token values. `expand_rows` and `expand_documents` make the same of rows that are on a GPU already."""

from seimai.torch.batches import COLUMNS, collate
from seimai.torch.dataset import PackDataset, PackSampler
from seimai.torch.ragged import RowPlan, expand_documents, expand_rows, plan_rows
from seimai.torch.stream import PackStream

__all__ = [
    "COLUMNS",
    "PackDataset",
    "PackSampler",
    "PackStream",
    "RowPlan",
    "collate",
    "expand_documents",
    "expand_rows",
    "plan_rows",
]
