"""Rules of the case that leave a committed lease no way to be served at all: where it may stand, on what, on which power."""

from __future__ import annotations

from collections.abc import Callable

from planner.candidates.lease_offers import lease_offers
from planner.candidates.outlook import make_outlook
from planner.candidates.power_paths import live_phases, power_paths
from planner.candidates.workshop import Workshop
from planner.case.case import Case
from planner.explaining.limits import Kind, Limit
from planner.explaining.world import Asked

Rule = tuple[str, Callable[[Case], Case]]


def rules_against(case: Case, asked: Asked, lease_id: str) -> list[Limit] | None:
    """Rules of which each alone leaves a lease without any way to be served; None when there are ways.

    Empty when no single rule is to blame.
    """
    if _offered(case, asked, lease_id):
        return None
    return [
        Limit(Kind.RULE, lease_id, words) for words, change in _rules(case, lease_id) if _offered(change(case), asked, lease_id)
    ]


def _offered(case: Case, asked: Asked, lease_id: str) -> bool:
    """Whether there is any way to serve a lease in any month from its start on."""
    outlook = make_outlook(case, base=asked.base, tail=asked.tail)
    leases = case.tables["leases"]
    mine = leases[leases["lease_id"] == lease_id]
    late = mine.assign(late_grace_months=(mine["term_months"] - 1).astype(leases["late_grace_months"].dtype))
    alone = make_outlook(case.with_table("leases", late.reset_index(drop=True)), base=asked.base, tail=asked.tail)
    return bool(len(lease_offers(alone, power_paths(live_phases(Workshop(outlook))))))


def _rules(case: Case, lease_id: str) -> list[Rule]:
    lease = case.tables["leases"].set_index("lease_id").loc[lease_id]

    def without(table: str, **columns: object) -> Callable[[Case], Case]:
        """The case with columns of a table set, kinds of numbers kept."""

        def change(given: Case) -> Case:
            frame = given.tables[table].copy()
            for column, value in columns.items():
                frame[column] = value if value is not None else frame[column].where(frame[column].isna())
            return given.with_table(table, frame)

        return change

    links = case.tables["links"]
    rules: list[Rule] = [
        (f"lease {lease_id} may stand on {lease['sites'].replace(';', ', ')} alone", without("leases", sites="")),
        (f"lease {lease_id} may stand in {lease['regions'].replace(';', ', ')} alone", without("leases", regions="")),
        (f"lease {lease_id} accepts power of at most {lease['max_co2_kg_per_mwh']:g} kg of CO2 per MWh", without("leases", max_co2_kg_per_mwh=None)),
        ("racks of the SKUs that it accepts are too heavy for the sites", without("sites", max_rack_kw=None)),
        ("the SKUs that it accepts need liquid cooling, which the sites have not", without("sites", liquid_cooled_it_mw=None)),
        ("no power contract lasts to its end", without("power", term_months=1200)),
        (f"links keep lease {lease_id} from the sites", lambda given: given.with_table("links", links[links["lease_id"] != lease_id].reset_index(drop=True))),
    ]
    if lease["kind"] == "gpu" and not (case.tables["lease_rates"]["lease_id"] == lease_id).any():
        rules.append((f"lease {lease_id} has no rate for any SKU in lease_rates", lambda given: given))
    return rules
