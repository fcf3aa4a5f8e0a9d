"""What is known at a review, in numbers: the figures of each future by which futures may be told apart there.

By a review everything that has happened is known: the paths of all factors up to the month before it, who has
defaulted, which leases were offered and renewed; and dates that slip, once that was announced. Nothing else may enter.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from math import floor

import numpy as np

from planner.arrays import Floats
from planner.candidates.outlook import Outlook
from planner.case.case import Case
from planner.case.factor_names import DISCRETE_DELAY, GOODPUT, SHARES, SLIPS, once_names, target_of
from planner.scenarios.futures import Futures
from planner.wording import counted

ANNOUNCED_MONTHS = 6
"""Months before a promised date by which a slip of it is announced, where no factor says."""


@dataclass(frozen=True)
class Known:
    """One figure that is known: what it is in words, how its level is written, and its level by future, (S,).

    unit: "ratio" (to its forward price), "months" late, "share" of a lease that is offered, "level" (of goodput), or
    "yes" (0 or 1).
    """

    name: str
    words: str
    unit: str
    level: Floats

    @property
    def sort(self) -> str:
        """What it is of, by which figures that say much the same are told apart from others: a price, a delay."""
        target = target_of(self.name)
        return self.name if target is None else target.word

    def said(self, level: float) -> str:
        """The figure at a level, in words."""
        if self.unit == "ratio":
            return f"{self.words} at {level:.2f} of its forward value"
        if self.unit == "months":
            return f"{self.words} {_late_by(round(level))}"
        if self.unit == "share":
            return f"{level:.0%} of {self.words} offered"
        if self.unit == "level":
            return f"{self.words} at {level:.1%}"
        return f"{self.words}: {'yes' if level >= 0.5 else 'no'}" if level in (0.0, 1.0) else (
            f"{self.words} in {level:.0%} of futures"
        )

    def sign(self, level: float, above: bool) -> str:
        """The condition that the figure is above or below a level, in words."""
        if self.unit == "ratio":
            return f"if {self.words} is {'above' if above else 'below'} {level:.2f} of its forward value"
        if self.unit == "months":
            last = floor(level)  # the greatest whole number of months that is not above
            return f"if {self.words} is {_late_by(last + 1)} or later" if above else (
                f"if {self.words} is {_late_by(last)} or earlier"
            )
        if self.unit == "level":
            return f"if {self.words} is {'above' if above else 'below'} {level:.1%}"
        if self.unit == "share":
            return f"if {'more' if above else 'less'} than {level:.0%} of {self.words} is offered"
        return f"{'if' if above else 'unless'} {self.words}"


def _late_by(months: int) -> str:
    """How late something is, in words."""
    if months == 0:
        return "on time"
    return f"{counted(abs(months), 'month')} {'late' if months > 0 else 'early'}"


def known_at(outlook: Outlook, futures: Futures, month: int) -> list[Known]:
    """The figures known at the review of a month, those that are the same in all futures left out."""
    found = [*_paths(outlook, futures, month), *_late(outlook, futures, month), *_events(outlook, futures, month)]
    return [figure for figure in found if np.ptp(figure.level) > 1e-12]


def _paths(outlook: Outlook, futures: Futures, month: int) -> Iterator[Known]:
    """What moves by month: where each SKU's price, curve, utilisation and hashprice stands over its forward value; of a
    factor with regimes also its last year."""
    skus = dict.fromkeys(outlook.tables["market"].texts("gpu_id").tolist())
    curves = dict.fromkeys(factor.target.name for factor in futures.factors if factor.target.word == "curves")
    prices = [each for name in skus if (each := _moved(futures, "market", name, month)) is not None]
    if len(prices) > 1:
        mean = np.mean([each.level for each in prices], axis=0)
        yield Known("market", "the mean of on-demand prices", "ratio", mean)
    yield from prices
    for word, name in [*(("curves", name) for name in curves), ("utilisation", ""), ("hashprice", "")]:
        moved = _moved(futures, word, name, month)
        if moved is not None:
            yield moved
    for factor in futures.factors:
        if factor.has_regimes and month > 12:
            path, what = futures.values.multipliers[factor.name], _driven(factor.target.word, factor.target.name)
            last_year = path[:, month - 1] / np.maximum(path[:, month - 13], 1e-12)
            yield Known(f"{factor.name} over a year", f"the last year's move of {what}", "ratio", last_year)


def _moved(futures: Futures, word: str, name: str, month: int) -> Known | None:
    """Where something stands over its forward value; None where no factor moves it."""
    moved = [
        futures.values.multipliers[factor.name][:, month - 1] for factor in futures.factors
        if factor.target.word == word and factor.target.name in ("", name)
    ]
    return Known(
        f"{word}[{name}]" if name else word, _driven(word, name), "ratio", np.prod(moved, axis=0)
    ) if moved else None


def _driven(word: str, name: str) -> str:
    if word == "market":
        return f"on-demand {name}" if name else "on-demand prices"
    if word == "curves":
        return f"curve {name}"
    return f"{word} of {name}" if name else word


def _late(outlook: Outlook, futures: Futures, month: int) -> Iterator[Known]:
    """Slips of phases, halls and deliveries that were announced by then."""
    announced = announced_months(outlook.case)
    values = futures.values
    promised = outlook.promised
    for name, due in zip(once_names(outlook.case.tables, "delay"), promised.tolist(), strict=True):
        if due > 0 and month >= due - announced.get(name, ANNOUNCED_MONTHS):
            yield Known(name, _name_of(name), "months", values.late_months[name].astype(np.float64))
    for factor in futures.factors:
        if factor.target.word in SLIPS:
            due = _first_promise(outlook, factor.target.word, factor.target.name)
            if month >= due - announced[factor.name]:
                yield Known(
                    factor.name, _driven(factor.target.word, factor.target.name), "months",
                    values.slips[factor.name].astype(np.float64),
                )


def announced_months(case: Case) -> dict[str, int]:
    """Months ahead of the promised date by which a slip is announced, by delay[SOURCE:PHASE] or the id of a factor."""
    factors = case.tables["factors"]
    found = {}
    for name, model, drives, ahead in zip(
        factors.factor_id, factors.model, factors.drives, factors.announced_months, strict=True
    ):
        target = target_of(drives)
        assert target is not None
        if target.word in SLIPS:
            found[str(name)] = int(ahead)
        elif model == DISCRETE_DELAY:
            found[str(target)] = int(ahead)
    return found


def _name_of(once: str) -> str:
    """What a delay[...], default[...], offer[...] or renewal[...] is of."""
    target = target_of(once)
    assert target is not None
    return target.name


def _first_promise(outlook: Outlook, word: str, name: str) -> int:
    """The month of the first new hall, or of the first delivery, that could be promised of what a factor drives."""
    tables = outlook.tables
    table, column = SLIPS[word]
    lead = tables[table].ints("build_lead_months" if word == "construction" else "order_lead_months")
    chosen = [at for at, each in enumerate(tables[table].texts(column)) if name in ("", each)]
    return int(lead[chosen].min()) if chosen else 0


def _events(outlook: Outlook, futures: Futures, month: int) -> Iterator[Known]:
    """Who has defaulted; which leases were offered and how much of them, and which have been renewed."""
    values, leases = futures.values, outlook.tables["leases"]
    names = leases.texts("lease_id").tolist()
    answered = dict(zip(names, outlook.answer_months.tolist(), strict=True))
    ends = dict(zip(names, (outlook.lease_starts + leases.ints("term_months")).tolist(), strict=True))
    for name, when in values.default_month.items():
        yield Known(name, f"{_name_of(name)} has defaulted", "yes", (when < month).astype(np.float64))
    for name, offered in values.offered.items():
        if answered[_name_of(name)] <= month:
            yield Known(name, f"{_name_of(name)} is offered", "yes", offered.astype(np.float64))
    of_factor = {factor.name: factor.target for factor in futures.factors if factor.target.word in SHARES}
    starts = dict(zip(names, outlook.lease_starts.tolist(), strict=True))
    for name, share in values.sizes.items():
        target = of_factor.get(name)
        lease = _name_of(name) if target is None else target.name
        if target is not None and target.word == GOODPUT:
            if starts[lease] < month:
                yield Known(name, f"the goodput of {lease}", "level", share)
        elif answered[lease] <= month:
            yield Known(name, lease, "share", share)
    for name, renewed in values.renewed.items():
        if ends[_name_of(name)] <= month:
            yield Known(name, f"{_name_of(name)} is renewed", "yes", renewed.astype(np.float64))
