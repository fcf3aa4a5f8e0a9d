"""Edits and stresses: what they address, what they do, and what they refuse."""

from __future__ import annotations

import pytest

from planner.case.edits import apply_edits, apply_stress
from planner.case.read import read_case
from planner.errors import CaseError


@pytest.fixture
def case(case_folder):
    return read_case(case_folder())


@pytest.mark.parametrize(
    ("edit", "table", "column", "expected"),
    [
        ("sites.pue[river]=1.3", "sites", "pue", [1.3, 1.2]),
        ("sites.pue=1.3", "sites", "pue", [1.3, 1.3]),
        (" sites . pue [ river ] = 1.3 ", "sites", "pue", [1.3, 1.2]),
        ("sites.pue[region=south]*=1.5", "sites", "pue", [1.2, 1.7999999999999998]),
        ("sites.pue[existing_it_mw=30.0]=1.4", "sites", "pue", [1.2, 1.4]),
        ("power.energised[cells:1]+=18", "power", "energised", ["2026-06", "2028-10"]),
        ("power.energised+=18", "power", "energised", ["2026-06", "2028-10"]),
        ("power.energised[cells]+=-3", "power", "energised", ["2026-06", "2027-01"]),
        ("power.lumpy[cells:1]=yes", "power", "lumpy", [False, True]),
        ("market.usd_per_gpu_hour[gb300]*=0.5", "market", "usd_per_gpu_hour", [3.0, 2.0, 5.0]),
        ("market.usd_per_gpu_hour[gb300:2]=3", "market", "usd_per_gpu_hour", [6.0, 3.0, 5.0]),
        ("market.depth_gpus+=10", "market", "depth_gpus", [1010.0, None, None]),
        ("curves.value[henry]*=3", "curves", "value", [10.5, 11.25]),
        ("curves.value[henry:2030-01]=4", "curves", "value", [3.5, 4.0]),
        ("leases.term_months*=1.1", "leases", "term_months", [40, 26]),
        ("leases.notice_months[train]=3", "leases", "notice_months", [3, None]),
        ("sites.shell_capex_usd_per_kw[river]=", "sites", "shell_capex_usd_per_kw", [None, None]),
        ("sites.pue[river]=", "sites", "pue", [1.2, 1.2]),
        ("leases.sites[train]=river; mesa", "leases", "sites", ["river;mesa", ""]),
        ("budget.quarter[2027-Q1]+=6", "budget", "quarter", ["2027-Q3"]),
    ],
)
def test_edits_change_what_they_address(case, edit, table, column, expected):
    values = apply_edits(case, [edit]).tables[table][column]
    assert [
        None if value is None or value != value else value
        for value in values.astype(object).where(values.notna(), None)
    ] == expected


def test_nothing_else_changes(case):
    changed = apply_edits(case, ["sites.pue[river]=1.3"])
    assert changed.source_hash != case.source_hash
    for name in case.tables:
        if name != "sites":
            assert changed.tables[name].equals(case.tables[name])
    assert changed.sites.drop(columns="pue").equals(case.sites.drop(columns="pue"))
    assert case.sites.pue.tolist() == [1.2, 1.2], "the case itself is left as it was"
    assert apply_edits(changed, ["sites.pue[river]=1.2"]).source_hash == case.source_hash


def test_settings_are_edited(case):
    changed = apply_edits(
        case, ["case.discount_rate=0.12", "case.months+=12", "case.depreciation.gpu.years=4", "case.start+=1"]
    ).settings
    assert (changed.discount_rate, changed.months, changed.start) == (0.12, 72, "2027-02")
    assert changed.depreciation["gpu"].years == 4.0
    assert changed.depreciation["gpu"].bonus_share == case.settings.depreciation["gpu"].bonus_share


def test_edits_act_in_order_and_are_checked_together(case):
    both = apply_edits(
        case, ["power.gas_curve[cells:1]=", "power.gas_usd_per_mmbtu[cells:1]=5", "power.gas_usd_per_mmbtu*=2"]
    )
    assert both.power.gas_usd_per_mmbtu.iloc[1] == 10.0


