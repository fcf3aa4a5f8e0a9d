"""The engine of a GPU: the fused kernels, fed from host arrays in pieces that fit the device.

A piece that runs out of device memory is done again in halves (see `kernels.pieces`), so a budget that is too large
costs time, not the run.
"""

from __future__ import annotations

import threading
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt

from kernels.backend import Array, Device, to_host
from kernels.cpu.paths import PathMeasures
from kernels.cpu.portfolio import collect
from kernels.cuda import portfolio_measures, portfolio_paths
from kernels.cuda.portfolio_paths import DevicePaths, scenario_pitch
from kernels.cuda.unit_npv import pack_terms, unit_npv_of_packed
from kernels.pieces import over_pieces, piece_size
from kernels.reference.measures import NpvMeasures
from kernels.reference.portfolio import Portfolios
from kernels.reference.unit_npv import discounted_prefix
from kernels.terms import Blocks, ScheduleTerm, Term, WindowTerm

Floats = npt.NDArray[Any]
Ints = npt.NDArray[np.integer[Any]]

_MEMBER_BYTES, _PORTFOLIO_BYTES = 32, 96
"""On the device: indices and levels of a member with the arrays that check them; start and results of a portfolio."""


@dataclass(frozen=True)
class GpuEngine:
    """See `kernels.devices.Engine`. Safe to call from several threads: their work on the device takes turns."""

    device: Device
    not_fused: dict[str, str] = field(default_factory=dict)
    _turn: threading.Lock = field(default_factory=threading.Lock, repr=False)

    def unit_npv(
        self, blocks: Blocks, paths: Floats, events: Ints, values: Floats, discount: Floats, *, tax_rate: float
    ) -> Floats:
        """See `kernels.devices.Engine`."""
        bring = self.device.from_host
        with self._turn:
            packed = pack_terms([[self._term(term) for term in terms] for terms in blocks], tax_rate=tax_rate)
            prefix = discounted_prefix(bring(paths), bring(discount))
            return to_host(unit_npv_of_packed(packed, prefix, bring(events), bring(values)))

    def brought(self, unit_npv: Floats) -> Array:
        """See `kernels.devices.Engine`."""
        return self.device.from_host(unit_npv)

    def npv_measures(
        self, portfolios: Portfolios, unit_npv: Array, weights: Floats, *, alpha: float, budget_bytes: int
    ) -> NpvMeasures:
        """See `kernels.devices.Engine`; by the namespace kernels where the fused one cannot be used."""
        carried = self.device.from_host(weights)
        self._note("NPV measures", portfolio_measures.can_use(unit_npv, carried))

        def measured(rows: slice) -> NpvMeasures:
            found = portfolio_measures.portfolio_npv_measures(
                self._portfolios(portfolios.part(rows)), unit_npv, carried, alpha=alpha, budget_bytes=budget_bytes
            )
            return NpvMeasures(**{name: to_host(values) for name, values in vars(found).items()})

        members = -(-len(portfolios.levels) // max(len(portfolios), 1))
        piece = piece_size(bytes_per_item=_PORTFOLIO_BYTES + _MEMBER_BYTES * members, budget_bytes=budget_bytes)
        return collect(measured, len(portfolios), NpvMeasures, unit_npv.dtype, piece=piece, threads=1)

    def cumulative_paths(self, unit_cash: Floats, *, dtype: npt.DTypeLike, budget_bytes: int) -> DevicePaths:
        """See `kernels.devices.Engine`; formed in strips of scenarios, so that float64 is held for a strip alone."""
        candidates, scenarios, months = unit_cash.shape
        running = self.device.xp.zeros((months, candidates, scenario_pitch(scenarios)), dtype=dtype)

        def form(rows: slice) -> None:
            strip = portfolio_paths.cumulative_paths(
                self.device.from_host(np.ascontiguousarray(unit_cash[:, rows])), dtype=dtype
            )
            running[:, :, rows] = strip.running[:, :, : strip.scenarios]

        piece = piece_size(bytes_per_item=4 * 8 * candidates * months, budget_bytes=budget_bytes, most=scenarios)
        for _ in over_pieces(form, scenarios, piece=piece):
            pass
        return DevicePaths(running, scenarios)

    def path_measures(
        self, portfolios: Portfolios, paths: DevicePaths, weights: Floats, *, alpha: float, budget_bytes: int
    ) -> PathMeasures:
        """See `kernels.devices.Engine`."""
        carried = self.device.from_host(weights)
        self._note("spread of path measures", portfolio_paths.can_use(paths, carried))
        found = portfolio_paths.portfolio_path_measures(
            self._portfolios(portfolios), paths, carried, alpha=alpha, budget_bytes=budget_bytes
        )
        return PathMeasures(**{name: to_host(values) for name, values in vars(found).items()})

    def _note(self, what: str, answer: tuple[bool, str]) -> None:
        usable, reason = answer
        if not usable:
            self.not_fused[what] = reason

    def _portfolios(self, held: Portfolios) -> Portfolios:
        return Portfolios(*(self.device.from_host(part) for part in (held.starts, held.candidates, held.levels)))

    def _term(self, term: Term) -> Term:
        bring: Any = self.device.from_host
        if isinstance(term, WindowTerm):
            return WindowTerm(term.line, bring(term.amount), bring(term.path), bring(term.start), bring(term.end))
        return ScheduleTerm(term.line, bring(term.amount), bring(term.profile), bring(term.start))
