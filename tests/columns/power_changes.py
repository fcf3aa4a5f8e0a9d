"""Changes of phases of power."""

from __future__ import annotations

from columns.change import Change, Moves

UP, DOWN, REFUSED = Moves.UP, Moves.DOWN, Moves.REFUSED
_DELAYS = ("power.delay_low_months[engine]=0", "power.delay_mode_months[engine]=3", "power.delay_high_months[engine]=9")
_SMALL_SITE = ("sites.critical_it_mw[mesa]=4",)
_SCALAR_GAS = ("power.gas_curve[cells]=", "power.gas_usd_per_mmbtu[cells]=3")

_CURTAILED = ("power.firm_share[river_grid]=0.2", "power.curtailed_hours_per_year[river_grid]=400")
_ACCEPTED = (*_CURTAILED, "leases.curtailable_hours_per_year[train]=400")

_BACKED = ("power.firm_share[cells]=0.2", "power.curtailed_hours_per_year[cells]=600")

POWER_CHANGES = (
    Change("campus", "power.firms_mw_per_mw[standby]=0.5", DOWN, "less of the cells stays firm", _BACKED),
    Change(
        "campus", "power.hours_per_year[standby]=500", DOWN, "it may not run for as long as they are curtailed", _BACKED
    ),
    Change("cluster", "power.firm_share[river_grid]=0.5", UP, "more power is there in every hour", _CURTAILED),
    Change(
        "cluster", "power.curtailed_hours_per_year[river_grid]=800", DOWN, "GPUs on demand lose more hours", _CURTAILED
    ),
    Change(
        "cluster", "power.curtailed_until[river_grid]=2027-06", UP, "all of it is firm before the lease begins",
        _CURTAILED,
    ),
    Change(
        "cluster", "power.curtailment_notice_hours[river_grid]=4", UP, "the lease is warned early enough",
        (*_ACCEPTED, "leases.curtailment_notice_hours[train]=3"),
    ),
    Change("pair", "power.site_id[mesa_grid]=bare", DOWN, "power without a hall, and a hall without power"),
    Change(
        "campus", "power.kind[engine]=grid", DOWN, "an announced grid connection comes later than plant on the site"
    ),
    Change(
        "campus", "power.ownership[engine]=service", REFUSED, "a service is paid by its fee",
        said="a service has no capex",
    ),
    Change("campus", "power.energised[engine]=2027-12", DOWN, "income begins later"),
    Change("campus", "power.status[engine]=approved", UP, "what is approved comes less late than what is announced"),
    Change("campus", "power.delay_low_months[engine]=3", DOWN, "the mean delay is longer", _DELAYS),
    Change("campus", "power.delay_mode_months[engine]=6", DOWN, "the mean delay is longer", _DELAYS),
    Change("campus", "power.delay_high_months[engine]=18", DOWN, "the mean delay is longer", _DELAYS),
    Change("campus", "power.guaranteed_mw[engine]=3", DOWN, "less firm power from the same plant"),
    Change("campus", "power.installed_mw[engine]=6", DOWN, "more plant for the same firm power"),
    Change("campus", "power.mw_per_it_mw[engine]=1.4", DOWN, "a contracted MW carries fewer GPUs"),
    Change("campus", "power.fee_usd_per_kw_month[cells]=50", DOWN, "the fee is higher"),
    Change("campus", "power.fee_on[cells]=guaranteed", UP, "the fee is counted on 4 MW in place of 5"),
    Change("campus", "power.fee_from[cells]=energised", UP, "no fee before first power"),
    Change("campus", "power.contract_month[cells]=2027-01", DOWN, "the fee begins to run earlier"),
    Change("campus", "power.fee_escalator[cells]=0.10", DOWN, "the fee rises faster"),
    Change("campus", "power.term_months[engine]=18", DOWN, "GPUs lose their power while they still pay"),
    Change("campus", "power.exit_fee_usd_per_kw[cells]=400", DOWN, "it costs more to leave when the GPUs are sold"),
    Change("campus", "exit_fees.usd_per_kw[engine:1:3]=40", DOWN, "it costs more to leave the plant"),
    Change(
        "campus", "exit_fees.source_id=cells", REFUSED, "its phase has a single fee",
        said="the phase has exit_fee_usd_per_kw too",
    ),
    Change(
        "campus", "exit_fees.phase=9", REFUSED, "a fee of a phase that there is not", said="power has no phase '9'"
    ),
    Change("campus", "exit_fees.contract_year[engine:1:3]=5", DOWN, "it can be left two years later"),
    Change("campus", "power.upfront_usd_per_kw[engine]=200", DOWN, "the connection costs more"),
    Change("campus", "power.deposit_usd_per_kw[engine]=200", DOWN, "more money is tied up until the plant is there"),
    Change(
        "campus", "power.deposit_returned[engine]=2028-12", DOWN, "it comes back later than with first power",
        ("power.deposit_usd_per_kw[engine]=200",),
    ),
    Change("campus", "power.capex_usd_per_kw[engine]=1800", DOWN, "the plant costs more"),
    Change("campus", "power.lead_months[engine]=8", DOWN, "the same capex is paid earlier"),
    Change("campus", "power.fixed_om_usd_per_kw_month[engine]=5", DOWN, "the plant costs more to keep"),
    Change("campus", "power.variable_om_usd_per_mwh[engine]=8", DOWN, "each MWh costs more"),
    Change("campus", "power.energy_usd_per_mwh[engine]=6", DOWN, "each MWh costs more"),
    Change("campus", "power.energy_curve[cells]=dear_service", DOWN, "each MWh costs more"),
    Change("campus", "power.heat_rate_mmbtu_per_mwh[engine]=9", DOWN, "each MWh burns more gas"),
    Change("campus", "power.gas_usd_per_mmbtu[engine]=6", DOWN, "gas is dearer"),
    Change("campus", "power.gas_curve[cells]=dear_gas", DOWN, "gas is dearer"),
    Change(
        "campus", "power.gas_usd_per_mmbtu[cells]=4", DOWN, "gas is dearer where a scalar stands for the curve",
        _SCALAR_GAS,
    ),
    Change("campus", "power.fuel_adder_usd_per_mmbtu[cells]=1", DOWN, "gas is dearer at the burner"),
    Change("cluster", "power.fuel_passed_to_tenant[river_grid]=yes", UP, "the customer pays the fuel"),
    Change("campus", "power.demand_charge_usd_per_kw_month[engine]=3", DOWN, "each kW in use costs more"),
    Change("campus", "power.take_or_pay[cells]=1", DOWN, "all of the fee is due before the GPUs are there"),
    Change("campus", "power.min_take[cells]=0.95", DOWN, "GPUs draw less than must be paid"),
    Change(
        "cluster", "power.availability[river_grid]=0.98", DOWN,
        "below 99 % of the hours a tenth of the fee is credited", ("leases.sla_credit[train]=0.1",),
    ),
    Change(
        "cluster", "power.co2_kg_per_mwh[river_grid]=500", DOWN, "too dirty for the lease that pays best",
        ("leases.max_co2_kg_per_mwh[train]=400",),
    ),
    Change("campus", "power.tax_credit[engine]=0.2", UP, "more of the plant is paid by the credit"),
    Change("campus", "power.min_mw[engine]=4", DOWN, "more must be contracted than a small site needs", _SMALL_SITE),
    Change("campus", "power.step_mw[engine]=4", DOWN, "more must be contracted than a small site needs", _SMALL_SITE),
    Change("campus", "power.lumpy[engine]=yes", DOWN, "more must be contracted than a small site needs", _SMALL_SITE),
    Change(
        "campus", "power.committed_mw[cells]=4", DOWN, "a fee is due for power that has no use",
        ("market.usd_per_gpu_hour[gb]=0.5",),
    ),
    Change("campus", "power.delay_damages_usd_per_kw_month[engine]=10", UP, "the supplier pays more for coming late"),
)
