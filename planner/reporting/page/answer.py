"""The answer first: each headline figure in one line with what it rests on."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pandas as pd

from planner.reporting.amounts import count, dollars, megawatts, share, words
from planner.reporting.findings import Findings
from planner.reporting.page.blocks import Answer, Section
from planner.reporting.page.no_plan import no_plan_blocks
from planner.wording import irr_text, percent

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
    return [
        *_after_risk(summary),
        Answer(
            "NPV", dollars(npv), f"after tax at {settings.discount_rate:.1%} a year, cash at mid-month, {base}{after}",
            "npv_usd", npv,
        ),
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


def _after_risk(summary: Mapping[str, Any]) -> list[Answer]:
    """What a risk-averse plan maximises; nothing for any other."""
    expected, tail = summary.get("expected_npv_usd"), summary.get("cvar_usd")
    if expected is None or tail is None:
        return []
    return [
        Answer(
            "Expected NPV", dollars(expected), "mean over the futures that the plan was made for", "expected_npv_usd",
            expected,
        ),
        Answer(
            "CVaR of loss", dollars(tail), "mean loss in the worst futures; below zero there is none even there",
            "cvar_usd", tail,
        ),
    ]


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
