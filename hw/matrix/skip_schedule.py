"""The static schedule of the ``skip`` engine: lane and cycle of every nonzero weight.

``pe`` rows (PEs) run in parallel, each on ``entries`` lanes; a lane executes one nonzero weight per
cycle. The inputs are spread over ``banks`` banks with ``entries / banks`` read ports for each PE,
and lane l reads bank l // ports, so no crossbar is needed. A row of a plane takes

    cycles = max over banks b of ceil(nonzeros in b / ports)

Two choices, both free in hardware, bring that close to nonzeros / entries:

- the bank of each element of a beat (``bank_order``), found by local search over all rows;
- the rows that run in parallel, which have equal or nearly equal lengths. Sorted by length, the PEs
  idle for at most (longest - shortest) cycles over the whole matrix, so they need no queues.

Rows therefore finish out of order. The order is chosen so that the reorder buffer has no bank
conflict: the rows of a pass are written to different banks, and the rows that leave in one beat are
read from different banks. Such a placement always exists: it is an edge colouring of a regular
bipartite graph (Konig 1916).
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property, lru_cache

import numpy as np
import numpy.typing as npt

from tritforge.export.ir.nodes import Trits
from tritforge.types import IntArray

__all__ = ["IDLE", "Schedule", "ScheduleError", "skip_schedule"]

IDLE = -1
"""Column of an idle lane."""


class ScheduleError(ValueError):
    """A schedule that cannot be made, or one that does not execute its matrix."""


@dataclass(frozen=True, kw_only=True, eq=False)
class Schedule:
    """The cycle and lane of every nonzero of ``planes``; T cycles in all.

    Parameters
    ----------
    planes: int8 [J, M, K].
    channels: channels of a position, C; column k is channel k % C of kernel tap k // C. K for a
        dense layer.
    banks: input banks; divides C.
    bank_order: [C/banks, banks], element of each beat that is stored in each bank.
    rows: [M/pe, pe], the row of each PE in each pass; a pass executes its planes sequentially.
    columns: [T, pe, entries], column that each lane executes in each cycle, or ``IDLE``.
    ends: [M/pe, J], last cycle of each plane of each pass.
    outputs: rows per output beat of the reorder buffer, a multiple of ``pe``.
    """

    planes: Trits
    channels: int
    banks: int
    bank_order: IntArray
    rows: IntArray
    columns: IntArray
    ends: IntArray
    outputs: int

    @property
    def pe(self) -> int:
        """Rows that run in parallel."""
        return int(self.rows.shape[1])

    @property
    def entries(self) -> int:
        """Lanes of a PE."""
        return int(self.columns.shape[2])

    @property
    def ports(self) -> int:
        """Read ports of a bank for each PE."""
        return self.entries // self.banks

    @property
    def cycles(self) -> int:
        """Initiation interval in cycles per vector, T."""
        return len(self.columns)

    @property
    def nonzeros(self) -> int:
        """Nonzero weights of all planes."""
        return int(np.count_nonzero(self.planes))

    @property
    def utilisation(self) -> float:
        """Fraction of busy lanes over all cycles, 0..1."""
        return self.nonzeros / self.columns.size

    @cached_property
    def plane_of_cycle(self) -> IntArray:
        """Pass and plane of each cycle, [2, T]."""
        flat = np.searchsorted(self.ends.ravel(), np.arange(self.cycles))
        return np.stack(np.divmod(flat, self.ends.shape[1]))

    @cached_property
    def codes(self) -> Trits:
        """Weight that each lane executes, [T, pe, entries]; 0 for an idle lane."""
        passes, planes = self.plane_of_cycle
        rows = self.rows[passes][:, :, None]  # [T, pe, 1]
        codes = self.planes[planes[:, None, None], rows, self.columns]
        return np.where(self.columns == IDLE, 0, codes).astype(np.int8)

    @property
    def lane_banks(self) -> IntArray:
        """Input bank of each lane of a PE, [entries]."""
        return np.arange(self.entries, dtype=np.int64) // self.ports

    def column_bank(self, columns: npt.ArrayLike) -> IntArray:
        """Return the input bank of each of ``columns``."""
        lanes = np.argsort(self.bank_order, axis=1)  # the bank of each element of a beat
        beat, element = np.divmod(np.asarray(columns) % self.channels, self.banks)
        bank: IntArray = lanes[beat, element]
        return bank

    @property
    def places(self) -> tuple[IntArray, IntArray]:
        """Bank and address of each row [M] in the reorder buffer."""
        blocks = self.outputs // self.pe  # passes that fill an address
        bank, address = np.empty((2, self.rows.size), dtype=np.int64)
        pass_of = np.arange(len(self.rows))[:, None] + np.zeros_like(self.rows)
        bank[self.rows] = (pass_of % blocks) * self.pe + np.arange(self.pe)
        address[self.rows] = pass_of // blocks
        return bank, address

    def replay(self, vector: npt.ArrayLike) -> IntArray:
        """Execute the schedule: return planes @ ``vector`` as [J, M]."""
        values = np.asarray(vector, dtype=np.int64)
        products = np.where(self.columns == IDLE, 0, values[self.columns] * self.codes)
        starts = np.concatenate(([0], self.ends.ravel()[:-1] + 1))
        sums = np.add.reduceat(products.sum(axis=2), starts, axis=0)  # [M/pe * J, pe]
        sums = sums.reshape(*self.ends.shape, self.pe)  # [M/pe, J, pe]
        result = np.empty(self.planes.shape[:2], dtype=np.int64)
        result[:, self.rows] = sums.transpose(1, 0, 2)
        return result

    def validate(self) -> None:
        """Check that every nonzero is executed exactly once, by a lane of its bank.

        Raises
        ------
        ScheduleError: names the violated rule.
        """
        busy = self.columns != IDLE
        cycle, pe, lane = np.nonzero(busy)
        columns = self.columns[busy]
        passes, planes = self.plane_of_cycle[:, cycle]
        done = np.zeros(self.planes.shape, dtype=np.int64)
        np.add.at(done, (planes, self.rows[passes, pe], columns), 1)
        if not np.array_equal(done, self.planes != 0):
            raise ScheduleError("every nonzero must be executed once and nothing else")
        if not np.array_equal(self.column_bank(columns), self.lane_banks[lane]):
            raise ScheduleError("a lane must read its own bank")
        if not np.array_equal(np.sort(self.rows, axis=None), np.arange(self.planes.shape[1])):
            raise ScheduleError("every row must belong to one PE in one pass")
        bank, _ = self.places
        for group in bank.reshape(-1, self.outputs):
            if len(set(group.tolist())) != self.outputs:
                raise ScheduleError("rows that leave together must lie in different banks")


def skip_schedule(
    planes: Trits, *, channels: int, pe: int, entries: int, banks: int, outputs: int
) -> Schedule:
    """Schedule the nonzeros of ``planes`` [J, M, K].

    Parameters
    ----------
    planes: ternary, columns in stream order.
    channels: channels of a position; divides K.
    pe: rows that run in parallel; divides ``outputs``.
    entries: lanes per row (nonzeros per cycle).
    banks: input banks; divides ``channels`` and ``entries``.
    outputs: rows per output beat of the reorder buffer; divides M.

    Raises
    ------
    ScheduleError: a parameter does not divide its total.

    >>> matrix = [[1, 0, 0, -1], [0, 0, 0, 0], [0, 1, 0, 0], [1, 1, 1, 1]]
    >>> planes = np.array([matrix], dtype=np.int8)
    >>> schedule = skip_schedule(planes, channels=4, pe=2, entries=1, banks=1, outputs=2)
    >>> schedule.cycles, schedule.rows.tolist(), schedule.replay([1, 2, 3, 4]).tolist()
    (5, [[1, 2], [3, 0]], [[-3, 0, 2, 10]])
    """
    rows, columns = planes.shape[1:]
    for name, value, total, what in (
        ("channels", channels, columns, "columns"),
        ("banks", banks, channels, "channels"),
        ("banks", banks, entries, "entries"),
        ("pe", pe, outputs, "outputs"),
        ("outputs", outputs, rows, "rows"),
    ):
        if value < 1 or total % value:
            raise ScheduleError(f"{name} must divide the {total} {what}, not {value!r}")
    ports = entries // banks
    counts = (planes != 0).reshape(planes.shape[0] * rows, -1, channels).sum(axis=1)  # [J*M, C]
    order, loads = _balance_of(counts.astype(np.int32).tobytes(), channels, banks)
    lengths = -(-loads.max(axis=1) // ports).reshape(-1, rows)  # [J, M]
    passes = _passes(lengths.sum(axis=0), pe, outputs)
    steps = np.maximum(1, lengths[:, passes].max(axis=2)).T  # [M/pe, J]; an empty pass sends zeros
    ends = np.cumsum(steps).reshape(steps.shape) - 1
    schedule = Schedule(
        planes=planes,
        channels=channels,
        banks=banks,
        bank_order=order.copy(),
        rows=passes,
        columns=np.full((int(ends[-1, -1]) + 1, pe, entries), IDLE, dtype=np.int64),
        ends=ends,
        outputs=outputs,
    )
    _fill(schedule, ends - steps + 1)
    return schedule


def _fill(schedule: Schedule, starts: IntArray) -> None:
    """Write the nonzeros into ``schedule.columns``; ``starts`` [M/pe, J]: first cycles."""
    nonzero = schedule.planes != 0
    bank_of = schedule.column_bank(np.arange(nonzero.shape[2]))
    for (group, slot), row in np.ndenumerate(schedule.rows):
        for plane in range(len(nonzero)):
            taken = np.flatnonzero(nonzero[plane, row])
            for bank in range(schedule.banks):
                mine = taken[bank_of[taken] == bank]
                cycle, port = np.divmod(np.arange(len(mine)), schedule.ports)
                lane = bank * schedule.ports + port
                schedule.columns[starts[group, plane] + cycle, slot, lane] = mine


@lru_cache(maxsize=16)  # a search over foldings balances the same counts for every pe
def _balance_of(counts: bytes, channels: int, banks: int) -> tuple[IntArray, IntArray]:
    return _balance(np.frombuffer(counts, np.int32).astype(np.int64).reshape(-1, channels), banks)


def _balance(counts: IntArray, banks: int) -> tuple[IntArray, IntArray]:
    """Assign the elements of each beat to banks so that each row loads its banks evenly.

    Swaps pairs of a beat while that lowers the sum of the fourth powers of the loads, a smooth
    stand-in for the largest load. Returns the order [C/banks, banks] and the loads [rows, banks].
    """
    rows, channels = counts.shape
    beats = counts.reshape(rows, channels // banks, banks)
    order = np.tile(np.arange(banks, dtype=np.int64), (channels // banks, 1))
    loads = beats.sum(axis=1)
    weight = 1 / np.maximum(1, loads.mean(axis=1)) ** 4
    first, second = np.triu_indices(banks, 1)
    improved = banks > 1
    while improved:
        improved = False
        for beat, placed in enumerate(order):
            present = beats[:, beat, placed]
            moved = present[:, second] - present[:, first]
            more, less = loads[:, first], loads[:, second]
            before = (more * more) ** 2 + (less * less) ** 2
            more, less = more + moved, less - moved
            gain = weight @ (before - (more * more) ** 2 - (less * less) ** 2)
            best = int(gain.argmax())
            if gain[best] > 1e-6:
                swap = [first[best], second[best]]
                loads[:, swap] += moved[:, [best]] * [1, -1]
                placed[swap] = placed[swap[::-1]]
                improved = True
    return order, loads


def _passes(lengths: IntArray, pe: int, outputs: int) -> IntArray:
    """Rows of each pass [M/pe, pe]: nearly equal lengths, no bank conflict at the output."""
    sorted_rows = np.argsort(lengths, kind="stable")
    address = np.empty(len(lengths), dtype=np.int64)
    address[sorted_rows] = np.arange(len(lengths)) // outputs
    colours = _colours(address, np.arange(len(lengths)) // outputs, outputs)
    passes = np.empty((len(lengths) // outputs, outputs), dtype=np.int64)
    passes[address, colours] = np.arange(len(lengths))
    return passes.reshape(-1, pe)


def _colours(left: IntArray, right: IntArray, colours: int) -> IntArray:
    """Colour the edges (left[e], right[e]) of a bipartite graph with ``colours`` edges per node.

    Adds one edge at a time. If a colour is free at one end only, the alternating path that starts
    at the other end swaps its two colours.
    """
    ends = (left.tolist(), right.tolist())
    nodes = len(left) // colours
    at = [[[-1] * colours for _ in range(nodes)] for _ in ends]
    colour_of = [0] * len(left)
    for edge, (u, v) in enumerate(zip(*ends, strict=True)):
        free, other = at[0][u].index(-1), at[1][v].index(-1)
        path, side, node, colour = [], 1, v, free
        while (step := at[side][node][colour]) >= 0:
            path.append(step)
            side = 1 - side
            node, colour = ends[side][step], other if colour == free else free
        for step in path:
            for side in (0, 1):
                at[side][ends[side][step]][colour_of[step]] = -1
        for step in path:
            colour_of[step] = other if colour_of[step] == free else free
        colour_of[edge] = free
        for step in (*path, edge):
            for side in (0, 1):
                at[side][ends[side][step]][colour_of[step]] = step
    return np.array(colour_of, dtype=np.int64)
