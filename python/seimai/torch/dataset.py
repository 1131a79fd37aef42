"""Map-style access to a pack, and a sampler in the order that all ranks share."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Any

import torch
import torch.utils.data

import seimai
from seimai.torch import batches
from seimai.torch.position import Position


class PackDataset(torch.utils.data.Dataset[Any]):
    """The rows of a pack. `dataset[i]` is a batch of one row, `dataset[[i, j]]` of several: tensors [rows, S] of the chosen columns
    (of `dtype`; `segment_ids` int32), `cu_seqlens` (int32, on the CPU), `max_seqlen` (int) and `rows`.

    With a `PackSampler`: `DataLoader(dataset, sampler=sampler, batch_size=None)`. Where a DataLoader groups rows itself (as that of
    `transformers.Trainer`), it needs `collate_fn=seimai.torch.collate`. Maps are shared by forked workers and opened by spawned ones; in a
    worker a batch is a `WorkerBatch`, which has the same items and is a dictionary once it has arrived."""

    def __init__(
        self,
        pack: Any,
        *,
        labels: str = "shifted",
        columns: Iterable[str] = batches.COLUMNS,
        dtype: torch.dtype = torch.int64,
    ) -> None:
        self.pack = open_pack(pack)
        self._columns, self._labels, self._dtype = batches.check_columns(columns), labels, dtype
        self._open_readers()

    def _open_readers(self) -> None:
        self._reader = batches.reader(self.pack, self._columns, self._labels, self._dtype)
        self._raw_reader = batches.raw_reader(self.pack)

    def __len__(self) -> int:
        return len(self.pack)

    def __getitem__(self, index: int | Sequence[int]) -> Any:
        rows = [index] if isinstance(index, int) else [int(row) for row in index]
        count = len(self.pack)
        if any(not -count <= row < count for row in rows):
            raise IndexError(f"rows {rows}: the pack has {count}")
        rows = [row % count for row in rows]
        if torch.utils.data.get_worker_info() is not None:
            return batches.WorkerBatch(self._raw_reader.read(rows), self.pack.sequence_length, self._columns, self._labels, self._dtype)
        return batches.columns_of(self._reader.read(rows), self.pack.sequence_length)

    def __getitems__(self, indices: Sequence[int]) -> list[Any]:
        return [self[index] for index in indices]

    def __getstate__(self) -> dict[str, Any]:
        return {name: value for name, value in self.__dict__.items() if name not in ("_reader", "_raw_reader")}

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__dict__.update(state)
        self._open_readers()


class PackSampler(torch.utils.data.Sampler[list[int]]):
    """Rows of one rank, batch by batch, without end or for so many steps: the sampler of a `PackDataset`.

    A DataLoader asks ahead of what is trained on, so the state says how many *steps* the trainer has done: `state_dict(steps)`."""

    def __init__(
        self,
        pack: Any,
        *,
        global_batch: int,
        rank: int = 0,
        world_size: int = 1,
        seed: int = 0,
        shuffle: bool = True,
        shuffle_block: int = 1,
        batch_rows: int | None = None,
        epochs: int | None = None,
    ) -> None:
        self._position = Position(
            open_pack(pack), global_batch, rank, world_size, seed, shuffle_block if shuffle else 0, batch_rows, epochs
        )

    def __iter__(self) -> Iterator[list[int]]:
        position, consumed = self._position, self._position.consumed
        for step in range(position.steps_from(consumed)):
            rows = position.order.rows(consumed + step * position.global_batch + position.rank_offset, position.rank_rows)
            for first in range(0, position.rank_rows, position.batch_rows):
                yield rows[first : first + position.batch_rows]

    def __len__(self) -> int:
        if self._position.is_endless:
            raise TypeError("without epochs a sampler does not end")
        return self._position.steps_from(self._position.consumed) * self._position.batches_a_step

    def rows(self, step: int) -> list[int]:
        """The rows of all ranks in a step, counted from the first step of training."""
        return self._position.rows(step)

    def step_of(self, row: int, epoch: int = 0) -> int:
        """The step in which a row is read in an epoch."""
        return self._position.step_of(row, epoch)

    def state_dict(self, steps: int) -> dict[str, Any]:
        """The state after so many steps since it was made or a state was loaded."""
        return self._position.state(self._position.consumed + steps * self._position.global_batch)

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Goes on behind a state, of any world size and global batch."""
        self._position.load(state)


def open_pack(pack: Any) -> Any:
    """A pack, or the path of one or of a run."""
    return pack if isinstance(pack, seimai.Pack) else seimai.open_pack(pack)
