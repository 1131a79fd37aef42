"""Where a job stands in the one stream of rows that all its ranks read."""

from __future__ import annotations

import functools
import hashlib
from typing import Any

from seimai import _core

VERSION = 1
"""Of the order of rows and of the state."""

POSITION_MAX = 1 << 62


def _whole(name: str, value: Any, least: int) -> int:
    if not isinstance(value, int) or isinstance(value, bool) or value < least:
        raise ValueError(f"{name}: a whole number from {least} on is needed, not {value!r}")
    return value


class Position:
    """The order of rows, this rank's share of each step, and how many rows of the whole job are consumed."""

    def __init__(
        self,
        pack: Any,
        global_batch: int,
        rank: int,
        world_size: int,
        seed: int,
        shuffle_block: int,
        batch_rows: int | None,
        epochs: int | None,
    ) -> None:
        rows = len(pack)
        if rows == 0:
            raise ValueError(f"{pack.path}: the pack has no rows")
        self.global_batch = _whole("global_batch", global_batch, 1)
        self.world_size = _whole("world_size", world_size, 1)
        if _whole("rank", rank, 0) >= world_size:
            raise ValueError(f"rank: {rank} is not below the world size, {world_size}")
        if global_batch % world_size:
            raise ValueError(
                f"a world size of {world_size} does not divide the global batch of {global_batch}: "
                "the promise that every rank has an equal share of each step, and that any world size gives the same steps, cannot be kept"
            )
        self.rank_rows = global_batch // world_size
        self.rank_offset = rank * self.rank_rows
        self.batch_rows = self.rank_rows if batch_rows is None else _whole("batch_rows", batch_rows, 1)
        if self.rank_rows % self.batch_rows:
            raise ValueError(f"batch_rows: {batch_rows} does not divide the {self.rank_rows} rows that a rank has in a step")
        self.batches_a_step = self.rank_rows // self.batch_rows
        self.seed, self.shuffle_block = _whole("seed", seed, 0), _whole("shuffle_block", shuffle_block, 0)
        if seed >= 1 << 64 or shuffle_block >= 1 << 64:
            raise ValueError("seed, shuffle_block: below 2^64")
        self._pack_rows = rows
        self._pack = hashlib.sha256(pack.json.encode()).hexdigest()
        self.is_endless = epochs is None
        self._end = POSITION_MAX if epochs is None else _whole("epochs", epochs, 1) * rows
        self.consumed = 0

    @functools.cached_property
    def order(self) -> Any:
        """Rows by position and the other way round."""
        return _core.RowOrder(self._pack_rows, self.seed, self.shuffle_block)

    def __getstate__(self) -> dict[str, Any]:
        return {name: value for name, value in self.__dict__.items() if name != "order"}

    def steps_from(self, consumed: int) -> int:
        """Steps that are left. The last one of the last epoch is filled up with rows of another: all ranks have equal batches."""
        return max(-(-(self._end - consumed) // self.global_batch), 0)

    def rows(self, step: int) -> list[int]:
        rows: list[int] = self.order.rows(_whole("step", step, 0) * self.global_batch, self.global_batch)
        return rows

    def step_of(self, row: int, epoch: int) -> int:
        position: int = self.order.position(_whole("row", row, 0), _whole("epoch", epoch, 0))
        return position // self.global_batch

    def state(self, consumed: int) -> dict[str, Any]:
        return {
            "version": VERSION,
            "pack": self._pack,
            "seed": self.seed,
            "shuffle_block": self.shuffle_block,
            "consumed": consumed,
        }

    def load(self, state: dict[str, Any]) -> None:
        mine = self.state(0)
        if not isinstance(state, dict) or set(state) != set(mine):
            raise ValueError(f"the state of a loader has the keys {', '.join(mine)}")
        promises = {
            "version": "a state is read by the version that knows its order of rows",
            "pack": "a state belongs to one pack",
            "seed": "a state belongs to one order of rows",
            "shuffle_block": "a state belongs to one order of rows",
        }
        for name, promise in promises.items():
            if state[name] != mine[name]:
                raise ValueError(f"{promise}: its {name} is {state[name]!r}, here it is {mine[name]!r}")
        if _whole("consumed", state["consumed"], 0) >= POSITION_MAX:
            raise ValueError("consumed: below 2^62")
        self.consumed = state["consumed"]