def test_edits_can_be_given_when_reading(case_folder):
    assert read_case(case_folder(), edits=["case.tax_rate=0.3"]).settings.tax_rate == 0.3


@pytest.mark.parametrize(
    ("edit", "why"),
    [
        ("sites.pue", "not an edit; write table.column"),
        ("pue=1.3", "not an edit"),
        ("site.pue=1.3", 'no such table; did you mean "sites"'),
        ("sites.pu=1.3", 'no such column; did you mean "pue"'),
        ("sites.pue[rivr]=1.3", 'called so; did you mean "river"'),
        ("sites.pue[xx]=1.3", "use one of: river, mesa"),
        ("power.min_mw[cells:3]=1", "called so"),
        ("power.min_mw[knd=grid]=1", 'no column knd; did you mean "kind"'),
        ("power.min_mw[kind=wind]=1", "use one of: grid, fuel_cell"),
        ("links.allowed=no", "is empty"),
        ("sites.pue=0.9", "less than 1"),
        ("sites.pue=1,3", "decimal comma"),
        ("sites.pue*=high", "text where a number"),
        ("sites.pue*=", "no number is given"),
        ("sites.region*=2", "cannot multiply"),
        ("sites.region+=2", "cannot add"),
        ("power.energised*=2", "cannot multiply"),
        ("power.energised+=1.5", "not a whole number"),
        ("power.energised[grid]+=1", "energised already"),
        ("budget.quarter+=1", "multiples of 3"),
        ("sites.site_id[river]=", "blank, but required"),
        ("sites.site_id[river]=lake", "sites has no site_id 'river'"),
        ("sites.site_id=river", "the same site_id"),
        ("sites.max_rack_kw*=2", "blank in every row chosen"),
        ("sites.opex_usd_per_kw_month*=2", "multiplying changes nothing"),
        ("power.gas_usd_per_mmbtu*=3", r"from a curve; change the curve: curves.value\[henry\]\*=3"),
        ("power.gas_usd_per_mmbtu[cells:1]=4", "both gas_usd_per_mmbtu and gas_curve"),
        ("power.guaranteed_mw*=1e308", "too large for a number"),
        ("case.discount=0.1", 'no such setting; did you mean "discount_rate"'),
        ("case.discount_rate[x]=0.1", "a setting has no rows"),
        ("case.discount_rate=12", "more than 1"),
        ("case.tail=rent", 'not one of the choices; did you mean "rented"'),
        ("curves.value[henry]=-21", "less than -20"),
    ],
)
def test_edits_that_name_nothing_or_break_the_case_are_refused(case, edit, why):
    with pytest.raises(CaseError, match=why):
        apply_edits(case, [edit])


def test_all_bad_edits_are_reported_together(case):
    with pytest.raises(CaseError) as caught:
        apply_edits(case, ["sites.pu=1", "case.x=1"])
    assert [fault.value for fault in caught.value.faults] == ["sites.pu=1", "case.x=1"]


def test_a_stress_applies_all_its_rows(case_folder):
    stresses = (
        "stress,target,change,value\nboth,curves.value[henry],multiply,2\nboth,sites.pue[mesa],set,1.5\n"
        "both,power.energised[cells],add,12\nother,sites.pue,set,1.1\n"
    )
    case = apply_stress(read_case(case_folder({"stresses.csv": stresses})), "both")
    assert case.curves.value.tolist() == [7.0, 7.5]
    assert case.sites.pue.tolist() == [1.2, 1.5]
    assert case.power.energised.tolist() == ["2026-06", "2028-04"]


def test_an_unknown_stress_is_refused(case):
    with pytest.raises(CaseError, match='did you mean "late"'):
        apply_stress(case, "lat")


def test_a_stress_that_breaks_the_case_is_found_when_reading(case_folder):
    with pytest.raises(CaseError, match=r"stresses.csv, row 3, column stress: 'wrong': .* row 2, pue: less than 1"):
        read_case(
            case_folder({"stresses.csv": (
                "stress,target,change,value\nfine,sites.pue,set,1.1\nwrong,sites.pue[river],set,0.5\n"
            )})
        )
