"""On-demand GPUs pooled: an exact smaller form of all ways to sell.

A `sell` candidate is a (site, SKU, tier, phase, step). Where its value splits into what the tier pays and what a MW of
the phase costs, and each of its uses depends on one of these alone, the choice is the same if the allocator decides

    place[site, SKU, step]   GPUs on demand at a site
    let[SKU, tier, step]     GPUs that a tier takes         sum over sites of place = sum over tiers of let
    draw[phase, step]        MW of critical IT on a phase   sum over SKUs of it_mw x place = sum over phases of draw

and its levels are shared out afterwards. That the values and uses do split is checked number by number; where they
do not (a unit idles in some months, a cash floor counts each candidate) the candidates stay as they are.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from planner.arrays import Floats, Ints
from planner.candidates.build import CandidateSet
from planner.candidates.market import sell_parts
from planner.candidates.resources import Family

SPLIT_TOLERANCE = 1e-9

BY_PLACE = (Family.FLEET,)
BY_LET = (Family.DEPTH, Family.REVENUE_SHARE)
BY_DRAW = (Family.PHASE, Family.MIN_TAKE)


@dataclass(frozen=True)
class Pool:
    """Columns of one of the three pooled kinds: keys, value of a unit, and their uses (column, resource, ...)."""

    keys: pd.DataFrame
    npv_usd: Floats
    uses: pd.DataFrame


@dataclass(frozen=True)
class AggregatedMarket:
    """The three pools, and for each sell candidate its column in each of them and its critical IT MW."""

    number: Ints
    place: Pool
    let: Pool
    draw: Pool
    place_of: Ints
    let_of: Ints
    draw_of: Ints
    it_mw: Floats


def aggregate_market(candidates: CandidateSet) -> AggregatedMarket | None:
    """The pooled form, or None where it would not be exact (or there is nothing to pool)."""
    parts = sell_parts(candidates.blocks, candidates.valuation, candidates.outlook)
    if parts is None:
        return None
    uses = candidates.book.uses.frame()
    uses = uses[uses["candidate"].isin(parts.number)]
    family = pd.Series([member.name for member in candidates.book.family])
    uses = uses.assign(family=uses["resource"].map(family), sell=uses["candidate"] - parts.number[0])
    known = {member.name for member in (*BY_PLACE, *BY_LET, *BY_DRAW)}
    if not set(uses["family"]) <= known:
        return None
    ones = np.ones(len(parts.number))
    pools = []
    for keys, families, value, size in (
        (parts.place, BY_PLACE, np.zeros(len(ones)), ones),
        (parts.let, BY_LET, parts.income_usd, ones),
        (parts.draw, BY_DRAW, parts.cost_usd, parts.it_mw),
    ):
        pooled = _pool(keys, families, value, size, uses)
        if pooled is None:
            return None
        pools.append(pooled)
    (place, place_of), (let, let_of), (draw, draw_of) = pools
    return AggregatedMarket(parts.number, place, let, draw, place_of, let_of, draw_of, parts.it_mw)


def _pool(
    keys: pd.DataFrame, families: tuple[Family, ...], value: Floats, size: Floats, uses: pd.DataFrame
) -> tuple[Pool, Ints] | None:
    """One pool and the column of each sell in it; None when value or uses per size differ within a column."""
    codes, first = _columns(keys)
    unit = value / size
    if not _same(unit, codes, first):
        return None
    wanted = uses[uses["family"].isin([member.name for member in families])]
    sell = wanted["sell"].to_numpy(np.int64)
    each = pd.DataFrame(
        {
            "column": codes[sell],
            "resource": wanted["resource"].to_numpy(np.int64),
            "coefficient": wanted["coefficient"].to_numpy(np.float64) / size[sell],
            "start": wanted["start"].to_numpy(np.int64),
            "end": wanted["end"].to_numpy(np.int64),
        }
    )
    grouped = each.groupby(["column", "resource", "start", "end"], as_index=False)["coefficient"].agg(["min", "max", "count"])
    # Every sell of a column must have the same uses, or the column stands for different things.
    members = np.bincount(codes)
    complete = (grouped["count"].to_numpy() == members[grouped["column"].to_numpy(np.int64)]).all()
    spread = np.abs(grouped["max"] - grouped["min"]).to_numpy()
    if not complete or (spread > SPLIT_TOLERANCE * np.maximum(np.abs(grouped["max"].to_numpy()), 1.0)).any():
        return None
    pooled = grouped.rename(columns={"max": "coefficient"})[["column", "resource", "coefficient", "start", "end"]]
    return Pool(keys.iloc[first].reset_index(drop=True), unit[first], pooled), codes


def _columns(keys: pd.DataFrame) -> tuple[Ints, Ints]:
    codes = keys.groupby(list(keys.columns), sort=False).ngroup().to_numpy(np.int64)
    first = np.unique(codes, return_index=True)[1]
    return codes, first


def _same(values: Floats, codes: Ints, first: Ints) -> bool:
    reference = values[first][codes]
    scale = np.maximum(np.abs(reference), 1.0)
    return bool((np.abs(values - reference) <= SPLIT_TOLERANCE * scale).all())


def share_out(pooled: AggregatedMarket, place: Floats, let: Floats, draw: Floats) -> Floats:
    """Levels of the sell candidates from the levels of the pools, shape (sells,).

    Within a step, GPUs at each place are handed to tiers in order, and the MW of each (place, tier) to the phases of the
    site in order (the north-west corner rule): any sharing out has the same value, this one has few parts.
    """
    levels = np.zeros(len(pooled.number))
    index = {
        key: at for at, key in enumerate(zip(pooled.place_of, pooled.let_of, pooled.draw_of, strict=True))
    }
    by_step: dict[int, list[int]] = {}
    for column in np.flatnonzero(place > 0).tolist():
        by_step.setdefault(int(pooled.place.keys["from_month"].iat[column]), []).append(column)
    let_left, draw_left = let.copy(), draw.copy()
    tiers = {key: rows.index.to_numpy() for key, rows in pooled.let.keys.groupby(["gpu_id", "from_month"])}
    phases = {key: rows.index.to_numpy() for key, rows in pooled.draw.keys.groupby(["site_id", "from_month"])}
    it_mw = pd.Series(pooled.it_mw).groupby(pooled.place_of).first()
    for step in sorted(by_step):
        for column in by_step[step]:
            row = pooled.place.keys.iloc[column]
            gpus = float(place[column])
            for tier in tiers[row["gpu_id"], step].tolist():
                handed = min(gpus, let_left[tier])
                if handed <= 0.0:
                    continue
                gpus -= handed
                let_left[tier] -= handed
                _hand_to_phases(levels, index, (column, tier), handed, float(it_mw[column]), phases[row["site_id"], step], draw_left)
    return levels


def _hand_to_phases(
    levels: Floats, index: dict[tuple[int, int, int], int], key: tuple[int, int], gpus: float, it_mw: float, phases: Ints, left: Floats
) -> None:
    """Hand the MW of some GPUs to the phases of their site in order; a rest of rounding goes to the last one used."""
    last = None
    for phase in phases:
        taken = min(gpus, left[phase] / it_mw)
        if taken > 0.0:
            last = index[(*key, int(phase))]
            levels[last] += taken
            left[phase] -= taken * it_mw
            gpus -= taken
    if gpus > 0.0 and last is not None:
        levels[last] += gpus
