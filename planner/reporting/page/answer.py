"""The answer first: each headline figure in one line with what it rests on."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pandas as pd

from planner.plans.over_futures import better_by
from planner.reporting.amounts import count, dollars, megawatts, share, words
from planner.reporting.findings import Findings
from planner.reporting.page.blocks import Answer, Section
from planner.reporting.page.no_plan import no_plan_blocks
from planner.wording import counted, irr_text, percent, tail_text

PAGE_NAME = "answer"


def answer_section(found: Findings) -> Section:
    """Status and gap, NPV, capex, MW, GPUs, IRR, peak funding; without a plan, why there is none."""
    if not found.has_plan:
        return Section(PAGE_NAME, "The answer", no_plan_blocks(found.summary), "There is no plan.", (_status(found),))
    return Section(PAGE_NAME, "The answer", (), "", (*_worth(found), *_size(found), *_funding(found), _status(found)))


def _worth(found: Findings) -> list[Answer]:
    summary, settings = found.summary, found.case.settings
    npv, tail = summary["npv_usd"], summary["tail_share"]
    horizon = found.month(settings.months - 1)
    after = "" if tail is None else f"; {share(tail)} of it after {horizon} (tail: {summary['tail']})"
    carried = summary["npv_losses_carried_usd"]
    unlike = " Its sign differs from the NPV's." if npv * carried < 0.0 else ""
    base = "promised dates and no defaults" if summary["base"] == "announced" else "mean delays and expected defaults"
    after_risk = summary.get("risk_weight") is not None
    return [
        *(_over_futures(found) if after_risk else []),
        Answer(
            "NPV", dollars(npv), f"after tax at {settings.discount_rate:.1%} a year, cash at mid-month, {base}{after}",
            "npv_usd", npv,
        ),
        *([] if after_risk else _over_futures(found)),
        Answer(
            "NPV, losses carried forward", dollars(carried),
            f"the same when losses wait for profits instead of being used at once.{unlike}", "npv_losses_carried_usd",
            carried,
        ),
        Answer(
            "NPV to equity", dollars(summary["equity_npv_usd"]),
            (
                "after draws, interest and repayment of the debt that the case has" if len(found.case.tables["debt"])
                else "the case has no debt"
            ),
            "equity_npv_usd", summary["equity_npv_usd"],
        ),
    ]


def _over_futures(found: Findings) -> list[Answer]:
    """How the plan fares over many futures, for which a plan after risk was made; nothing where it was not measured."""
    over = found.record.get("futures")
    if over is None:
        return []
    own = over["made_for_them"]
    name = "Expected NPV" if own else "Mean NPV over futures"
    where = "drawn from the factors of the case" if over["imported"] is None else f"of {Path(over['imported']).name}"
    what = f"{counted(over['scenarios'], 'future')} {where}"
    equity = "to equity, " if "equity" in found.summary["objective"] else ""
    why = "for which the plan was made, which flatters it" if own else "while the plan was made for one"
    return [
        Answer(
            name, dollars(over["expected_npv_usd"]), f"{equity}over {what}, {why}{_better(over)}", "expected_npv_usd",
            over["expected_npv_usd"],
        ),
        Answer(
            "CVaR of loss", dollars(over["cvar_usd"]),
            f"mean loss in the worst {tail_text(over['alpha'])} of them; below zero there is none even there",
            "cvar_usd", over["cvar_usd"],
        ),
        Answer(
            "P(loss)", share(over["loss_probability"]), "chance of an NPV below zero", "loss_probability",
            over["loss_probability"],
        ),
    ]


def _better(over: Mapping[str, Any]) -> str:
    gain = better_by(over["expected_npv_usd"], over["better_mean_npv_usd"])
    if gain is None:
        return ""
    return (
        f"; made for all of them, a plan has a mean of at least {dollars(over['better_mean_npv_usd'])} "
        f"({percent(gain)} more): planner plan --risk-weight 0"
    )


def _size(found: Findings) -> list[Answer]:
    summary = found.summary
    spent = -float(found.cash_by_line.loc[["capex", "opening"]].to_numpy().sum())
    power, allocation = found.tables["power"], found.tables["allocation"]
    by_kind = power[power["contracted_mw"] > 0].groupby("kind")["contracted_mw"].sum().sort_values(ascending=False)
    kinds = ", ".join(f"{words(kind)} {megawatts(mw)}" for kind, mw in by_kind.items()) or "no power"
    bought = found.held[found.held["kind"] == "own"].groupby("gpu_id")["level"].sum().sort_values(ascending=False)
    skus = ", ".join(f"{count(number)} {name}" for name, number in bought.items()) or "none"
    income = allocation["income_pv_usd"].sum()
    on_demand = allocation.loc[allocation["use"] == "sell", "income_pv_usd"].sum()
    won, declined = summary["leases_won"], summary["leases_declined"]
    return [
        Answer(
            "Capex", dollars(spent),
            f"halls, power, GPUs and opening costs {_span(found)}, undiscounted, before {dollars(_resale(found))} of "
            "resale",
        ),
        Answer(
            "Power", f"{megawatts(summary['contracted_mw'])} MW",
            f"contracted on {summary['sites']} of {len(found.case.tables['sites'])} sites: {kinds}", "contracted_mw",
            summary["contracted_mw"],
        ),
        Answer("GPUs bought", count(summary["gpus_bought"]), skus, "gpus_bought", summary["gpus_bought"]),
        Answer(
            "Leases won", f"{len(won)} of {len(won) + len(declined)}" if won or declined else "none offered",
            f"on demand earns {share(on_demand / income)} of discounted income" if income > 0 else "nothing is let",
        ),
    ]


def _span(found: Findings) -> str:
    cash = found.tables["cashflow"]
    spent = cash[cash["line"].isin(["capex", "opening"]) & (cash["usd"].abs() > 0.5)]
    if spent.empty:
        return "(none)"
    return f"from {found.month(int(spent['month'].min()))} to {found.month(int(spent['month'].max()))}"


def _resale(found: Findings) -> float:
    return float(found.cash_by_line.loc["resale"].sum())


def _funding(found: Findings) -> list[Answer]:
    summary = found.summary
    total = pd.Series(found.net_usd.cumsum(), index=found.periods["period"])
    when = (
        f"deepest cumulative after-tax cash, in {str(total.idxmin())[:7]}, before debt"
        if summary["peak_funding_usd"] > 0 else "cumulative cash never falls below zero"
    )
    rate, status = summary["irr_per_year"], summary["irr_status"]
    irr = irr_text(rate, status)
    why = "of the monthly after-tax flow, before debt" if rate is not None else {
        "none": "no rate sets the flow to zero", "several": "several rates set the flow to zero, so none is given",
        "gains_first": "money comes in before it goes out, so the rate of the flow is no return",
    }.get(status, words(status))
    payback = summary["payback_month"]
    return [
        Answer(
            "Peak funding", dollars(summary["peak_funding_usd"]), when, "peak_funding_usd", summary["peak_funding_usd"]
        ),
        Answer("IRR", irr, why, "irr_per_year", rate),
        Answer(
            "Payback", payback, "the month from which cumulative after-tax cash stays above zero", "payback_month",
            payback,
        ),
    ]


def _status(found: Findings) -> Answer:
    summary, proof = found.summary, found.proof
    gap = summary["mip_gap"]
    rests = [proof.solver]
    if gap is not None:
        rests.append(f"gap {percent(gap, 4)} of {percent(proof.gap_asked, 2)} asked")
    if summary["bound_usd"] is not None:
        rests.append(f"no plan is worth more than {dollars(summary['bound_usd'])}")
    if proof.relaxed:
        rests.append("relaxed: 0/1 decisions are continuous, so this is a bound on plans, not a plan")
    return Answer("Status", words(summary["status"]), "; ".join(rests), "status", summary["status"])
