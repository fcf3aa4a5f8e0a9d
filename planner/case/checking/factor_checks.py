"""What stochastic factors and their correlations must obey."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np
import pandas as pd

from kernels.correlation import CorrelationError, lower_factor
from planner.case.checking.watched import about_rows_of
from planner.case.delays import mean_delay_months
from planner.case.factor_names import (
    DISCRETE,
    DISCRETE_DELAY,
    GIVEN,
    GOODPUT,
    OFFERED_SIZE,
    ONCE,
    OVERRUN,
    SHARES,
    SLIPS,
    TRIANGULAR,
    Target,
    correlated_pairs,
    drives_a_phase,
    factors_called,
    once_names,
    outcomes_of,
    pairs_by_row,
    shares_of,
    target_of,
    things_driven,
)
from planner.case.offered_sizes import open_leases
from planner.case.reading.given import Given
from planner.case.settings import ASSET_CLASSES
from planner.case.table_arrays import CaseArrays
from planner.did_you_mean import remedy_for
from planner.errors import Fault

PARAMETERS: dict[str, tuple[str, ...]] = {
    "gbm": ("volatility_per_year",),
    "mean_reverting": ("volatility_per_year", "reversion_per_year"),
    "two_regimes": (
        "volatility_per_year", "drift_glut_per_year", "drift_shortage_per_year", "stay_glut_months",
        "stay_shortage_months",
    ),
    DISCRETE_DELAY: ("outcomes",),
    DISCRETE: ("outcomes",),
    TRIANGULAR: ("low", "mode", "high"),
    GIVEN: (),
}
"""The columns that each model needs; `starts_in_shortage` is for two_regimes too."""
_ALL = tuple(dict.fromkeys(column for columns in PARAMETERS.values() for column in columns))
_FORMS = (
    "write market, market[gpu_id], curves[curve_id], utilisation or hashprice; delay[source_id:phase] for a "
    "discrete_delay; "
    "construction, construction[site_id], delivery or delivery[gpu_id] for one or a triangular; capex or "
    "capex[class] for a triangular; or offered_size[lease_id] or goodput[lease_id] for a discrete or a triangular"
)
_MODELS = {
    "delay": (DISCRETE_DELAY,), **dict.fromkeys(SLIPS, (DISCRETE_DELAY, TRIANGULAR)), OVERRUN: (TRIANGULAR,),
    **dict.fromkeys(SHARES, (DISCRETE, TRIANGULAR)),
}
"""Models that can drive what happens once; nothing else is driven by them."""
_MOVING_CURVES = (
    ("power", "energy_curve"), ("power", "gas_curve"), ("market", "price_curve"), ("mining", "hashprice_curve")
)
"""Columns whose curves price what is used or sold month by month."""


@about_rows_of("factors")
def check_parameters(given: Given) -> Iterator[Fault]:
    """A model has the parameters that it needs, and none of another model's."""
    factors = given.tables["factors"]
    for line, model in enumerate(factors.model):
        if model not in PARAMETERS:
            continue
        for column in _ALL:
            value = factors[column].iloc[line]
            blank = value == "" or bool(pd.isna(value))
            if given.is_refused("factors", line, column):
                continue
            if column in PARAMETERS[model] and blank:
                yield given.fault(
                    "factors", line, column, f"blank, but a factor {model} needs it", "give it, or choose another model"
                )
            if column not in PARAMETERS[model] and not blank:
                yield given.fault(
                    "factors", line, column, f"a factor {model} has no such parameter",
                    "leave it blank, or choose another model",
                )
    idle = factors.starts_in_shortage & factors.model.isin([model for model in PARAMETERS if model != "two_regimes"])
    yield from given.faults_where(
        "factors", idle, "starts_in_shortage", "only two_regimes knows shortage", "leave it blank, or choose that model"
    )


@about_rows_of("factors")
def check_targets(given: Given) -> Iterator[Fault]:
    """A factor drives something that the case has and that moves the cash."""
    factors = given.tables["factors"]
    for line, (written, model) in enumerate(zip(factors.drives, factors.model, strict=True)):
        if not written or model not in PARAMETERS or given.is_refused("factors", line, "drives", "model"):
            continue
        target = target_of(written)
        wrong = _target_wrong(given, target) if target is not None else ("not a target", _FORMS)
        once = target is not None and target.word in _MODELS
        if wrong is None and target is not None and (
            model not in _MODELS[target.word] if once else model in (DISCRETE_DELAY, DISCRETE, TRIANGULAR)
        ):
            wrong = (
                f"a {model} cannot drive it",
                "delays are driven by discrete_delay (triangular ones of phases stand in power) or triangular, capex "
                "by triangular, an offered size or goodput by discrete or triangular, and nothing else is",
            )
        if wrong is not None:
            yield given.fault("factors", line, "drives", *wrong)


