"""NPV of units by scenario on a GPU, all terms in one fused pass: the twin of `kernels.reference.unit_npv`."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from kernels.backend import Array, array_namespace, require_floating
from kernels.cuda import loader
from kernels.lines import Line, after_tax_weight
from kernels.terms import Term, WindowTerm

_FILE = "unit_npv.cu"
_THREADS = 128
_WINDOW, _SCHEDULE = 0, 1


@dataclass(frozen=True)
class PackedTerms:
    """The terms of units one after another, on the device: those of unit u are `starts[u]` .. `starts[u + 1] - 1`."""

    starts: Array
    kind: Array
    """0 for a window, 1 for a schedule."""
    amount: Array
    """Dollars times the after-tax weight of the line."""
    row: Array
    """Of the prefix sums (window) or of the schedules' values."""
    start: Array
    """Row of the event table."""
    end: Array
    """Row of the event table; 0, and not read, for a schedule."""

    def __len__(self) -> int:
        return int(self.starts.shape[0]) - 1


def can_use(prefix: Array, /) -> tuple[bool, str]:
    """Whether the fused kernel takes these prefix sums, and if not, why."""
    return loader.on_gpu(prefix)


def pack_terms(
    blocks: Sequence[Sequence[Term]], /, *, tax_rate: float, lines: Sequence[Line] = tuple(Line)
) -> PackedTerms:
    """Blocks of units, each with its list of terms, as one table; terms of weight 0, or of other lines, are left out.

    Units keep the order of their blocks. Raises ValueError for no block, or a block without a term.
    """
    if not blocks or not all(blocks):
        raise ValueError("a block of units needs at least one term")
    xp = array_namespace(blocks[0][0].amount)
    parts = [_packed_block(terms, tax_rate, lines) for terms in blocks]
    sizes = xp.concatenate(
        [
            xp.full((block[0].amount.shape[0],), count, dtype=xp.int32)
            for block, (count, _) in zip(blocks, parts, strict=True)
        ]
    )
    starts = xp.concatenate([xp.zeros((1,), dtype=xp.int32), xp.cumsum(sizes, dtype=xp.int32)])
    columns = (xp.concatenate(column) for column in zip(*(columns for _, columns in parts), strict=True))
    return PackedTerms(starts, *columns)


def _packed_block(terms: Sequence[Term], tax_rate: float, lines: Sequence[Line]) -> tuple[int, tuple[Array, ...]]:
    """How many terms count, and their kind, amount, row, start and end, unit by unit."""
    first = terms[0].amount
    xp, units = array_namespace(first), first.shape[0]
    weights = [after_tax_weight(term.line, tax_rate) if term.line in lines else 0.0 for term in terms]
    counted = [(weight, term) for weight, term in zip(weights, terms, strict=True) if weight != 0.0]
    nothing = xp.zeros((units,), dtype=xp.int32)
    fields: list[list[Array]] = [[], [], [], [], []]
    for weight, term in counted:
        window = isinstance(term, WindowTerm)
        entries = (
            xp.full((units,), _WINDOW if window else _SCHEDULE, dtype=xp.int32),
            weight * term.amount,
            (term.path if isinstance(term, WindowTerm) else term.profile).astype(xp.int32),
            term.start.astype(xp.int32),
            term.end.astype(xp.int32) if isinstance(term, WindowTerm) else nothing,
        )
        for field, entry in zip(fields, entries, strict=True):
            field.append(entry)
    if not counted:
        return 0, (nothing[:0], first[:0], nothing[:0], nothing[:0], nothing[:0])
    return len(counted), tuple(xp.reshape(xp.stack(field, axis=1), (-1,)) for field in fields)


def unit_npv(
    terms: Sequence[Term],
    prefix: Array,
    events: Array,
    values: Array,
    *,
    tax_rate: float,
    lines: Sequence[Line] = tuple(Line),
) -> Array:
    """As `kernels.reference.unit_npv.unit_npv`: NPV (N, S) of a block of N units, in the dtype of `prefix` (P, S, M +
    1).

    Raises ValueError for what `unit_npv_of_packed` refuses.
    """
    return unit_npv_of_packed(pack_terms([terms], tax_rate=tax_rate, lines=lines), prefix, events, values)


def unit_npv_of_packed(packed: PackedTerms, prefix: Array, events: Array, values: Array) -> Array:
    """NPV (units, S) of packed terms, in one launch: prefix (P, S, M + 1), events (E, S), values (Q, M + 1).

    `prefix` may lie in memory in any order; neighbouring scenarios are read fastest from a view of (P, M + 1, S).
    Raises ValueError for an array that is not on a GPU, a row that a table does not have, or a month beyond M.
    """
    usable, reason = can_use(prefix)
    if not usable:
        raise ValueError(f"{reason}; on the CPU use kernels.reference.unit_npv")
    require_floating(prefix, values)
    xp, dtype, (paths, scenarios, columns) = array_namespace(prefix, events, values), prefix.dtype, prefix.shape
    _require_rows(packed, paths, values.shape[0], events.shape[0])
    if events.shape[1] != scenarios or values.shape[1] != columns:
        raise ValueError(f"tables disagree: prefix {prefix.shape}, events {events.shape}, values {values.shape}")
    if events.size and (int(xp.min(events)) < 0 or int(xp.max(events)) >= columns):
        raise ValueError(f"an event lies outside months 0 .. {columns - 1}")
    units = len(packed)
    npv = xp.empty((units, scenarios), dtype=dtype)
    strides = tuple(np.int64(step // prefix.itemsize) for step in prefix.strides)
    tables = (xp.ascontiguousarray(events.astype(xp.int32)), xp.ascontiguousarray(values.astype(dtype)))
    terms = (packed.starts, packed.kind, packed.amount.astype(dtype), packed.row, packed.start, packed.end)
    function = loader.compiled(_FILE, "unit_npv", (("REAL", loader.real_type(dtype)),))
    arguments = (*terms, prefix, *strides, *tables, np.int32(columns), np.int32(scenarios), npv)
    loader.launch(function, (units, -(-scenarios // _THREADS)), (_THREADS,), arguments)
    return npv


def _require_rows(packed: PackedTerms, paths: int, profiles: int, events: int) -> None:
    xp = array_namespace(packed.row)
    most_row = xp.where(packed.kind == _WINDOW, paths, profiles)
    wrong = (packed.row < 0) | (packed.row >= most_row)
    for event in (packed.start, packed.end):
        wrong = wrong | (event < 0) | (event >= events)
    if bool(xp.any(wrong)):
        raise ValueError(
            f"a term names a row that its table does not have: {paths} paths, {profiles} profiles, {events} events"
        )
