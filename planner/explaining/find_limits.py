"""All limits of a candidate set that could be loosened: where each stands, in words, at what price."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

import numpy as np
import pandas as pd

from planner.candidates.accepting import placed_name
from planner.candidates.build import CandidateSet
from planner.candidates.hall_cohorts import EXISTING, NEW
from planner.candidates.kinds import Kind as CandidateKind
from planner.candidates.money_limits import greatest_shares
from planner.candidates.phase_limits import IF_OPEN, IF_TAKEN, IN_STEPS
from planner.candidates.phases import more_power, phase_table, step_mw, unit_mw
from planner.candidates.resources import Family
from planner.explaining.contract_value import contract_value_usd
from planner.explaining.limits import Kind, Limit
from planner.explaining.stated_limits import StatedLimits


def find_limits(candidates: CandidateSet, *, twins: Collection[str] = ()) -> StatedLimits:
    """The limits of the case; what the user has decided comes on top, see `world.decided_limits`.

    twins: ends of names of phases that stand for others and have no limit of their own.
    """
    stated = StatedLimits(candidates, candidates.rows)
    _commitments(stated)
    _power(stated, tuple(twins))
    _halls(stated)
    _gpus(stated)
    _money(stated)
    _leases(stated)
    _whole(stated)
    return stated


def sized(amount: float, unit: str) -> str:
    """An amount in its unit, money in millions."""
    if unit == "$":
        return f"${amount / 1e9:,.2f}B" if abs(amount) >= 9.995e8 else f"${amount / 1e6:,.1f}M"
    if unit in ("GPUs", "units"):
        return f"{amount:,.0f} {unit}"
    return f"{amount:,.4g} {unit}" if abs(amount) < 1000.0 else f"{amount:,.0f} {unit}"


def lease_unit(lease: pd.Series) -> str:
    """What the size of a lease counts."""
    return "MW" if lease["size_unit"] == "it_mw" else "GPUs"


# --- what is asked for -------------------------------------------------------------------------------------------


def _commitments(stated: StatedLimits) -> None:
    outlook = stated.candidates.outlook
    leases = outlook.case.tables["leases"].set_index("lease_id")
    worth = contract_value_usd(outlook)
    for lease_id, rows in stated.names_of(Family.LEAST_VOLUME):
        least = -stated.limit_of(int(rows[0]))
        if least <= 0.0:
            continue
        lease = leases.loc[lease_id]
        whole = bool(lease["all_or_nothing"])
        limit = Limit(
            Kind.COMMITMENT, lease_id,
            f"lease {lease_id} is committed at {sized(least, lease_unit(lease))} from {lease['start']}",
            least, lease_unit(lease), worth[lease_id], whole,
            f"leases.committed[{lease_id}]=no" if whole else f"leases.min_size[{lease_id}]={{value}}",
        )
        stated.raise_rows(stated.add(limit), rows)
    for name, rows in stated.names_of(Family.PLACED):
        asked = -stated.limit_of(int(rows[0]))
        if asked > 0.0:
            mine = _placed_rows(outlook.case.tables["fleet"], name)
            lease_id, site_id, gpu_id = (str(mine[column].iat[0]) for column in ("lease_id", "site_id", "gpu_id"))
            words = f"{asked:,.0f} GPUs of {gpu_id} at {site_id}, owned at the start, go on serving lease {lease_id}"
            freed = "\n".join(f"fleet.lease_id[{site_id}:{gpu_id}:{bought}]=" for bought in mine["bought"])
            what = f"{gpu_id} at {site_id} for lease {lease_id}"
            stated.raise_rows(
                stated.add(Limit(Kind.PLACED, what, words, asked, "GPUs", worth.get(lease_id), True, freed)), rows
            )


def _placed_rows(fleet: pd.DataFrame, name: str) -> pd.DataFrame:
    """Rows of the fleet behind a limit that keeps GPUs at their lease."""
    serving = fleet[fleet["lease_id"] != ""]
    names = [
        placed_name(*place) for place in zip(serving["lease_id"], serving["site_id"], serving["gpu_id"], strict=True)
    ]
    return serving[np.array([each == name for each in names], dtype=bool)]


# --- power -------------------------------------------------------------------------------------------------------


def _power(stated: StatedLimits, twins: tuple[str, ...]) -> None:
    candidates = stated.candidates
    power = phase_table(candidates.outlook)
    table = candidates.table
    number = np.flatnonzero((table["kind"] == CandidateKind.POWER).to_numpy())
    size = unit_mw(candidates.outlook)
    cost = np.maximum(-candidates.npv_usd[number] / size, 0.0)
    dearest = float(cost.max(initial=0.0))
    calendar = candidates.outlook.calendar
    for at, row in enumerate(power.itertuples()):
        name, guaranteed, candidate = str(row.phase_name), float(row.guaranteed_mw), int(number[at])
        if name.endswith(twins):
            continue
        usd = float(cost[at]) or dearest or None
        comes = f"from {calendar.written(row.energised_month)}" if row.energised_month > 0 else "from the start"
        words = f"{name} at {row.site_id} offers {sized(guaranteed, 'MW')} {comes}"
        offered = stated.add(
            Limit(Kind.POWER, name, words, guaranteed, "MW", usd, edit="\n".join(more_power(row, "{more}")))
        )
        if row.lumpy:
            for family, share in ((Family.PHASE, 1.0), *_parts(row)):
                stated.raise_rows(offered, stated.rows_of(family, name), share)
        else:
            stated.bound(offered, candidate, float(size[at]), guaranteed)
            for tied in (IF_OPEN, IF_TAKEN, IN_STEPS):
                stated.raise_rows(offered, stated.rows_of(Family.OFFER, name + tied))
        firm = stated.rows_of(Family.FIRM, name)
        if len(firm):
            words = f"{row.firm_share:.4g} of {name} at {row.site_id} is firm {_firm_again(row)}"
            stated.raise_rows(
                stated.add(Limit(Kind.FIRM_MW, name, words, guaranteed * float(row.firm_share), "MW")), firm
            )
        if row.committed_mw > 0.0:
            committed = float(row.committed_mw)
            words = f"{sized(committed, 'MW')} of {name} at {row.site_id} are contracted already"
            held = stated.add(
                Limit(
                    Kind.COMMITTED_MW, name, words, committed, "MW", usd, bool(row.lumpy),
                    f"power.committed_mw[{name}]={{value}}",
                )
            )
            stated.bound(held, candidate, -float(size[at]), -float(size[at] * table["lower"].iat[candidate]))
            for tied in ("", IN_STEPS):
                stated.raise_rows(held, stated.rows_of(Family.LEAST_POWER, name + tied))
    for name, rows in stated.names_of(Family.GROUP):
        most = stated.limit_of(int(rows[0]))
        words = f"the sites of group {name} together may contract {sized(most, 'MW')}"
        stated.raise_rows(
            stated.add(
                Limit(Kind.GROUP, name, words, most, "MW", edit=f"site_groups.max_contracted_mw[{name}]+={{more}}")
            ),
            rows,
        )
    for name, rows in stated.names_of(Family.MINING):
        most = stated.limit_of(int(rows[0]))
        words = f"the mining load of {name} is {sized(most, 'MW')}"
        stated.raise_rows(
            stated.add(Limit(Kind.MINING, name, words, most, "MW", edit=f"mining.utility_mw[{name}]+={{more}}")), rows
        )


def _parts(row: Any) -> tuple[tuple[Family, float], tuple[Family, float]]:
    """Shares of a MW of a phase that are firm, and that are not."""
    firm = float(row.firm_share)
    return (Family.FIRM, firm), (Family.CURTAILABLE, 1.0 - firm)


def _firm_again(row: Any) -> str:
    return f"until {row.curtailed_until}, when all of it is" if row.curtailed_until else "for its whole term"


# --- halls -------------------------------------------------------------------------------------------------------


def _halls(stated: StatedLimits) -> None:
    candidates = stated.candidates
    table = candidates.table
    shell = table["kind"] == CandidateKind.SHELL
    new, standing = (shell & (candidates.columns["way"] == way) for way in (NEW, EXISTING))
    cheapest = pd.Series(
        -candidates.npv_usd[new.to_numpy()], index=table.loc[new, "site_id"].to_numpy()
    ).groupby(level=0).min()
    dearest = float(cheapest.max()) if len(cheapest) else None
    sites = candidates.outlook.case.tables["sites"].set_index("site_id")
    for name, rows in stated.names_of(Family.SITE):
        most, site = stated.limit_of(int(rows[0])), sites.loc[name]
        usd = max(float(cheapest[name]), 0.0) if name in cheapest.index else dearest
        built = stated.numbers(new & (table["site_id"] == name))
        existing = stated.numbers(standing & (table["site_id"] == name))
        edit = f"sites.critical_it_mw[{name}]+={{more}}"
        if built:
            words = f"site {name} can hold {sized(most, 'MW')} of critical IT"
        else:
            words = f"site {name} has {sized(float(site['existing_it_mw']), 'MW')} of halls, and no price for new ones"
            edit += f"\nsites.existing_it_mw[{name}]+={{more}}"
        limit = stated.add(
            Limit(Kind.HALLS, name, words, most if built else float(site["existing_it_mw"]), "MW", usd, edit=edit)
        )
        stated.raise_rows(limit, rows)
        stated.raise_rows(limit, stated.rows_of(Family.OPEN, name))
        for candidate in built or existing:
            stated.bound(limit, candidate, 1.0, float(table["upper"].iat[candidate]))
    paces: dict[str, list[int]] = {}
    for _, rows in stated.names_of(Family.BUILD):
        paces.setdefault(stated.parts_of(rows)[0], []).extend(rows.tolist())
    for name, quarters in paces.items():
        most = stated.limit_of(quarters[0])
        words = f"site {name} can build {sized(most, 'MW')} of halls a quarter"
        limit = stated.add(
            Limit(Kind.PACE, name, words, most, "MW a quarter", edit=f"sites.build_mw_per_quarter[{name}]+={{more}}")
        )
        stated.raise_rows(limit, np.array(quarters))
    for family, kind, said, edit in (
        (
            Family.LIQUID, Kind.LIQUID, "site {name} can cool {most} with liquid",
            "sites.liquid_cooled_it_mw[{name}]+={{more}}",
        ),
        (
            Family.CONVERTIBLE, Kind.CONVERTIBLE, "mining halls of {name} can become {most} of GPU halls",
            "mining.convertible_fraction[{name}]=1",
        ),
    ):
        for name, rows in stated.names_of(family):
            most = stated.limit_of(int(rows[0]))
            words = said.format(name=name, most=sized(most, "MW"))
            stated.raise_rows(stated.add(Limit(kind, name, words, most, "MW", edit=edit.format(name=name))), rows)


# --- GPUs --------------------------------------------------------------------------------------------------------


def _gpus(stated: StatedLimits) -> None:
    for name, rows in stated.names_of(Family.SUPPLY):
        most, (gpu_id, quarter) = stated.limit_of(int(rows[0])), stated.parts_of(rows)
        words = f"{sized(most, 'GPUs')} of {gpu_id} can be delivered in {quarter}"
        limit = Limit(
            Kind.SUPPLY, name, words, most, "GPUs", stated.cheapest_use_usd(int(rows[0])),
            edit=f"gpu_supply.max_gpus[{gpu_id}:{quarter}]+={{more}}"
        )
        stated.raise_rows(stated.add(limit), rows)
    table = stated.candidates.table
    owned = stated.numbers((table["kind"] == CandidateKind.BASE) & (table["gpu_id"] != ""))
    for candidate, bought in zip(owned, stated.candidates.outlook.case.tables["fleet"]["bought"], strict=True):
        row = table.iloc[candidate]
        words = f"{row['lower']:,.0f} GPUs of {row['gpu_id']} stand at {row['site_id']} from the start"
        standing = stated.add(
            Limit(Kind.OWNED, f"{row['site_id']}:{row['gpu_id']}@{bought}", words, float(row["lower"]), "GPUs")
        )
        stated.bound(standing, candidate, -1.0, -float(row["lower"]))


# --- money -------------------------------------------------------------------------------------------------------


def _money(stated: StatedLimits) -> None:
    outlook = stated.candidates.outlook
    rows_of = stated.rows.table
    for name, rows in stated.names_of(Family.CAPITAL):
        first = outlook.case.tables["budget"].dropna(subset=["new_capital_usd"])["quarter"].min()
        if name == "capital":
            raised = float(outlook.case.tables["budget"]["new_capital_usd"].sum())
            words = f"{sized(raised, '$')} of new capital is raised in all"
            limit = Limit(
                Kind.CAPITAL, "capital", words, raised, "$", 1.0, edit=f"budget.new_capital_usd[{first}]+={{more}}"
            )
            stated.raise_rows(stated.add(limit), rows)
            continue
        amounts = outlook.case.tables["budget"].set_index("quarter")["new_capital_usd"].fillna(0.0)
        for row in rows:
            quarter = outlook.calendar.written_quarter(int(rows_of["start"].iat[row]))
            raised = float(amounts.get(quarter, 0.0))
            words = f"{sized(raised, '$')} of new capital is raised in {quarter}"
            limit = Limit(
                Kind.CAPITAL, quarter, words, raised, "$", 1.0, edit=f"budget.new_capital_usd[{quarter}]+={{more}}"
            )
            stated.raise_rows(stated.add(limit), np.array([row]))
    for name, rows in stated.names_of(Family.CASH_FLOOR):
        floor = -stated.limit_of(int(rows[0]))
        words = f"cumulative cash at the end of {name} may not be below {sized(floor, '$')}"
        stated.raise_rows(
            stated.add(
                Limit(Kind.CASH_FLOOR, name, words, floor, "$", 1.0, edit=f"budget.cash_floor_usd[{name}]+=-{{more}}")
            ),
            rows,
        )
    shares = greatest_shares(outlook)
    for family, table in ((Family.REVENUE_SHARE, "customers"), (Family.YEARLY_SHARE, "customer_shares")):
        for name, rows in stated.names_of(family):
            share = shares[family.name, name]
            customer, *years = stated.parts_of(rows)
            of = f"the revenue of {years[0]}" if years else "discounted revenue"
            words = f"customer {customer} may bring {share:.0%} of {of} at most"
            edit = f"{table}.max_revenue_share[{name}]=1"
            stated.raise_rows(stated.add(Limit(Kind.SHARE, name, words, share, "$", edit=edit)), rows)


# --- leases and whole decisions ----------------------------------------------------------------------------------


def _leases(stated: StatedLimits) -> None:
    for name, rows in stated.names_of(Family.TIER):
        most, (lease_id, gpu_id, tier) = stated.limit_of(int(rows[0])), stated.parts_of(rows)
        words = f"lease {lease_id} takes {most:,.0f} units on {gpu_id} at the rate of tier {tier}"
        limit = Limit(
            Kind.TIER, name, words, most, "units", edit=f"lease_rates.max_units[{lease_id}:{gpu_id}:{tier}]+={{more}}"
        )
        stated.raise_rows(stated.add(limit), rows)
    clusters: dict[str, list[int]] = {}
    for _, rows in stated.names_of(Family.CLUSTER):
        clusters.setdefault(stated.parts_of(rows)[1], []).extend(rows.tolist())
    for site_id, limited in clusters.items():
        most = stated.limit_of(limited[0])
        words = f"site {site_id} can hold a cluster of {most:,.0f} GPUs on one fabric"
        largest = stated.add(
            Limit(Kind.CLUSTER, site_id, words, most, "GPUs", edit=f"sites.max_cluster_gpus[{site_id}]+={{more}}")
        )
        stated.raise_rows(largest, np.array(limited))


def _whole(stated: StatedLimits) -> None:
    """Whole decisions, by what they are decisions about."""
    table = stated.candidates.table
    tables = stated.candidates.outlook.case.tables
    leases = tables["leases"].set_index("lease_id")
    power = phase_table(stated.candidates.outlook).set_index("phase_name")
    step = pd.Series(step_mw(stated.candidates.outlook), index=power.index)
    groups: dict[tuple[str, str], list[int]] = {}
    for candidate in stated.numbers(table["integral"]):
        row = table.iloc[candidate]
        name = str(row["lease_id"] or row["phase"] or row["site_id"] or row["candidate_id"])
        groups.setdefault((str(row["kind"]), name), []).append(candidate)
    for (kind, name), members in groups.items():
        words, edit = name, ""
        found = Kind.WHOLE
        if kind == CandidateKind.ACCEPT and leases.loc[name, "single_fabric"]:
            found, words, edit = (
                Kind.FABRIC, f"lease {name} must stand on one fabric", f"leases.single_fabric[{name}]=no"
            )
        elif kind == "accept" and leases.loc[name, "all_or_nothing"]:
            words, edit = f"lease {name} is all or nothing", f"leases.all_or_nothing[{name}]=no"
        elif kind == CandidateKind.ACCEPT:
            least = leases.loc[name, "min_size"]
            words, edit = (
                f"lease {name} is served at {least:,.0f} {lease_unit(leases.loc[name])} at least or not at all",
                f"leases.min_size[{name}]=0"
            )
        elif kind == CandidateKind.BLOCK:
            least = leases.loc[name, "min_block"]
            words, edit = (
                f"lease {name} stands in blocks of {least:,.0f} {lease_unit(leases.loc[name])} or more",
                f"leases.min_block[{name}]=0"
            )
        elif kind == CandidateKind.POWER and power.loc[name, "lumpy"]:
            words, edit = (
                f"{name} is contracted whole ({sized(float(power.loc[name, 'guaranteed_mw']), 'MW')}) or not at all",
                f"power.lumpy[{name}]=no"
            )
        elif kind == CandidateKind.POWER:
            words, edit = (
                f"{name} is contracted in steps of {sized(float(power.loc[name, 'step_mw']), 'MW')}",
                f"power.step_mw[{name}]="
            )
        elif kind == CandidateKind.TAKE and power.loc[name, "min_mw"] <= power.loc[name, "committed_mw"]:
            words = f"what is not contracted yet of {name} comes in steps of {sized(float(step.loc[name]), 'MW')}"
            edit = f"power.step_mw[{name}]="
        elif kind == CandidateKind.TAKE:
            words, edit = (
                f"{name} is contracted at {sized(float(power.loc[name, 'min_mw']), 'MW')} or more, or not at all",
                f"power.min_mw[{name}]=0"
            )
        elif kind == CandidateKind.OPEN:
            words, edit = f"site {name} is opened or not", f"sites.opening_cost_usd[{name}]=0"
        elif kind == CandidateKind.FABRIC:
            words = f"the link {stated.candidates.links[members[0]]} is built or not"
        number = stated.add(Limit(found, name, words, edit=edit))
        stated.whole += [(number, member) for member in members]
