"""Changes of capital, loans, stresses and the settings of the case."""

from __future__ import annotations

from columns.change import Change, Moves

UP, DOWN = Moves.UP, Moves.DOWN
_BUDGET = ("budget.new_capital_usd[2027-Q1]=20000000",)
_FLOOR = ("budget.cash_floor_usd[2028-Q2]=-5000000",)

CAPITAL_CHANGES = (
    Change("campus", "budget.quarter[2027-Q1]=2028-Q1", DOWN, "capital comes after the time to build"),
    Change("campus", "budget.new_capital_usd[2027-Q1]=20000000", DOWN, "less capital than pays"),
    Change(
        "campus", "budget.cash_floor_usd[2028-Q2]=-5000000", DOWN, "less may be spent before the GPUs have earned it"
    ),
    Change("campus", "debt.asset_class=power", DOWN, "loans on the plant are smaller than loans on the GPUs", _BUDGET),
    Change("campus", "debt.advance_rate[gpu]=0.7", UP, "loans stretch the capital", _BUDGET),
    Change("campus", "debt.interest_rate[gpu]=0.2", DOWN, "interest uses up the cash", _FLOOR),
    Change("campus", "debt.tenor_months[gpu]=48", UP, "less has been repaid by then", _FLOOR),
    Change("campus", "debt.grace_months[gpu]=12", UP, "less has been repaid by then", _FLOOR),
    Change(
        "campus", "debt.amortisation[gpu]=straight", DOWN, "equal principal repays more early than equal instalments",
        _FLOOR,
    ),
)

STRESS_CHANGES = (
    Change(
        "cluster", "stresses.target[cheap market]=market.utilisation", DOWN,
        "all tiers fall in place of the cheapest one", stress="cheap market",
    ),
    Change(
        "cluster", "stresses.change[cheap market]=set", DOWN, "a price of $0.9 in place of nine tenths of $2",
        stress="cheap market",
    ),
    Change("cluster", "stresses.value[cheap market]=0.5", DOWN, "the price falls further", stress="cheap market"),
)

SETTING_CHANGES = (
    Change("pair", "case.start=2026-01", DOWN, "the same lease is a year further off"),
    Change("pit", "case.months=48", UP, "another year of business that pays"),
    Change("cluster", "case.discount_rate=0.15", DOWN, "income comes after the spending"),
    Change("cluster", "case.tax_rate=0.35", DOWN, "more of the profit is taxed"),
    Change(
        "cluster", "case.tail=none", DOWN, "the end of a lease that pays is not counted",
        ("leases.term_months[train]=30",),
    ),
    Change(
        "cluster", "case.tail_rent_usd_per_kw_month=150", UP, "powered halls earn a rent after the horizon",
        ("case.tail=rented", "power.term_months[river_grid]=60"),
    ),
    Change("cluster", "case.relet_fraction=0.5", DOWN, "GPUs of a lease not renewed are let for less"),
    Change("campus", "case.budget_carries_over=no", DOWN, "capital not used in its quarter is lost"),
    *(
        Change(case, f"case.depreciation.{asset}.{edit}", UP, "the same cost is written off sooner")
        for asset, case in (("gpu", "cluster"), ("shell", "campus"), ("power", "campus"))
        for edit in ("method=macrs_5", "years=4", "bonus_share=0.5")
    ),
)
