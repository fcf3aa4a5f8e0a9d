"""Every declared column moves something: changed alone, it moves the optimum, or what is said of the case."""

from __future__ import annotations

from dataclasses import dataclass, field

import pandas as pd
import pytest
from columns.case_for_columns import CASES
from columns.change import Change, Moves
from columns.gpu_changes import CURVE_CHANGES, FLEET_CHANGES, GPU_CHANGES, MARKET_CHANGES
from columns.lease_changes import CUSTOMER_CHANGES, LEASE_CHANGES, RATE_CHANGES
from columns.money_changes import CAPITAL_CHANGES, SETTING_CHANGES, STRESS_CHANGES
from columns.power_changes import POWER_CHANGES
from columns.score_changes import SCORE_CHANGES
from columns.site_changes import LINK_CHANGES, MINING_CHANGES, SITE_CHANGES

from planner.case.case import Case
from planner.case.edits import SETTINGS_TABLE, apply_edits
from planner.case.oddities import oddities
from planner.case.reading.settings_file import setting_columns
from planner.case.schema import ColumnType
from planner.case.tables import TABLES
from planner.errors import CaseError
from planner.planning.make_plan import plan
from planner.solver.options import SolverOptions
from planner.solver.status import Status

LEAST_MOVE_USD = 1000.0
"""What counts as a move: far above the tolerance of a solve, far below what a planner would care for."""

CHANGES: tuple[Change, ...] = (
    *SITE_CHANGES, *LINK_CHANGES, *MINING_CHANGES, *POWER_CHANGES, *GPU_CHANGES, *FLEET_CHANGES, *MARKET_CHANGES,
    *CURVE_CHANGES,
    *CUSTOMER_CHANGES, *LEASE_CHANGES, *RATE_CHANGES, *CAPITAL_CHANGES, *STRESS_CHANGES, *SETTING_CHANGES,
)

NAMES = frozenset(
    {
        "sites.site_id", "site_groups.site_group", "power.source_id", "power.phase", "gpus.gpu_id",
        "customers.customer_id", "leases.lease_id", "lease_tranches.tranche", "curves.curve_id", "stresses.stress",
        "factors.factor_id",
    }
)
"""Columns that only give a row its name, by which other rows, edits and results speak of it."""

OUTSIDE_THE_PLAN = {"case.seed": "case.seed=7"}
"""Columns that move no plan, with an edit that shows it; the seed moves the draws, as `test_score_columns` shows."""

OF_WHAT_IS_KNOWN = {"factors.announced_months"}
"""Columns that move what is known at a review, and so what a policy decides there: tests/adapting/test_known.py."""


OF_A_FUTURE = {"lease_tranches.may_terminate"}
"""Columns that move what a future brings and no plan: tests/rules/test_tranches_by_hand.py."""


@dataclass
class _Plans:
    """Optimal NPV by case, edits and stress, each found once."""

    cases: dict[str, Case] = field(default_factory=dict)
    npv_usd: dict[tuple[str, tuple[str, ...], str | None], float] = field(default_factory=dict)

    def __call__(self, case: str, edits: tuple[str, ...], stress: str | None) -> float:
        key = (case, edits, stress)
        if key not in self.npv_usd:
            # On tables of a few rows strings held in Python take a third less time than Arrow's.
            with pd.option_context("mode.string_storage", "python"):
                found = plan(self.case(case, edits), stress=stress, prices="none", solver=SolverOptions(gap=0.0))
            assert found.status is Status.OPTIMAL, f"{key}: {found.status}"
            assert found.npv_usd is not None
            self.npv_usd[key] = found.npv_usd
        return self.npv_usd[key]

    def case(self, name: str, edits: tuple[str, ...]) -> Case:
        if name not in self.cases:
            self.cases[name] = CASES[name]()
        return apply_edits(self.cases[name], edits) if edits else self.cases[name]


@pytest.fixture(scope="module")
def plans() -> _Plans:
    return _Plans()


@pytest.mark.parametrize("change", CHANGES, ids=lambda change: change.edit)
def test_column_moves(change: Change, plans: _Plans) -> None:
    edited = (*change.given, change.edit)
    if change.moves is Moves.REFUSED:
        plans.case(change.case, change.given)
        with pytest.raises(CaseError, match=change.said):
            plans.case(change.case, edited)
    elif change.moves is Moves.NOTED:
        before, after = (oddities(plans.case(change.case, edits)) for edits in (change.given, edited))
        assert not [oddity for oddity in before if change.said in oddity.what]
        assert [oddity for oddity in after if change.said in oddity.what], change.why
    else:
        moved = plans(change.case, edited, change.stress) - plans(change.case, change.given, change.stress)
        assert moved * (1.0 if change.moves is Moves.UP else -1.0) > LEAST_MOVE_USD, (
            f"{change.moves.value}: {change.why}; moved by {moved:,.0f} $"
        )


def _declared() -> set[str]:
    """Every column that is not descriptive, as table.column; settings under the table of settings."""
    columns = {
        f"{table.name}.{column.name}" for table in TABLES.values() for column in table.columns if not column.descriptive
    }
    return columns | {f"{SETTINGS_TABLE}.{key}" for key, column in setting_columns().items() if not column.descriptive}


def test_every_declared_column_has_a_change() -> None:
    shown = {change.column for change in (*CHANGES, *SCORE_CHANGES)} | NAMES | set(OUTSIDE_THE_PLAN)
    shown |= OF_WHAT_IS_KNOWN | OF_A_FUTURE
    assert sorted(_declared() - shown) == []
    assert sorted(shown - _declared()) == []


def test_names_are_keys_that_refer_to_nothing() -> None:
    for name in NAMES:
        table, _, column = name.partition(".")
        declared = TABLES[table].column(column)
        assert declared.type is ColumnType.TEXT
        assert column in TABLES[table].key
        assert declared.refers_to is None


@pytest.mark.parametrize("column", OUTSIDE_THE_PLAN)
def test_column_outside_the_plan_leaves_it_alone(column: str, plans: _Plans) -> None:
    assert plans("pair", (OUTSIDE_THE_PLAN[column],), None) == plans("pair", (), None)
