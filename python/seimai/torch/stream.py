"""The iterable loader: batches of one rank, filled ahead by a native thread, on the CPU or on a GPU."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from typing import Any

import torch
import torch.utils.data

from seimai.torch import batches
from seimai.torch.columns import check_labels
from seimai.torch.dataset import open_pack
from seimai.torch.device import DeviceFeed
from seimai.torch.position import Position


class PackStream(torch.utils.data.IterableDataset[dict[str, Any]]):
    """Batches of one rank, in the order that all ranks share: tensors [rows, S] of the chosen columns (of `dtype`; `segment_ids` int32),
    `cu_seqlens` (int32), `max_seqlen` (int), `rows` (of the pack, on the CPU) and `consumed`, the number of rows of the whole job that
    are consumed once this batch's step is.

    A step is `global_batch` rows; of them each rank has an equal run, which comes in batches of `batch_rows` (all at once by default).
    Without `epochs` it does not end; with them the last step is filled up from the next epoch. `depth` batches are ready ahead. With
    `device="cuda"` tokens travel as they stand in the pack, and the columns are made on the GPU.

    In a DataLoader: `DataLoader(stream, batch_size=None, num_workers=n)`. The order is that of no workers. Workers send the tokens as they
    stand in the pack (a `WorkerBatch`); the columns are made where they arrive. The state then has to be told which batch was the last:
    `stream.state_dict(batch)`."""

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
        labels: str = "shifted",
        columns: Iterable[str] = batches.COLUMNS,
        dtype: torch.dtype = torch.int64,
        device: torch.device | str | None = None,
        depth: int = 2,
    ) -> None:
        self.pack = open_pack(pack)
        self._position = Position(self.pack, global_batch, rank, world_size, seed, shuffle_block if shuffle else 0, batch_rows, epochs)
        check_labels(labels)
        batches.dtype_name(dtype)
        self._columns, self._labels, self._dtype = batches.check_columns(columns), labels, dtype
        self._device = torch.device(device) if device is not None else torch.device("cpu")
        if not isinstance(depth, int) or depth < 1:
            raise ValueError(f"depth: at least one batch is filled ahead, not {depth!r}")
        self._depth = depth
        # Of a worker's copy.
        self._is_read = False
        # Set by a worker of a DataLoader, which has a copy of everything else.
        self._read_by_workers = torch.zeros(1, dtype=torch.uint8).share_memory_()

    def __iter__(self) -> Iterator[dict[str, Any]]:
        """Goes on behind the last batch that was given, or behind the state that was loaded."""
        worker = torch.utils.data.get_worker_info()
        if worker is None:
            return self._batches(self._position.consumed, 0, 1)
        return self._of_worker(worker.id, worker.num_workers)

    def _of_worker(self, number: int, workers: int) -> Iterator[dict[str, Any]]:
        # A generator, so that what it raises reaches the DataLoader.
        if self._is_read:
            raise ValueError("a worker that persists cannot go on behind what the others gave: persistent_workers=False")
        if self._device.type != "cpu":
            raise ValueError(
                "a worker of a DataLoader cannot use a GPU: iterate over the stream itself, whose thread reads ahead, or use device=None"
            )
        self._is_read = True
        self._read_by_workers[0] = 1
        yield from self._batches(self._position.consumed, number, workers, in_worker=True)

    def _batches(self, consumed: int, first: int, every: int, in_worker: bool = False) -> Iterator[Any]:
        on_gpu = self._device.type == "cuda"
        raw = in_worker or self._device.type != "cpu"
        reader = batches.reader(self.pack, self._columns, self._labels, self._dtype) if not raw else batches.raw_reader(self.pack)
        buffers = DeviceFeed.page_locked(reader.batch_bytes(self._position.batch_rows), self._depth + 1) if on_gpu else []
        position = self._position
        ring = reader.ring(
            position.order,
            global_batch=position.global_batch,
            rank=position.rank_offset // position.rank_rows,
            world_size=position.world_size,
            batch_rows=position.batch_rows,
            start=consumed,
            steps=position.steps_from(consumed),
            first=first,
            every=every,
            depth=self._depth,
            buffers=[buffer.numpy() for buffer in buffers],
        )
        process = os.getpid()
        try:
            if in_worker:
                source: Iterator[Any] = self._to_send(ring)
            elif raw:
                feed = DeviceFeed(ring, len(buffers), self._device, self.pack.sequence_length, self._columns, self._labels, self._dtype)
                source = iter(feed)
            else:
                source = self._on_cpu(ring)
            for batch in source:
                position.consumed = batch.consumed if in_worker else batch["consumed"]
                yield batch
        finally:
            if os.getpid() == process:
                ring.close()

    def _on_cpu(self, ring: Any) -> Iterator[dict[str, Any]]:
        while (batch := ring.next()) is not None:
            columns = batches.columns_of(batch, self.pack.sequence_length)
            columns["consumed"] = batch.consumed
            yield columns

    def _to_send(self, ring: Any) -> Iterator[batches.WorkerBatch]:
        while (batch := ring.next()) is not None:
            yield batches.WorkerBatch(batch, self.pack.sequence_length, self._columns, self._labels, self._dtype, batch.consumed)

    def rows(self, step: int) -> list[int]:
        """The rows of all ranks in a step, counted from the first step of training (of this global batch)."""
        return self._position.rows(step)

    def step_of(self, row: int, epoch: int = 0) -> int:
        """The step in which a row is read in an epoch."""
        return self._position.step_of(row, epoch)

    def state_dict(self, batch: dict[str, Any] | None = None) -> dict[str, Any]:
        """The state behind `batch`, or behind the last one that this object gave. A step of which not all batches were given is done again.
        It knows no world size, workers or read-ahead: any world size that divides the global batch goes on with the same rows."""
        if batch is None and bool(self._read_by_workers[0]) and torch.utils.data.get_worker_info() is None:
            raise ValueError("workers of a DataLoader read this stream ahead of what is trained on: say which batch was the last, state_dict(batch)")
        return self._position.state(self._position.consumed if batch is None else int(batch["consumed"]))

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Goes on behind a state, of any world size and global batch. An iterator that was made before is not changed."""
        self._position.load(state)
