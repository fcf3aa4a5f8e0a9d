"""Futures of a case: every factor in every scenario, drawn jointly when they are asked for, piece by piece if need
be."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, fields, replace
from enum import Enum
from functools import cached_property

import numpy as np

from kernels.draws import antithetic_uniforms, normals_of, sobol_uniforms, uniforms, uniforms_of
from planner.case.calendar import Calendar
from planner.case.case import Case
from planner.case.factor_names import OFFERED_SIZE, ONCE, OVERRUN, SHARES, SLIPS, correlated_pairs, once_names
from planner.did_you_mean import remedy_for
from planner.errors import PlannerError
from planner.scenarios.copula import Floats, copula_of, joined
from planner.scenarios.events import Bools, Ints, default_draws, delay_draws, offer_draws, renewal_draws
from planner.scenarios.factors import Factor, must_be_imported, table_factors
from planner.scenarios.imported import Imported, read_imported


class Draws(Enum):
    """How the uniforms of the scenarios are drawn."""

    INDEPENDENT = "independent"
    ANTITHETIC = "antithetic"
    SOBOL = "sobol"


@dataclass(frozen=True)
class Values:
    """What happens in S scenarios of M months.

    multipliers: by factor, shape (S, M), each of mean one unless imported. slips: months by which what a factor drives
    comes late, overruns: what is paid of the capex planned, of mean one, both by factor, shape (S,). sizes: share
    offered of a lease, or its goodput, 0 to 1, by the factor that drives it, or by offered_size[...] where none does,
    shape (S,). late_months, default_month, renewed, offered: by delay[...], default[...], renewal[...] and offer[...],
    shape (S,); a default month of M is no default, and a lease without an offer[...] is offered.
    """

    multipliers: dict[str, Floats]
    late_months: dict[str, Ints]
    default_month: dict[str, Ints]
    renewed: dict[str, Bools]
    slips: dict[str, Ints] = field(default_factory=dict)
    overruns: dict[str, Floats] = field(default_factory=dict)
    offered: dict[str, Bools] = field(default_factory=dict)
    sizes: dict[str, Floats] = field(default_factory=dict)

    def piece(self, scenarios: slice) -> Values:
        """What happens in some of the scenarios."""
        return Values(
            **{
                entry.name: {name: value[scenarios] for name, value in getattr(self, entry.name).items()}
                for entry in fields(self)
            }
        )


@dataclass(frozen=True)
class Futures:
    """Scenarios `first` and on of a case: their names, their weights (S,), which add to 1 over all pieces, and their
    values.

    Values are formed on first use and kept; a piece of them holds the same numbers as the whole.
    """

    case: Case
    calendar: Calendar
    seed: int
    draws: Draws
    names: tuple[str, ...]
    weights: Floats
    imported: Imported | None = None
    first: int = 0
    drawn: Values | None = None
    """Its values, where they were drawn with those of more scenarios."""

    def __len__(self) -> int:
        return len(self.weights)

    def piece(self, scenarios: slice) -> Futures:
        """Some of the scenarios, one after another; nothing is drawn for it before it is asked."""
        start, stop, step = scenarios.indices(len(self))
        if step != 1 or stop <= start:
            raise ValueError(f"a piece is a run of scenarios one after another, got {scenarios} of {len(self)}")
        imported = None if self.imported is None else self.imported.piece(slice(start, stop))
        return replace(
            self, names=self.names[start:stop], weights=self.weights[start:stop], imported=imported,
            first=self.first + start, drawn=None if self.drawn is None else self.drawn.piece(slice(start, stop)),
        )

    def drawn_ahead(self) -> Futures:
        """The same, drawn now, so that its pieces need not be drawn each for itself."""
        return replace(self, drawn=self.values)

    def pieces(self, size: int) -> Iterator[Futures]:
        """All scenarios in pieces of at most `size`."""
        return (self.piece(slice(start, start + size)) for start in range(0, len(self), size))

    @cached_property
    def factors(self) -> tuple[Factor, ...]:
        """The factors of the table but for chances of a phase's delay, in its order."""
        return table_factors(self.case)

    @cached_property
    def values(self) -> Values:
        """What happens in these scenarios."""
        if self.drawn is not None:
            return self.drawn
        months = self.calendar.months
        once_names_ = [name for word in ONCE for name in once_names(self.case.tables, word)]
        held = frozenset() if self.imported is None else self.imported.factors
        drawn = [factor for factor in self.factors if factor.name not in held]
        streams = dict.fromkeys(once_names_, 1)
        for factor in self.factors:
            streams[factor.name] = months
            if factor.has_regimes:
                streams[_regimes(factor)] = months
        uniform = self._uniforms(streams)
        once, monthly = joined(
            copula_of(self.case),
            {name: normals_of(uniform[name][0]) for name in once_names_},
            {factor.name: normals_of(uniform[factor.name]) for factor in self.factors},
            self._by_month,
            horizon=self.calendar.horizon,
        )
        paths = {
            factor.name: factor.path(monthly[factor.name], uniform.get(_regimes(factor))) for factor in drawn
            if not factor.single
        }
        slipped = {
            factor.name: factor.slip_months(monthly[factor.name], horizon=self.calendar.horizon) for factor in drawn
            if factor.target.word in SLIPS
        }
        paid = {
            factor.name: factor.overrun(monthly[factor.name], horizon=self.calendar.horizon) for factor in drawn
            if factor.target.word == OVERRUN
        }
        shares = {
            factor.name: factor.share(monthly[factor.name], horizon=self.calendar.horizon) for factor in drawn
            if factor.target.word in SHARES
        }
        again = {name: uniforms_of(normal) for name, normal in once.items()}
        values = Values(
            multipliers=paths,
            late_months=delay_draws(self.case, again),
            default_month=default_draws(self.case, again, months=months),
            renewed=renewal_draws(self.case, again),
            offered=offer_draws(self.case, again),
            slips=slipped,
            overruns=paid,
            sizes=shares,
        )
        return values if self.imported is None else _with_imported(values, self.imported, self.factors, months)

    def _uniforms(self, streams: Mapping[str, int]) -> dict[str, Floats]:
        """Uniforms of each stream, shape (months, S)."""
        if self.draws is Draws.SOBOL:
            if not streams:
                return {}
            # SciPy warns of a first piece that is not a power of two, though the points are the same: it is cut here.
            count = len(self) if self.first else 1 << (len(self) - 1).bit_length()
            points = sobol_uniforms(self.seed, streams, scenarios=count, first_scenario=self.first)
            return {name: drawn[:, : len(self)] for name, drawn in points.items()}
        draw = antithetic_uniforms if self.draws is Draws.ANTITHETIC else uniforms
        return {
            name: draw(
                self.seed, name, months=months, scenarios=len(self), first_scenario=self.first
            ) for name, months in streams.items()
        }

    def _by_month(self, name: str) -> Floats:
        """Independent monthly normals over which what happens once is spread, shape (M, S)."""
        draw = antithetic_uniforms if self.draws is Draws.ANTITHETIC else uniforms
        return normals_of(
            draw(
                self.seed, f"{name}[by month]", months=self.calendar.months, scenarios=len(self),
                first_scenario=self.first,
            )
        )


