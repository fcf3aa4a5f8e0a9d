"""What a plan after risk shows beside its money: mean and tail, what was proven, and which futures it fears."""

from __future__ import annotations

import math
from pathlib import Path

import pandas as pd
from rich.table import Table

from planner.cli.terminal import output, say_written, show, table_of
from planner.planning.plan import Plan
from planner.risk.planning import RiskPlan
from planner.scenarios.still import no_price_moves
from planner.solver.status import Status
from planner.wording import counted, listed, millions, percent, tail_words

STOPPED = {
    "time": "the time limit", "nodes": "the size of the tree", "solver": "a relaxation that HiGHS did not settle",
    "Ctrl-C": "Ctrl-C",
}
SHOWN = 8
"""Factors shown, those on which the plan's NPV depends most first."""
WORST = 5
"""Futures shown one by one."""
BESIDE = 4
"""Factors shown beside each of them."""
NO_RISK = (
    "all futures are worth the same to the plan: nothing that it holds depends on what moves, so there is no risk to "
    "weigh"
)
BEYOND_CHANCE = 3.0
"""Standard errors by which a factor's correlation with NPV must differ from none to be named."""


def print_risk(plan: Plan, out: Path | None, *, details: bool = False) -> None:
    """Print mean and CVaR, the certificate, prices, the value of information, and what is feared; of other plans
    nothing.

    details: the feared futures in tables, in place of a line.
    """
    if not isinstance(plan, RiskPlan):
        return
    if plan.levels is not None:
        _print_risk(plan, details=details)
    if out is not None:
        say_written(output(), out)


def _print_risk(plan: RiskPlan, *, details: bool) -> None:
    console, risk, count = output(), plan.risk, len(plan.futures)
    assert plan.expected_npv_usd is not None
    assert plan.cvar_usd is not None
    assert plan.over_futures is not None
    console.print(
        f"over {counted(count, 'future')}: expected NPV [bold]{millions(plan.expected_npv_usd)}[/], "
        f"P(loss) {percent(plan.over_futures.loss_probability)}, CVaR of the loss {millions(plan.cvar_usd)} "
        f"({tail_words(risk.alpha, plan.cvar_usd)} on average); the plan was made for these futures, which flatters it"
    )
    objective = plan.objective_usd
    assert objective is not None
    console.print(
        f"objective {1.0 - risk.weight:g} x expected NPV - {risk.weight:g} x CVaR = "
        f"{millions(objective)}{_beaten(plan)}"
    )
    _print_proof(plan)
    _print_whole(plan)
    if risk.max_cvar_usd is not None and plan.after_risk.relaxed is not None:
        price = plan.after_risk.relaxed.certificate.cvar_limit_price
        console.print(
            f"CVaR limited to {millions(risk.max_cvar_usd)}: a dollar more of it would bring ${price:,.3f} of the "
            "objective (on the relaxation)"
        )
    if plan.information is not None:
        known = plan.information
        stochastic = (
            f"; to plan for many instead of the base case is worth {millions(known.vss * 1e6)} +- "
            f"{millions(known.vss_error * 1e6)}"
        )
        stochastic = "" if risk.max_cvar_usd is not None else stochastic
        console.print(
            f"to know the future before deciding would be worth {millions(known.evpi * 1e6)} +- "
            f"{millions(known.evpi_error * 1e6)} of expected NPV "
            f"({counted(known.sample, 'future')}){stochastic}; with fractions of decisions allowed"
        )
    if len(plan.shifts) and details:
        show(console, _fears(plan))
        show(console, _worst(plan))
    elif len(plan.shifts):
        console.print(_fears_told(plan), markup=False, highlight=False)
    still = no_price_moves(plan.case, imported=plan.futures.imported is not None)
    if still is not None:
        console.print(still, markup=False, highlight=False)
    elif not len(plan.shifts):
        console.print(NO_RISK, markup=False)


