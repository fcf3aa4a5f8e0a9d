"""Scores of portfolios: how each fares over the futures, what it costs, and which limits it breaks."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np
import pandas as pd

from kernels.backend import Array, Device, DeviceError, DeviceKind
from kernels.cpu.portfolio import portfolio_sums
from kernels.devices import Engine, engine_on
from kernels.pieces import usable_cores
from planner.arrays import Floats
from planner.candidates.build import CandidateSet
from planner.candidates.decisions import apply_decisions
from planner.errors import PlannerError
from planner.runtime.device import device_named
from planner.runtime.memory import LEAST, usable_memory, written_size
from planner.scenarios.futures import Futures, futures_of
from planner.scenarios.stressed import stressed_candidates
from planner.scoring.draw_gain import DrawGain, Lead, draw_gain, lead_of
from planner.scoring.footprint import Footprint, footprint
from planner.scoring.items import Bunch, Items, PortfolioSource
from planner.scoring.leading import Leading, leading_of
from planner.scoring.limits import Limits, limits_over
from planner.scoring.path_columns import (
    MILLION,
    Measuring,
    base_path_columns,
    cover_columns,
    funding_columns,
    irr_spread_columns,
    mean_irr_columns,
)
from planner.scoring.under_stress import StressLimits, blank_under, stress_limits
from planner.scoring.values import ItemValues, item_values

AT_ONCE = 16_384
"""Portfolios scored together at most: the rows of a row group."""
IRR_EACH = 10
"""Portfolios up to which the IRR of every future is found: about half a millisecond each."""
BROKEN_SHARE, BROKEN_BYTES = 0.1, 128
"""Of the memory that may be used, what limits broken may take, and what a row of them takes while it is found and
written."""
VALUES_SHARE = 0.6
"""Of the memory that may be used, what values of items may take; the rest is scratch and results."""


@dataclass(frozen=True)
class ScoreOptions:
    """How to score: scenarios drawn, level of the tail, draws, precision, whether paths are measured, threads, memory.

    memory_bytes: what scoring may use beside the candidates; None for half of what is free. It changes no result.
    imported: a file of paths and weights from elsewhere (see `scenarios.imported`), whose scenarios stand in place of
    as many drawn.
    device: auto, cpu or gpu; `auto` takes a GPU on which a kernel runs. fixes, excludes: decisions that the portfolios
    were made under (see `decisions`), so that a portfolio that departs from them is flagged.
    """

    scenarios: int = 1000
    alpha: float = 0.95
    draws: str = "independent"
    seed: int | None = None
    float64: bool = False
    paths: bool = True
    threads: int | None = None
    memory_bytes: int | None = None
    imported: str | None = None
    device: str = "auto"
    fixes: tuple[str, ...] = ()
    excludes: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if not 0.0 < self.alpha < 1.0:
            raise PlannerError(f"alpha = {self.alpha}: give a level between 0 and 1, such as 0.95")


@dataclass(frozen=True, repr=False)
class Scores:
    """One row per portfolio in `table`, dollars and months; limits broken in `broken`; stresses left out with the
    reason.

    table: portfolio, base_npv_usd, mean_npv_usd, standard_deviation_usd, standard_error_usd, loss_probability, var_usd,
    cvar_usd (losses positive), npv_<stress>_usd (the plan as it stands; NaN where the stressed case cannot have what it
    holds) and limits_broken_<stress>, of the limits that the stress changes; the columns of `Footprint.columns`; with
    paths those of `path_columns` (peak funding, payback, least DSCR where the case has debt, MOIC, IRR); limits_broken,
    worst_limit, worst_excess. broken: portfolio, family, name, from_month, to_month, excess, limit.
    """

    table: pd.DataFrame
    broken: pd.DataFrame
    left_out: dict[str, str]
    options: ScoreOptions
    seconds: dict[str, float]

    def __repr__(self) -> str:
        return f"<Scores of {len(self.table):,} portfolios over {self.options.scenarios:,} futures>"


@dataclass(frozen=True)
class ScoredPiece:
    """Scores of some portfolios, columns as in `Scores`, and the leading of them future by future."""

    table: pd.DataFrame
    broken: pd.DataFrame
    leading: Leading


@dataclass(frozen=True, eq=False)
class _Prepared:
    """All that is formed once for the items that portfolios hold."""

    items: Items
    values: ItemValues
    unit: Array
    """NPV in $M by item and future, on the device."""
    paths: Any
    """Running sums of cash in $M by item, future and month, on the device; None where paths are not measured."""
    mean_cash: Floats | None
    footprint: Footprint
    limits: Limits
    stress_limits: StressLimits


@dataclass
class Scoring:
    """Scores portfolios of one candidate set over the same futures, piece by piece; one that breaks a limit is flagged.

    `seconds` by stage grow as pieces are scored; `left_out` are stresses that cannot be had with a plan that stands;
    `device` says what was chosen and why, `not_fused` what a GPU did without its fused kernels.
    """

    candidates: CandidateSet
    options: ScoreOptions
    futures: Futures = field(init=False)
    left_out: dict[str, str] = field(init=False)
    device: Device = field(init=False)
    seconds: dict[str, float] = field(default_factory=lambda: {"values of items": 0.0, "measures": 0.0, "limits": 0.0})

    def __post_init__(self) -> None:
        outlook, options = self.candidates.outlook, self.options
        self.device = device_named(options.device)
        self._engine: Engine = engine_on(self.device, threads=options.threads or usable_cores())
        self.futures = futures_of(
            outlook.case, outlook.calendar, scenarios=options.scenarios, seed=options.seed, draws=options.draws,
            file=options.imported,
        )
        self.candidates = apply_decisions(self.candidates, options.fixes, options.excludes)
        stresses = stressed_candidates(self.candidates)
        self._stresses, self.left_out = stresses.under, stresses.left_out
        self._memory = usable_memory() if options.memory_bytes is None else options.memory_bytes
        if self.device.kind is DeviceKind.GPU:  # what the host holds of the items has to fit there too
            self._memory = max(min(self._memory, self.device.free_bytes() // 2), LEAST)
        self._prepared: _Prepared | None = None
        self._lead: Lead | None = None

    def pieces(self, source: PortfolioSource) -> Iterator[ScoredPiece]:
        """Scores of all portfolios of a source, in order; memory does not grow with their number.

        Raises PlannerError where a single portfolio does not fit into memory, or onto the device.
        """
        try:
            yield from self._pieces(source)
        except (DeviceError, MemoryError) as error:
            raise PlannerError(f"{error}") from error

    def _pieces(self, source: PortfolioSource) -> Iterator[ScoredPiece]:
        each_rate = self.options.paths and source.count is not None and source.count <= IRR_EACH
        for bunch in source.pieces(AT_ONCE):
            for part in self._fitting(bunch):
                ready = self._prepare(part.items)
                # Of limits broken a piece may hold one row per portfolio and limit.
                rows = int(BROKEN_SHARE * self._memory / (BROKEN_BYTES * max(ready.limits.most_broken(part), 1)))
                for piece in part.pieces(max(rows, 1)):
                    yield self._score(piece, ready, each_rate)

    def _fitting(self, bunch: Bunch) -> Iterator[Bunch]:
        """The bunch as it is if the values of its items fit; else over the items that it holds, in halves until they
        fit."""
        if self._values_bytes(len(bunch.items)) <= VALUES_SHARE * self._memory:
            yield bunch
            return
        chosen = np.unique(bunch.portfolios.candidates).astype(np.int64)
        need = self._values_bytes(len(chosen))
        if need <= VALUES_SHARE * self._memory:
            yield bunch.over(chosen, bunch.items.part(chosen))
            return
        middle = len(bunch) // 2
        halves = [bunch.part(slice(0, middle)), bunch.part(slice(middle, len(bunch)))] if middle else []
        if not halves or max(len(np.unique(half.portfolios.candidates)) for half in halves) == len(chosen):
            raise PlannerError(
                f"values of {len(chosen)} items over {len(self.futures):,} futures take {written_size(need)}, more "
                f"than {VALUES_SHARE:.0%} of the "
                f"{written_size(self._memory)} that may be used; raise --memory, draw fewer --scenarios, or leave "
                "paths out with --no-paths"
            )
        for half in halves:
            yield from self._fitting(half)

    def _values_bytes(self, items: int) -> int:
        cell = 8 if self.options.float64 else 4
        months = (8 + cell) * self.candidates.outlook.months if self.options.paths else 0
        return items * len(self.futures) * (8 + cell + months)

    def _prepare(self, items: Items) -> _Prepared:
        if self._prepared is not None and self._prepared.items is items:
            return self._prepared
        began = time.perf_counter()
        self._prepared = None  # what it held is given back before as much is formed again
        options, threads = self.options, self.options.threads or usable_cores()
        values = item_values(
            self.candidates, items, self.futures, self._stresses, paths=options.paths, threads=threads,
            engine=self._engine,
        )
        dtype = np.float64 if options.float64 else np.float32
        paths = None
        if values.cash is not None:
            paths = self._engine.cumulative_paths(values.cash / MILLION, dtype=dtype, budget_bytes=self._scratch())
        mean = None if values.cash is None else np.einsum("ksm,s->km", values.cash, self.futures.weights)
        limits = limits_over(self.candidates, items)
        self._prepared = _Prepared(
            items, values, self._engine.brought((values.npv / MILLION).astype(dtype)), paths, mean,
            footprint(self.candidates, items), limits, stress_limits(limits, self._stresses)
        )
        for name, stressed in self._stresses.items():
            self.left_out |= blank_under(name, stressed, items)
        self.seconds["values of items"] += time.perf_counter() - began
        return self._prepared

    def _score(self, bunch: Bunch, ready: _Prepared, each_rate: bool) -> ScoredPiece:
        clock = [time.perf_counter()]
        threads = self.options.threads or usable_cores()
        how = Measuring(self.futures.weights, self.options.alpha, threads, self._scratch())
        columns = {**_npv_columns(bunch, ready, self._engine, how), **ready.footprint.columns(bunch.portfolios)}
        if ready.paths is not None and ready.mean_cash is not None:
            columns |= funding_columns(bunch.portfolios, ready.paths, self._engine, how)
            if ready.values.cover is not None:
                columns |= cover_columns(bunch.portfolios, ready.values.cover, how)
            horizon = self.candidates.outlook.horizon
            columns |= base_path_columns(bunch.portfolios, ready.values.base_cash, horizon, how)
            columns |= mean_irr_columns(bunch.portfolios, ready.mean_cash, horizon, how)
            if each_rate and ready.values.cash is not None:
                columns |= irr_spread_columns(bunch.portfolios, ready.values.cash, horizon, how)
        clock.append(time.perf_counter())
        broken = ready.limits.broken(bunch, threads=threads, budget_bytes=how.budget_bytes)
        columns |= broken.columns(len(bunch))
        columns |= ready.stress_limits.columns(bunch, threads=threads, budget_bytes=how.budget_bytes)
        frame = broken.frame(bunch.names)
        clock.append(time.perf_counter())
        for stage, spent in zip(("measures", "limits"), np.diff(clock).tolist(), strict=True):
            self.seconds[stage] += spent
        leading = leading_of(bunch, ready.values.npv, columns["mean_npv_usd"], columns["limits_broken"])
        lead = lead_of(bunch, leading)
        self._lead = lead if self._lead is None or self._lead.beaten_by(lead) else self._lead
        return ScoredPiece(pd.DataFrame(columns), frame, leading)

    @cached_property
    def gain(self) -> DrawGain | None:
        """What the draws gain over plain ones for the leading portfolio; ask when all pieces are scored."""
        if self._lead is None:
            return None
        return draw_gain(
            self.candidates, self._lead, self.futures, engine=self._engine,
            threads=self.options.threads or usable_cores(),
        )

    @property
    def not_fused(self) -> dict[str, str]:
        """What a GPU did without its fused kernel, and why."""
        return self._engine.not_fused

    def _scratch(self) -> int:
        return max(int((1.0 - VALUES_SHARE) * self._memory / 2), 1 << 20)


def score_portfolios(candidates: CandidateSet, source: PortfolioSource, options: ScoreOptions) -> Scores:
    """Score every portfolio of a source over the same futures, all results in memory; `Scoring.pieces` streams them."""
    scoring = Scoring(candidates, options)
    pieces = list(scoring.pieces(source))
    table = pd.concat([piece.table for piece in pieces], ignore_index=True)
    filled = [piece.broken for piece in pieces if len(piece.broken)] or [pieces[0].broken]
    return Scores(table, pd.concat(filled, ignore_index=True), scoring.left_out, options, dict(scoring.seconds))


def _npv_columns(bunch: Bunch, ready: _Prepared, engine: Engine, how: Measuring) -> dict[str, np.ndarray]:
    """NPV in the base case, its distribution over the futures, and NPV under each stress."""
    portfolios = bunch.portfolios
    measured = engine.npv_measures(portfolios, ready.unit, how.weights, alpha=how.alpha, budget_bytes=how.budget_bytes)
    columns = {
        "portfolio": np.array(bunch.names, dtype=object),
        "base_npv_usd": portfolio_sums(portfolios, ready.values.base_npv),
        "mean_npv_usd": measured.mean * MILLION,
        "standard_deviation_usd": measured.standard_deviation * MILLION,
        "standard_error_usd": measured.standard_error * MILLION,
        "loss_probability": measured.loss_probability,
        "var_usd": measured.var * MILLION,
        "cvar_usd": measured.cvar * MILLION,
    }
    for name, npv in ready.values.stress_npv.items():
        columns[f"npv_{name}_usd"] = portfolio_sums(portfolios, npv)
    return columns