def make_futures(
    case: Case,
    calendar: Calendar,
    *,
    scenarios: int | None = None,
    seed: int | None = None,
    draws: Draws | str = Draws.INDEPENDENT,
    imported: Imported | None = None,
) -> Futures:
    """Futures of a case over the months of a calendar (that of its outlook), nothing drawn yet.

    scenarios: how many; with `imported` as many as it holds. seed: None for the case's own. draws: independent;
    antithetic, in pairs of mirrors; or sobol, best at powers of two. imported: paths and weights from elsewhere, which
    stand in the place of draws.

    Raises PlannerError for a count below 1 or another than `imported` holds, for unknown draws, for a factor `given`
    that is not imported, and for a correlation between a factor imported and one that is drawn.
    """
    known = [kind.value for kind in Draws]
    if isinstance(draws, str) and draws not in known:
        raise PlannerError(f"draws {draws!r} are not known; {remedy_for(draws, known)}")
    count = scenarios if scenarios is not None else len(imported) if imported is not None else None
    if count is None or count < 1:
        raise PlannerError(f"{count if count is not None else 'no number of'} scenarios asked for; give 1 or more")
    if imported is not None and count != len(imported):
        raise PlannerError(
            f"{count} scenarios asked for, but the paths imported hold {len(imported)}; leave the count out, or import "
            "as "
            "many"
        )
    _require_all_imported(case, imported)
    names = tuple(str(number + 1) for number in range(count)) if imported is None else imported.names
    weights = np.full(count, 1.0 / count) if imported is None else imported.weights
    return Futures(case, calendar, case.settings.seed if seed is None else seed, Draws(draws), names, weights, imported)