def _target_wrong(given: Given, target: Target) -> tuple[str, str] | None:
    """Why and what to do where a case has no such thing to drive; None where it has."""
    tables, name = given.tables, target.name
    if target.word == "market" and given.known("market", "gpu_id"):
        known = list(dict.fromkeys(tables["market"].gpu_id))
        return (
            None if (known and not name) or name in known
            else ("the market has no such SKU", remedy_for(name, known, none_known="the case has no market"))
        )
    if target.word == "curves" and name and given.known("curves", "curve_id"):
        known = list(dict.fromkeys(tables["curves"].curve_id))
        if name not in known:
            return "the case has no such curve", remedy_for(name, known, none_known="the case has no curves")
        return _fixed_curve(given, name)
    if target.word in ("utilisation", "hashprice") and not name:
        table = "market" if target.word == "utilisation" else "mining"
        return (
            None if len(tables[table]) or table in given.unread
            else (f"the case has no {table} for it to drive", f"add rows to {table}, or remove this factor")
        )
    if target.word in SLIPS and given.known(*SLIPS[target.word]):
        known = list(tables[SLIPS[target.word][0]][SLIPS[target.word][1]])
        return (
            None if not name or name in known else (f"{SLIPS[target.word][0]} has no {name!r}", remedy_for(name, known))
        )
    if target.word == OVERRUN:
        return None if name in ("", *ASSET_CLASSES) else ("no asset class", remedy_for(name, ASSET_CLASSES))
    if target.word == OFFERED_SIZE and name and given.known("leases", "lease_id"):
        return _offer_wrong(given, name)
    if target.word == GOODPUT and name and given.known("leases", "lease_id"):
        return _goodput_wrong(given, name)
    if target.word == "delay" and name and given.known("power", "source_id") and given.known("power", "phase"):
        names = once_names(tables, "delay")
        return None if str(target) in names else ("power has no such phase", remedy_for(str(target), names))
    named = ("curves", "delay", *SHARES)
    if (target.word in named and name) or target.word in ("market", *SLIPS):
        return None  # what it refers to could not be read, and is blamed there
    return "not a target", _FORMS


def _offer_wrong(given: Given, lease: str) -> tuple[str, str] | None:
    """Whether there is no such lease, or one of which all is certain."""
    known = list(given.tables["leases"].lease_id)
    if lease not in known:
        return "there is no such lease", remedy_for(lease, known, none_known="the case has no leases")
    if lease in open_leases(given.tables["leases"]):
        return None
    return "a lease signed or committed", "its size is certain: remove this factor, or clear signed and committed"


def _goodput_wrong(given: Given, lease: str) -> tuple[str, str] | None:
    """Whether there is no such lease, or it promises no goodput, or says itself what is delivered, or several factors
    do."""
    leases = given.tables["leases"]
    known = list(leases.lease_id)
    if lease not in known:
        return "there is no such lease", remedy_for(lease, known, none_known="the case has no leases")
    at = known.index(lease)
    if pd.isna(leases.goodput_promised.iloc[at]):
        return "the lease promises no goodput", "give leases.goodput_promised, or remove this factor"
    if leases.goodput_expected.iloc[at] < 1.0:
        return "leases.goodput_expected says what is delivered", "leave it blank where a factor draws it"
    of = Target(GOODPUT, lease)
    if sum(target_of(written) == of for written in given.tables["factors"].drives) > 1:
        return "several factors draw the goodput of one lease", "keep one of them"
    return None


def _fixed_curve(given: Given, curve: str) -> tuple[str, str] | None:
    """Whether nothing that moves by month takes a price from the curve."""
    if any(curve in set(given.tables[table][column]) for table, column in _MOVING_CURVES):
        return None
    if curve in set(given.tables["gpus"].capex_curve):
        return (
            "the price of GPUs is agreed when they are ordered and does not move afterwards",
            "remove this factor; sweep the price instead"
        )
    return (
        "no price is taken from this curve, so the factor would move nothing",
        "use the curve in a table, or remove this factor"
    )


