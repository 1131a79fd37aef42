"""The way to a GPU: page-locked buffers, copies on a stream of their own, columns made there."""

from __future__ import annotations

import collections
from collections.abc import Iterator
from typing import Any

import torch

from seimai.torch import batches, ragged


class DeviceFeed:
    """Batches of a ring of raw batches, on a device. On CUDA the copy of a batch and the kernel that makes its columns are enqueued on a
    stream of their own while the batch before is being used, and nothing waits for the device."""

    def __init__(
        self, ring: Any, buffers: int, device: torch.device, sequence_length: int, columns: list[str], labels: str, dtype: torch.dtype
    ) -> None:
        self._ring, self._device, self._sequence_length = ring, device, sequence_length
        self._columns, self._labels, self._dtype = columns, labels, dtype
        self._buffers = buffers
        self._read_by_device: collections.deque[tuple[torch.cuda.Event, dict[str, torch.Tensor]]] = collections.deque()
        self._stream = torch.cuda.Stream(device) if device.type == "cuda" else None

    @staticmethod
    def page_locked(size: int, count: int) -> list[torch.Tensor]:
        """Buffers that a GPU reads by itself."""
        return [torch.empty(size, dtype=torch.uint8, pin_memory=True) for _ in range(count)]

    def __iter__(self) -> Iterator[dict[str, Any]]:
        if self._stream is None:
            while (batch := self._ring.next()) is not None:
                yield self._columns_of(batch, batches.tensors(batch), non_blocking=False)
            return
        try:
            yield from self._on_gpu()
        finally:
            # A buffer is not let go while a copy reads it.
            for done, _ in self._read_by_device:
                done.synchronize()

    def _on_gpu(self) -> Iterator[dict[str, Any]]:
        ahead = self._enqueue()
        while ahead is not None:
            batch, done = ahead
            # The next one is on its way before this one is used.
            ahead = self._enqueue()
            current = torch.cuda.current_stream(self._device)
            current.wait_event(done)
            for value in batch.values():
                if isinstance(value, torch.Tensor) and value.is_cuda:
                    value.record_stream(current)
            yield batch

    def _enqueue(self) -> tuple[dict[str, Any], torch.cuda.Event] | None:
        while self._read_by_device and self._read_by_device[0][0].query():
            self._read_by_device.popleft()
        if len(self._read_by_device) == self._buffers - 1:
            # Every buffer but one is still being read: only here the CPU waits, and only for a copy that was begun long ago.
            self._read_by_device.popleft()[0].synchronize()
        batch = self._ring.next()
        if batch is None:
            return None
        with torch.cuda.stream(self._stream):
            held = batches.tensors(batch)
            columns = self._columns_of(batch, held, non_blocking=True)
            done = torch.cuda.Event()
            done.record(self._stream)
        # The buffer goes back to the ring when nothing refers to it any more.
        self._read_by_device.append((done, held))
        return columns, done

    def _columns_of(self, batch: Any, arrays: dict[str, torch.Tensor], non_blocking: bool) -> dict[str, Any]:
        there = {name: array.to(self._device, non_blocking=non_blocking) for name, array in arrays.items() if name != "rows"}
        columns = ragged.expand_rows(
            there["tokens"].view(-1, self._sequence_length), there["piece_end"], there["row_ptr"],
            labels=self._labels, dtype=self._dtype, max_pieces=batch.max_pieces,
        )  # fmt: skip
        chosen: dict[str, Any] = {name: columns[name] for name in self._columns}
        # The buffer is filled again: what stays on the CPU is copied.
        known = {"max_seqlen": batch.max_seqlen, "rows": arrays["rows"].clone(), "consumed": batch.consumed}
        return chosen | {"cu_seqlens": there["cu_seqlens"]} | known