def futures_of(
    case: Case, calendar: Calendar, *, scenarios: int, seed: int | None, draws: Draws | str, file: str | None
) -> Futures:
    """Futures of a case as they are asked for: drawn, or those of a file of paths and weights in the place of as many
    draws (see `imported.read_imported`)."""
    if file is None:
        return make_futures(case, calendar, scenarios=scenarios, seed=seed, draws=draws)
    return make_futures(case, calendar, seed=seed, draws=draws, imported=read_imported(file, case, calendar))


def _require_all_imported(case: Case, imported: Imported | None) -> None:
    held = frozenset() if imported is None else imported.factors
    missing = [factor.name for factor in table_factors(case) if must_be_imported(factor) and factor.name not in held]
    if missing:
        raise PlannerError(
            f"factors {', '.join(missing)} are given from outside, but no paths are imported for them; give them, or "
            "choose another model"
        )
    for a, b in correlated_pairs(case.tables):
        if (a in held) != (b in held):
            there, here = (a, b) if a in held else (b, a)
            raise PlannerError(
                f"{there} is imported, so {here} cannot be drawn to be correlated with it; import both, or remove "
                "their "
                "row of correlations"
            )


def _regimes(factor: Factor) -> str:
    return f"{factor.name}[regime]"


def _with_imported(values: Values, imported: Imported, factors: tuple[Factor, ...], months: int) -> Values:
    """The values with those that are imported in their place."""
    def once_of(*words: str) -> dict[str, Floats]:
        """What factors of some words draw once."""
        names = [factor.name for factor in factors if factor.target.word in words]
        return {name: imported.once[name] for name in names if name in imported.once}

    undriven = {name: share for name, share in imported.once.items() if name.startswith(f"{OFFERED_SIZE}[")}
    sizes = {**once_of(*SHARES), **undriven}

    def whole(word: str) -> dict[str, Ints]:
        return {
            name: np.asarray(value).astype(np.int64) for name, value in imported.once.items()
            if name.startswith(f"{word}[")
        }

    defaults = {name: np.minimum(month, months) for name, month in whole("default").items()}
    return Values(
        multipliers={**values.multipliers, **imported.paths},
        late_months={**values.late_months, **whole("delay")},
        default_month={**values.default_month, **defaults},
        renewed={**values.renewed, **{name: value != 0 for name, value in whole("renewal").items()}},
        offered={**values.offered, **{name: value != 0 for name, value in whole("offer").items()}},
        slips={**values.slips, **{name: value.astype(np.int64) for name, value in once_of(*SLIPS).items()}},
        overruns={**values.overruns, **once_of(OVERRUN)},
        # A plan sells no more than it sells: what is offered beyond that is not in it.
        sizes={**values.sizes, **{name: np.minimum(share, 1.0) for name, share in sizes.items()}},
    )
