"""Names of stochastic factors: those of the table, and the delay, default, renewal and offer that phases, customers and
leases bring."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from itertools import pairwise

import pandas as pd

from planner.case.reading.given import shown
from planner.case.settings import ASSET_CLASSES

Tables = Mapping[str, pd.DataFrame]

ONCE = {
    "delay": ("power", ("source_id", "phase")), "default": ("customers", ("customer_id",)),
    "renewal": ("leases", ("lease_id",)), "offer": ("leases", ("lease_id",)),
}
"""What happens once: by its word, the table whose rows bring it and the columns that name them. An offer is drawn only
where its lease is not certain to be offered."""

DISCRETE_DELAY = "discrete_delay"
DISCRETE = "discrete"
TRIANGULAR = "triangular"
GIVEN = "given"

SLIPS = {"construction": ("sites", "site_id"), "delivery": ("gpus", "gpu_id")}
"""What comes late once for all it names: new halls of a site, deliveries of a SKU; the table that names them."""
OVERRUN = "capex"
OFFERED_SIZE = "offered_size"
GOODPUT = "goodput"
SHARES = (OFFERED_SIZE, GOODPUT)
"""Words of leases of which a factor draws a share, from 0 to 1."""
SINGLE = (*SLIPS, OVERRUN, *SHARES)
"""Words that a factor of the table drives by one draw for a whole future."""

_NUMBER = r"\d*\.?\d+(?:[eE]-?\d+)?"
_WRITTEN = re.compile(r"\s*(?P<word>\w+)\s*(?:\[(?P<select>[^\[\]]*)\])?\s*")


@dataclass(frozen=True)
class Target:
    """What a factor drives: a word, and in brackets what of it ("" for all)."""

    word: str
    name: str

    def __str__(self) -> str:
        return f"{self.word}[{self.name}]" if self.name else self.word


def target_of(written: str) -> Target | None:
    """The target that is written, None when it is not one."""
    match = _WRITTEN.fullmatch(written)
    if match is None or match["select"] == "":
        return None
    return Target(match["word"], (match["select"] or "").strip())


def once_names(tables: Tables, word: str) -> list[str]:
    """Names of all that happens once of one word, in the order of their table: delay[SOURCE:PHASE], ..."""
    rows = zip(*(_bringing(tables, word)[column] for column in ONCE[word][1]), strict=True)
    return [f"{word}[{':'.join(row)}]" for row in rows]


def _bringing(tables: Tables, word: str) -> pd.DataFrame:
    """The rows that bring what happens once."""
    rows = tables[ONCE[word][0]]
    return rows[rows["offer_probability"] < 1.0] if word == "offer" else rows


def factors_called(tables: Tables, written: str) -> list[str]:
    """The factors that a name stands for in a correlation, as the streams are called; empty when there is none.

    A factor of the table by its id (a discrete delay is called by the delay that it drives); delay[...],
    default[...], renewal[...] or offer[...] by the key of a row, or by column=value for all rows that hold the value.
    """
    factors = tables["factors"]
    for name, model, drives in zip(factors.factor_id, factors.model, factors.drives, strict=True):
        if written == name:
            return [str(target_of(drives))] if drives_a_phase(model, drives) else [name]
    target = target_of(written)
    if target is None or target.word not in ONCE or not target.name:
        return []
    known = once_names(tables, target.word)
    column, equals, value = (part.strip() for part in target.name.partition("="))
    if not equals:
        return [str(target)] if str(target) in known else []
    frame = _bringing(tables, target.word)
    if column not in frame:
        return []
    return [name for name, cell in zip(known, frame[column], strict=True) if shown(cell) == value]


def drives_a_phase(model: str, drives: str) -> bool:
    """Whether a factor gives the chances of one phase's delay, and so is called by that delay."""
    target = target_of(drives)
    return model == DISCRETE_DELAY and target is not None and target.word not in SLIPS


def outcomes_of(written: str) -> tuple[list[int], list[float]]:
    """Months late (early below 0), rising, with their probabilities; raises ValueError, saying what is wrong."""
    months, chances = _with_chances(written, r"-?\d+", "months")
    return [int(month) for month in months], chances


def shares_of(written: str) -> tuple[list[float], list[float]]:
    """Shares offered of a lease, rising, with their probabilities; raises ValueError, saying what is wrong."""
    return _with_chances(written, _NUMBER, "shares")


def _with_chances(written: str, number: str, what: str) -> tuple[list[float], list[float]]:
    """What may come out, in a form of its own, rising, and the chances of each."""
    values, chances = [], []
    for part in written.split(";"):
        match = re.fullmatch(rf"\s*({number})\s*:\s*({_NUMBER})\s*", part)
        if match is None:
            raise ValueError(f"{part.strip()!r} is not {what.upper()}:PROBABILITY")
        values.append(float(match[1]))
        chances.append(float(match[2]))
    if any(later <= earlier for earlier, later in pairwise(values)):
        raise ValueError(f"{what} do not rise")
    if abs(sum(chances) - 1.0) > 1e-9:
        raise ValueError(f"probabilities add to {sum(chances):g}, not 1")
    return values, chances


def pairs_by_row(tables: Tables) -> list[list[tuple[str, str]]]:
    """The pairs that each row of `correlations` names, each pair in one order of its two names."""
    table = tables["correlations"]
    return [_pairs(tables, left, right) for left, right in zip(table.factor_a, table.factor_b, strict=True)]


def correlated_pairs(tables: Tables) -> dict[tuple[str, str], float]:
    """The correlation of every pair that has one; a pair named by several rows has that of the first."""
    pairs: dict[tuple[str, str], float] = {}
    for row, value in zip(pairs_by_row(tables), tables["correlations"].correlation, strict=True):
        for pair in row:
            pairs.setdefault(pair, float(value))
    return pairs


def _pairs(tables: Tables, left: str, right: str) -> list[tuple[str, str]]:
    first, second = (
        [name for part in side.split(";") for name in factors_called(tables, part)] for side in (left, right)
    )
    return list(dict.fromkeys((min(a, b), max(a, b)) for a in first for b in second if a != b))


def things_driven(tables: Tables, target: Target) -> frozenset[str]:
    """What a factor multiplies in the end, so that two factors on one thing are seen: price of a tier, hashprice of a
    hall, a curve."""
    market, mining = tables["market"], tables["mining"]
    tiers = [
        (gpu, f"price of {gpu} tier {shown(tier)}", curve)
        for gpu, tier, curve in zip(market.gpu_id, market.tier, market.price_curve, strict=True)
    ]
    halls = [
        (f"hashprice of {site}", curve) for site, curve in zip(mining.site_id, mining.hashprice_curve, strict=True)
    ]
    if target.word == "market":
        return frozenset(thing for gpu, thing, _ in tiers if target.name in ("", gpu))
    if target.word == "hashprice":
        return frozenset(thing for thing, _ in halls)
    if target.word in SINGLE:
        names = (
            tables[SLIPS[target.word][0]][SLIPS[target.word][1]] if target.word in SLIPS
            else tables["leases"]["lease_id"] if target.word in SHARES else ASSET_CLASSES
        )
        return frozenset(f"{target.word} of {name}" for name in names if target.name in ("", name))
    if target.word == "curves":
        through = {
            thing for _, thing, curve in tiers if curve == target.name
        } | {thing for thing, curve in halls if curve == target.name}
        return frozenset(through | {f"curve {target.name}"})
    return frozenset({target.word})