@about_rows_of("factors")
def check_outcomes(given: Given) -> Iterator[Fault]:
    """Outcomes of a discrete delay can be read; one factor per phase; the base case expects their mean."""
    factors, power = given.tables["factors"], given.tables["power"]
    expected = dict(zip(once_names(given.tables, "delay"), range(len(power)), strict=True))
    first: dict[str, int] = {}
    for line, (written, model, drives) in enumerate(zip(factors.outcomes, factors.model, factors.drives, strict=True)):
        if model != DISCRETE_DELAY or not written or given.is_refused("factors", line, "outcomes", "drives"):
            continue
        try:
            months, chances = outcomes_of(written)
        except ValueError as error:
            yield given.fault(
                "factors", line, "outcomes", str(error),
                "write 0:0.5;6:0.3;18:0.2, months rising and probabilities that add to 1",
            )
            continue
        if not drives_a_phase(model, drives):
            mean = sum(month * chance for month, chance in zip(months, chances, strict=True))
            yield from _mean_expected(given, line, "outcomes", mean)
            continue
        if months[0] < 0:
            yield given.fault(
                "factors", line, "outcomes", "a phase cannot come before the month promised", "give months of 0 or more"
            )
            continue
        name = str(target_of(drives))
        if first.setdefault(name, line) != line:
            yield given.fault(
                "factors", line, "drives", f"{name} is driven by row {first[name] + 2} already",
                "a delay has one distribution; remove one of the two",
            )
        place = expected.get(name)
        if (
            place is None or not given.known("power", "status")
            or given.is_refused(
                "power", place, "kind", "status", "delay_low_months", "delay_mode_months", "delay_high_months"
            )
        ):
            continue
        mean = int(np.ceil(sum(month * chance for month, chance in zip(months, chances, strict=True)) - 1e-9))
        planned = int(mean_delay_months(CaseArrays({"power": power.iloc[[place]]})["power"])[0])
        if mean != planned:
            why = (
                f"their mean, rounded up, is {mean} months, while the base case expects {planned} by the phase's row "
                "of power"
            )
            yield given.fault(
                "factors", line, "outcomes", why,
                f"set delay_low_months, delay_mode_months and delay_high_months of the phase to {mean}",
            )


@about_rows_of("factors")
def check_shares(given: Given) -> Iterator[Fault]:
    """Shares of a discrete factor can be read, and none is more than the whole."""
    factors = given.tables["factors"]
    for line, (written, model) in enumerate(zip(factors.outcomes, factors.model, strict=True)):
        if model != DISCRETE or not written or given.is_refused("factors", line, "outcomes"):
            continue
        try:
            shares, _ = shares_of(written)
        except ValueError as error:
            yield given.fault(
                "factors", line, "outcomes", str(error),
                "write 0:0.1;0.5:0.3;1:0.6, shares rising and probabilities that add to 1",
            )
            continue
        if shares[-1] > 1.0:
            yield given.fault("factors", line, "outcomes", "more than all of it", _SHARES)


_SHARES = "give shares of 0 to 1; where more of a lease may be offered, raise its max_size"


@about_rows_of("factors")
def check_triangles(given: Given) -> Iterator[Fault]:
    """Corners of a triangle in order; what is paid over budget more than nothing; a slip expected by the base case."""
    factors = given.tables["factors"]
    for line, (model, drives) in enumerate(zip(factors.model, factors.drives, strict=True)):
        corners = [
            float(factors[name].iloc[line]) if not pd.isna(factors[name].iloc[line]) else float("nan")
            for name in PARAMETERS[TRIANGULAR]
        ]
        if (
            model != TRIANGULAR or np.isnan(corners).any()
            or given.is_refused("factors", line, "drives", "model", *PARAMETERS[TRIANGULAR])
        ):
            continue
        low, mode, high = corners
        target = target_of(drives)
        if not low <= mode <= high:
            yield given.fault("factors", line, "mode", f"not between {low:g} and {high:g}", "give low <= mode <= high")
        elif target is not None and target.word in SLIPS:
            yield from _mean_expected(given, line, "high", (low + mode + high) / 3.0)
        elif target is not None and target.word in SHARES:
            if low < 0.0 or high > 1.0:
                side = "low" if low < 0.0 else "high"
                yield given.fault("factors", line, side, "less than nothing, or more than all of it", _SHARES)
        elif low <= -1.0:
            yield given.fault(
                "factors", line, "low", "all of the capex or more is saved",
                "give a share above -1: -0.05 is 5 % under budget",
            )


