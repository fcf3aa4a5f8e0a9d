"""On-demand GPUs aggregated: an exact smaller form of all ways to sell.

A `sell` candidate is a (site, SKU, tier, phase, step). Where its value splits into what the tier pays and what a MW of
the phase costs, and each of its uses depends on one of these alone, the choice is the same if the model decides

    place[site, SKU, step]   GPUs on demand at a site
    tier[SKU, tier, step]    GPUs that a tier takes         sum over sites of place = sum over tiers of tier
    phase[phase, step]       MW of critical IT on a phase   sum over SKUs of it_mw x place = sum over phases of phase

and its levels are shared out afterwards. That the values and uses do split is checked number by number; where they
do not (a unit idles in some months, a cash floor counts each candidate) the candidates stay as they are.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from kernels.lines import Line
from planner.arrays import Floats, Ints
from planner.candidates.build import CandidateSet
from planner.candidates.columns import Columns, codes_of
from planner.candidates.kinds import Kind
from planner.candidates.resources import Family

SPLIT_TOLERANCE = 1e-9

BY_PLACE = (Family.FLEET,)
BY_TIER = (Family.DEPTH, Family.REVENUE_SHARE, Family.YEARLY_SHARE)
BY_PHASE = (Family.PHASE, Family.FIRM, Family.MIN_TAKE)


@dataclass(frozen=True)
class Aggregate:
    """Columns of one of the three aggregated kinds: keys (rows of the case's tables, and from_month), value of a unit,
    and their uses (columns column, resource, coefficient, start, end)."""

    keys: Columns
    npv_usd: Floats
    uses: Columns


@dataclass(frozen=True)
class AggregatedMarket:
    """The three aggregates, and for each sell candidate its column in each of them and its critical IT MW."""

    number: Ints
    place: Aggregate
    tier: Aggregate
    phase: Aggregate
    place_of: Ints
    tier_of: Ints
    phase_of: Ints
    it_mw: Floats

    @property
    def parts(self) -> tuple[Aggregate, Aggregate, Aggregate]:
        """GPUs at places, GPUs taken by tiers, MW drawn on phases: in this order they follow one another in the
        model."""
        return self.place, self.tier, self.phase


def aggregate_market(candidates: CandidateSet) -> AggregatedMarket | None:
    """The aggregated form, or None where it would not be exact (or there is nothing to aggregate).

    Exact because a transport of levels place -> tier -> phase with the given sums always exists (north-west corner) and
    costs the same whichever it is: the value of a sell is a sum of a term of its tier and one of its phase, and each of
    its uses is one of its place, its tier or its phase. Both are tested on the numbers, within SPLIT_TOLERANCE, not
    derived from what the case says, so a new rule that couples them turns the aggregation off and breaks nothing.
    """
    sells = [block for block in candidates.blocks if block.kind is Kind.SELL]
    if not sells:
        return None
    (block,) = sells
    # What is curtailed loses hours of its tier by its phase: those sells stay as they are.
    chosen = np.flatnonzero(block.columns["interruptible"] == 0)
    if not len(chosen):
        return None
    rows, number, valuation = block.columns.take(chosen), block.numbers[chosen], candidates.valuation
    at = np.full(len(block), -1)
    at[chosen] = np.arange(len(chosen))
    uses = candidates.book.uses.columns()
    uses = uses.take((uses["candidate"] >= block.first) & (uses["candidate"] < block.first + len(block)))
    uses = uses.having(sell=at[uses["candidate"] - block.first])
    uses = uses.take(uses["sell"] >= 0)
    members = {
        number: family
        for number, family in enumerate(candidates.book.family) if family in (*BY_PLACE, *BY_TIER, *BY_PHASE)
    }
    if not np.isin(uses["resource"], list(members)).all():
        return None
    ones, it_mw = np.ones(len(rows)), candidates.outlook.tables["gpus"].floats("it_kw")[rows["gpu"]] / 1000.0
    made = []
    for names, families, value, size in (
        (("site", "gpu"), BY_PLACE, np.zeros(len(rows)), ones),
        (("gpu", "tier"), BY_TIER, valuation.npv(block, (Line.REVENUE,))[chosen, 0], ones),
        (("site", "phase"), BY_PHASE, valuation.npv(block, (Line.ENERGY, Line.FEES))[chosen, 0], it_mw),
    ):
        own = uses.take(np.isin(uses["resource"], [each for each, family in members.items() if family in families]))
        aggregated = _aggregate(
            rows.only(*names, "from_month"), own, value, size
        )
        if aggregated is None:
            return None
        made.append(aggregated)
    (place, place_of), (tier, tier_of), (phase, phase_of) = made
    return AggregatedMarket(number, place, tier, phase, place_of, tier_of, phase_of, it_mw)


def _aggregate(keys: Columns, uses: Columns, value: Floats, size: Floats) -> tuple[Aggregate, Ints] | None:
    """One aggregate and the column of each sell in it; None when value or uses per size differ within a column."""
    codes, first = codes_of([keys[name] for name in keys.names])
    unit = value / size
    if not _same(unit, codes, first):
        return None
    sell = uses["sell"]
    each = uses.only("resource", "start", "end").having(
        column=codes[sell], coefficient=uses["coefficient"] / size[sell]
    )
    group, one = codes_of([each[name] for name in ("column", "resource", "start", "end")])
    least, most = np.full(len(one), np.inf), np.full(len(one), -np.inf)
    np.minimum.at(least, group, each["coefficient"])
    np.maximum.at(most, group, each["coefficient"])
    # Every sell of a column must have the same uses, or the column stands for different things.
    complete = np.bincount(group, minlength=len(one)) == np.bincount(codes)[each["column"][one]]
    if not complete.all() or (most - least > SPLIT_TOLERANCE * np.maximum(np.abs(most), 1.0)).any():
        return None
    used = each.take(one).having(coefficient=most).sorted_by("column", "resource", "start", "end")
    return Aggregate(keys.take(first), unit[first], used), codes


def _same(values: Floats, codes: Ints, first: Ints) -> bool:
    reference = values[first][codes]
    scale = np.maximum(np.abs(reference), 1.0)
    return bool((np.abs(values - reference) <= SPLIT_TOLERANCE * scale).all())


def share_out(market: AggregatedMarket, place: Floats, tier: Floats, phase: Floats) -> Floats:
    """Levels of the sell candidates from the levels of the aggregates, shape (sells,).

    Within a step, GPUs at each place are handed to tiers in order, and the MW of each (place, tier) to the phases of
    the site in order (the north-west corner rule): any sharing out has the same value, this one has few parts.
    """
    levels = np.zeros(len(market.number))
    index = {
        key: at
        for at, key in enumerate(
            zip(market.place_of.tolist(), market.tier_of.tolist(), market.phase_of.tolist(), strict=True)
        )
    }
    tier_left, phase_left = tier.copy(), phase.copy()
    tiers, phases = _rows_by(market.tier.keys, "gpu"), _rows_by(market.phase.keys, "site")
    it_mw = np.zeros(len(place))
    it_mw[market.place_of[::-1]] = market.it_mw[::-1]
    keys = market.place.keys
    held = np.flatnonzero(place > 0.0)
    for column in held[np.argsort(keys["from_month"][held], kind="stable")].tolist():
        step, gpus = int(keys["from_month"][column]), float(place[column])
        for at in tiers[int(keys["gpu"][column]), step]:
            handed = min(gpus, tier_left[at])
            if handed <= 0.0:
                continue
            gpus -= handed
            tier_left[at] -= handed
            _hand_to_phases(
                levels, index, (column, at), handed, float(it_mw[column]), phases[int(keys["site"][column]), step],
                phase_left,
            )
    return levels


def _rows_by(keys: Columns, name: str) -> dict[tuple[int, int], list[int]]:
    """Rows of each thing in each step, in order."""
    found: dict[tuple[int, int], list[int]] = {}
    for row, key in enumerate(zip(keys[name].tolist(), keys["from_month"].tolist(), strict=True)):
        found.setdefault(key, []).append(row)
    return found


def _hand_to_phases(
    levels: Floats, index: dict[tuple[int, int, int], int], key: tuple[int, int], gpus: float, it_mw: float,
    phases: list[int], left: Floats
) -> None:
    """Hand the MW of some GPUs to the phases of their site in order; a rest of rounding goes to the last one used."""
    last = None
    for phase in phases:
        taken = min(gpus, left[phase] / it_mw)
        if taken > 0.0:
            last = index[(*key, phase)]
            levels[last] += taken
            left[phase] -= taken * it_mw
            gpus -= taken
    if gpus > 0.0 and last is not None:
        levels[last] += gpus