def _beaten(plan: RiskPlan) -> str:
    bound = plan.allocation_result.bound_usd
    return (
        "" if bound is None or plan.gap is None
        else f"; no plan can beat {millions(bound)} (gap {percent(plan.gap, 3)})"
    )


def _print_proof(plan: RiskPlan) -> None:
    relaxed = plan.after_risk.relaxed
    if relaxed is None:
        return
    proof = relaxed.certificate
    priced = " beside those of the limit on CVaR" if proof.cvar_limit_price else ""
    output().print(
        f"relaxation {millions(proof.value * 1e6)}, proven to {max(proof.gap, 1e-16):.0e} in "
        f"{counted(len(relaxed.rounds), 'round')} with "
        f"{len(relaxed.scenarios)} of {proof.scenarios} futures in the model; weights of the futures add to "
        f"{proof.weight_sum - proof.cvar_limit_price:.6f}{priced}, none below 0"
    )


def _print_whole(plan: RiskPlan) -> None:
    """What was proven of whole decisions out of a pool."""
    if plan.bundles is None or plan.gap is None or plan.options.solver.relax:
        return
    proof = plan.after_risk.integers
    out_of = f"out of a pool of {counted(len(plan.bundles), 'bundle')}, decisions whole: "
    if proof is None:
        said = f"gap {percent(plan.gap, 3)} to the relaxation over all of them"
    elif plan.status is Status.OPTIMAL:
        said = (
            f"proven in {counted(len(proof.nodes), 'part')} of the choices, each with every bundle priced; "
            f"{counted(len(proof.columns), 'bundle')} stood in the model, no other could help"
        )
    else:
        why = STOPPED.get(proof.stopped, "rounding")
        said = (
            f"not proven, {why} ended it after {counted(len(proof.nodes), 'part')} with a gap of "
            f"{percent(plan.gap, 3)}, which holds over every bundle; give more --time-limit, or a wider --gap"
        )
    output().print(f"{out_of}{said}; priced on {plan.priced_by}", highlight=False)
    if plan.prices is not None and len(plan.prices):
        output().print(
            "the prices above are over those bundles: with others, one more MW may bring more", highlight=False
        )


def _fears_told(plan: RiskPlan) -> str:
    """What the plan fears, on a line."""
    factors = [f"{row.factor} ({row.correlation:+.2f})" for row in _telling(plan).itertuples()]
    depends = f"{listed(factors, BESIDE)} (correlation)" if factors else "no factor beyond chance"
    worst = plan.feared.iloc[0]
    return f"its NPV depends on {depends}; its worst future is {worst['future']}, worth {millions(worst['npv_usd'])}"


def _fears(plan: RiskPlan) -> Table:
    title = f"the plan fears these futures: what its NPV depends on, in all and in the {len(plan.feared):,} of its tail"
    rows = (
        (str(row.factor), f"{row.mean:.3f}", f"{row.mean_feared:.3f}", f"{row.correlation:+.2f}")
        for row in _telling(plan).head(SHOWN).itertuples()
    )
    names = ("factor", "in all futures", "in its tail", "correlation with NPV")
    return table_of(title, names, rows, text={"factor"})


def _telling(plan: RiskPlan) -> pd.DataFrame:
    """The factors on which the plan's NPV depends beyond chance."""
    return plan.shifts[plan.shifts["correlation"].abs() >= BEYOND_CHANCE / math.sqrt(len(plan.futures))]


def _worst(plan: RiskPlan) -> Table:
    """The worst futures one by one: what each counts in the objective, and what its factors do."""
    factors = _telling(plan)["factor"].head(BESIDE).tolist()
    even = 1.0 / len(plan.futures)
    title = f"the worst of them, which count {even:.2%} each in the mean; all in feared.csv"
    rows = (
        (
            str(row["future"]), millions(row["npv_usd"]), f"{row['weight']:.2%}",
            *(f"{row[name]:.2f}" for name in factors),
        )
        for _, row in plan.feared.head(WORST).iterrows()
    )
    return table_of(title, ("future", "NPV", "weight in the objective", *factors), rows)