def _mean_expected(given: Given, line: int, column: str, mean: float) -> Iterator[Fault]:
    """Dates of halls and deliveries are those that the base case expects: the mean slip, rounded up, must be none."""
    expected = int(np.ceil(mean - 1e-9))
    if expected != 0:
        why = f"their mean, rounded up, is {expected} months against dates that the base case expects"
        yield given.fault(
            "factors", line, column, why,
            f"take {expected} from each month here, and move ready_month, build_lead_months or order_lead_months by "
            f"{expected}",
        )


@about_rows_of("correlations")
def check_correlation_names(given: Given) -> Iterator[Fault]:
    """Every name stands for a factor, a pair has one correlation, and two factors on one thing have none."""
    table, tables = given.tables["correlations"], given.tables
    known = [*tables["factors"].factor_id, *(name for word in ONCE for name in once_names(tables, word))]
    judged = (
        given.known("factors", "factor_id")
        and all(given.known(name, key) for name, keys in ONCE.values() for key in keys)
    )
    for line in range(len(table)) if judged else ():
        for column in ("factor_a", "factor_b"):
            for name in table[column].iloc[line].split(";"):
                if name and not factors_called(tables, name):
                    yield given.fault(
                        "correlations", line, column, f"no factor is called {name!r}", remedy_for(name, known)
                    )
    driven = _driven(given)
    first: dict[tuple[str, str], int] = {}
    for line, pairs in enumerate(pairs_by_row(tables)):
        if given.is_refused("correlations", line, "factor_a", "factor_b", "correlation"):
            continue
        value = table.correlation.iloc[line]
        if not pairs and table.factor_a.iloc[line] and table.factor_a.iloc[line] == table.factor_b.iloc[line]:
            yield given.fault("correlations", line, "factor_b", "a factor with itself", "name two factors")
        for a, b in pairs:
            other = first.setdefault((a, b), line)
            if table.correlation.iloc[other] != value:
                yield given.fault(
                    "correlations", line, "correlation",
                    f"{a} and {b} have {table.correlation.iloc[other]:g} by row {other + 2}",
                    "give each pair one correlation",
                )
            shared = driven.get(a, frozenset()) & driven.get(b, frozenset())
            if shared and value != 0.0:
                why = (
                    f"{a} and {b} both drive the {min(shared)}; their product would not keep the forward curve as its "
                    "mean"
                )
                yield given.fault(
                    "correlations", line, "correlation", why,
                    "leave them independent, and put what they share into one factor",
                )


@about_rows_of("correlations")
def check_semidefinite(given: Given) -> Iterator[Fault]:
    """All correlations can hold at once."""
    table = given.tables["correlations"]
    pairs = correlated_pairs(given.tables)
    if not pairs or not all(-1.0 <= value <= 1.0 for value in pairs.values()):
        return  # blank or out of range: refused there
    names = list(dict.fromkeys(name for pair in pairs for name in pair))
    matrix = np.eye(len(names))
    for (a, b), value in pairs.items():
        i, j = names.index(a), names.index(b)
        matrix[i, j] = matrix[j, i] = value
    try:
        lower_factor(matrix, names)
    except CorrelationError as error:
        a, b = min(error.pair), max(error.pair)
        rows = pairs_by_row(given.tables)
        line = next((line for line, row in enumerate(rows) if (a, b) in row), None)
        if line is None:  # the pair is left at 0; blame a row that speaks of one of the two
            line = next(line for line, row in enumerate(rows) if any({a, b} & set(pair) for pair in row))
        yield Fault(
            given.files["correlations"], line + 2, "correlation", f"{table.correlation.iloc[line]:g}", str(error),
            "change this pair, or one of those that contradict it",
        )


def _driven(given: Given) -> dict[str, frozenset[str]]:
    factors = given.tables["factors"]
    targets = {name: target_of(drives) for name, drives in zip(factors.factor_id, factors.drives, strict=True)}
    return {name: things_driven(given.tables, target) for name, target in targets.items() if target is not None}


FACTOR_CHECKS: tuple[Callable[[Given], Iterator[Fault]], ...] = (
    check_parameters,
    check_targets,
    check_outcomes,
    check_shares,
    check_triangles,
    check_correlation_names,
    check_semidefinite,
)
