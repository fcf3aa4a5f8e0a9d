"""Every table that a case may hold, declared once."""

from __future__ import annotations

from planner.case.schema import (
    SOURCE,
    Table,
    curve,
    flag,
    month,
    names,
    number,
    quarter,
    share,
    text,
    whole,
)

BACKUP_KINDS = ("battery", "backup_engine")
"""Kinds of power that feed nothing by themselves: they stand behind phases that may be curtailed."""

SITES = Table(
    "sites",
    "The campuses that exist or could be built, with the halls that GPUs stand in.",
    "a site",
    ("site_id",),
    (
        text("site_id", "short name of the site", required=True),
        text("name", "name shown in reports", descriptive=True),
        text("region", "region that leases may ask for", default=""),
        number("latitude", "degrees north", "place on the map", minimum=-90.0, maximum=90.0, descriptive=True),
        number("longitude", "degrees east", "place on the map", minimum=-180.0, maximum=180.0, descriptive=True),
        number("critical_it_mw", "MW of critical IT", "most critical IT that the site can ever hold", required=True),
        number("existing_it_mw", "MW of critical IT", "halls standing at the start of the case", default=0.0),
        number(
            "liquid_cooled_it_mw", "MW of critical IT", "most critical IT that can be liquid-cooled", blank="all of it"
        ),
        number("max_rack_kw", "kW per rack", "heaviest rack that the floor and the cooling take", blank="no limit"),
        number("pue", "ratio", "energy drawn over energy used by IT, yearly mean", default=1.2, minimum=1.0),
        share("load_factor", "mean draw of working IT over its critical IT MW", default=0.85),
        month("ready_month", "first month in which a new hall can be in service", blank="the start of the case"),
        whole(
            "build_lead_months", "months",
            "months from ordering a new hall to its service; its capex is spread over them", default=18,
        ),
        number(
            "build_mw_per_quarter", "MW of critical IT", "most new halls that come into service in a quarter",
            blank="no limit",
        ),
        number(
            "shell_capex_usd_per_kw", "$ per kW of critical IT", "cost of a new hall without IT",
            blank="no new halls, unless rented",
        ),
        number(
            "shell_rent_usd_per_kw_month", "$ per kW-month of critical IT", "rent of a new hall in place of its capex",
            blank="not rented",
        ),
        number(
            "conversion_capex_usd_per_kw", "$ per kW of critical IT", "cost of turning a mining hall into a GPU hall",
            blank="no conversion",
        ),
        whole("conversion_lead_months", "months", "months from starting a conversion to its service", default=15),
        share("shell_residual", "share of a hall's capex recovered when it is given up", default=0.0),
        number(
            "opex_usd_per_kw_month", "$ per kW-month of critical IT",
            "staff, maintenance, insurance and property tax of a hall", default=0.0,
        ),
        number("opening_cost_usd", "$", "paid once when the site is opened", default=0.0),
        whole("max_cluster_gpus", "GPUs", "largest single-fabric cluster that the site can hold", blank="no limit"),
        text("fabric_group", "campuses of one group can be linked by fibre into one fabric", default=""),
        text(
            "site_group", "sites behind one substation or gas line share its limit", default="",
            refers_to="site_groups.site_group",
        ),
        SOURCE,
    ),
)

SITE_GROUPS = Table(
    "site_groups",
    "Substations and gas lines that several sites share.",
    "a group of sites",
    ("site_group",),
    (
        text("site_group", "name of the group", required=True),
        number(
            "max_contracted_mw", "MW of contracted power", "most contracted power of all its sites together",
            required=True,
        ),
        SOURCE,
    ),
)

POWER = Table(
    "power",
    "Sources of power, phase by phase: grid connections, fuel cells, engines, turbines, nuclear, solar with storage.",
    "a phase of a power source",
    ("source_id", "phase"),
    (
        text("source_id", "name of the source", required=True),
        text("phase", "name of the phase", required=True),
        text("site_id", "the site it feeds", required=True, refers_to="sites.site_id"),
        text(
            "kind", "technology", required=True,
            choices=(
                "grid", "fuel_cell", "gas_engine", "gas_turbine", "nuclear", "solar_storage", "wind", "hydro",
                *BACKUP_KINDS,
            ),
        ),
        text(
            "ownership", "service: a fee; owned: capex of the company; utility: a connection", default="utility",
            choices=("service", "owned", "utility"),
        ),
        month("energised", "month promised for its first power", required=True),
        text(
            "status", "how firm that month is", default="announced",
            choices=("announced", "studied", "approved", "energised"),
        ),
        whole("delay_low_months", "months", "least delay (triangular)", blank="by kind and status"),
        whole("delay_mode_months", "months", "likeliest delay (triangular)", blank="by kind and status"),
        whole("delay_high_months", "months", "greatest delay (triangular)", blank="by kind and status"),
        number("guaranteed_mw", "MW of contracted power", "firm power of the whole phase", required=True, above=0.0),
        number(
            "installed_mw", "MW installed", "plant that stands behind the guarantee", blank="the same as guaranteed_mw"
        ),
        number(
            "mw_per_it_mw", "MW contracted per MW of critical IT", "contracted power that a MW of critical IT needs",
            required=True, minimum=1.0,
        ),
        number("fee_usd_per_kw_month", "$ per kW-month", "capacity fee", default=0.0),
        text("fee_on", "kW on which the fee is counted", default="guaranteed", choices=("guaranteed", "installed")),
        text("fee_from", "when the fee begins to run", default="energised", choices=("contract", "energised")),
        month(
            "contract_month", "month of signature, from which a fee 'from contract' runs", blank="the start of the case"
        ),
        number("fee_escalator", "share per year", "yearly rise of the fee", default=0.0, minimum=-0.5, maximum=1.0),
        whole("term_months", "months", "length of the contract from energisation", default=180, minimum=1),
        number(
            "exit_fee_usd_per_kw", "$ per kW of contracted power", "paid to end the contract early",
            blank="by age in exit_fees; without rows there it cannot be ended early",
        ),
        number(
            "upfront_usd_per_kw", "$ per kW of contracted power", "connection charge, not returned",
            default=0.0,
        ),
        number(
            "deposit_usd_per_kw", "$ per kW of contracted power",
            "collateral paid when the phase is signed, and returned; neither taxed nor written off", default=0.0,
        ),
        month(
            "deposit_returned", "month in which the deposit comes back; a contract ended by then forfeits it",
            blank="with first power",
        ),
        number("capex_usd_per_kw", "$ per kW installed", "cost of an owned plant", default=0.0),
        whole(
            "lead_months", "months",
            "months before energisation by which to commit; capex and upfront are spread over them", default=0,
        ),
        number("fixed_om_usd_per_kw_month", "$ per kW-month installed", "fixed operation and maintenance", default=0.0),
        number("variable_om_usd_per_mwh", "$ per MWh", "variable operation and maintenance", default=0.0),
        number(
            "energy_usd_per_mwh", "$ per MWh", "price of energy", blank="no energy charge beside fuel", minimum=-500.0
        ),
        curve("energy_usd_per_mwh", "price of energy by month"),
        number("heat_rate_mmbtu_per_mwh", "MMBtu per MWh (HHV)", "fuel burned per MWh", default=0.0),
        number("gas_usd_per_mmbtu", "$ per MMBtu", "price of gas at the hub", blank="no gas", minimum=-20.0),
        curve("gas_usd_per_mmbtu", "price of gas at the hub by month"),
        number(
            "fuel_adder_usd_per_mmbtu", "$ per MMBtu", "basis and transport on top of the hub", default=0.0,
            minimum=-20.0,
        ),
        flag("fuel_passed_to_tenant", "customers of leases pay the fuel"),
        number(
            "demand_charge_usd_per_kw_month", "$ per kW-month of contracted power in use",
            "demand and transmission charge", default=0.0,
        ),
        share("take_or_pay", "share of the fee due on contracted MW that are not drawn", default=1.0),
        share("min_take", "share of the contracted MWh paid whether drawn or not", default=0.0),
        share(
            "availability", "share of the hours in which it delivers; lowers energy, never the firm limit", default=1.0,
            above=0.0,
        ),
        share("firm_share", "share of each contracted MW that is never curtailed", default=1.0),
        number(
            "curtailed_hours_per_year", "hours per year",
            "hours in which the rest of it is curtailed, spread evenly over the year", default=0.0, maximum=8760.0,
        ),
        month(
            "curtailed_until", "month from which all of it is firm: the upgrade of the network is done",
            blank="curtailed for its whole term",
        ),
        number(
            "curtailment_notice_hours", "hours", "warning that the utility gives before it curtails", default=0.0
        ),
        number(
            "firms_mw_per_mw", "MW per MW of contracted power",
            "of a backup: curtailable MW of its site that a contracted MW makes firm", default=1.0, above=0.0,
        ),
        number(
            "hours_per_year", "hours per year",
            "of a backup: hours in which it may run, by fuel, permit or storage; what is curtailed for more it "
            "does not make firm",
            blank="as many as are asked of it", maximum=8760.0,
        ),
        number("co2_kg_per_mwh", "kg per MWh", "direct emissions", default=0.0),
        share("tax_credit", "investment tax credit as a share of capex", default=0.0),
        number("min_mw", "MW of contracted power", "least MW that can be contracted if any", default=0.0),
        number("step_mw", "MW of contracted power", "contracted in steps of this size", blank="any amount", above=0.0),
        flag("lumpy", "the whole phase or nothing"),
        number("committed_mw", "MW of contracted power", "contracted already", default=0.0),
        number(
            "delay_damages_usd_per_kw_month", "$ per kW-month of contracted power",
            "paid by the supplier for each month late", default=0.0,
        ),
        SOURCE,
    ),
)

EXIT_FEES = Table(
    "exit_fees",
    "What ending a contract of power early costs by its age, in place of exit_fee_usd_per_kw; before its first year "
    "here it cannot be ended.",
    "a year of a phase's contract",
    ("source_id", "phase", "contract_year"),
    (
        text("source_id", "name of the source", required=True, refers_to="power.source_id"),
        text("phase", "name of the phase", required=True),
        whole(
            "contract_year", "years",
            "year of the contract, the first of which begins with first power, from which this fee holds",
            required=True, minimum=1,
        ),
        number("usd_per_kw", "$ per kW of contracted power", "paid to end the contract early", required=True),
        SOURCE,
    ),
)

GPUS = Table(
    "gpus",
    "The GPU systems (SKUs) that can be bought.",
    "a SKU",
    ("gpu_id",),
    (
        text("gpu_id", "name of the SKU", required=True),
        number("it_kw", "kW of critical IT per GPU", "with its share of network and storage", required=True, above=0.0),
        text("cooling", "cooling that it needs", default="air", choices=("air", "liquid")),
        number("rack_kw", "kW per rack", "power of a full rack", blank="it_kw x gpus_per_rack"),
        whole("gpus_per_rack", "GPUs per rack", "GPUs in a full rack", blank="not stated", minimum=1),
        number("capex_usd", "$ per GPU", "all-in cost with network and storage", blank="by curve"),
        curve("capex_usd", "all-in cost by month of delivery"),
        share("deposit_fraction", "share of the cost paid in advance", default=0.0),
        whole("deposit_lead_months", "months", "months before delivery at which the deposit is paid", default=0),
        whole("life_months", "months", "months from delivery to end of life", default=60, minimum=1),
        number("upkeep_usd_per_month", "$ per GPU-month", "repair, spares, software and support", default=0.0),
        number(
            "performance", "relative", "throughput against other SKUs, for leases that take a mix", default=1.0,
            above=0.0,
        ),
        whole("order_lead_months", "months", "months from order to delivery", default=0),
        share(
            "spare_fraction", "GPUs owned in addition, as a share of those owned, that stand as spares", default=0.0,
            maximum=0.5,
        ),
        SOURCE,
    ),
)

RESALE = Table(
    "resale",
    "What a used GPU fetches, by age from 0 on: linear between rows, constant after the last; without rows it fetches "
    "nothing.",
    "an age of a SKU",
    ("gpu_id", "age_months"),
    (
        text("gpu_id", "the SKU", required=True, refers_to="gpus.gpu_id"),
        whole("age_months", "months", "age since delivery", required=True),
        share("value_share", "share of its capex", required=True),
        SOURCE,
    ),
)

GPU_SUPPLY = Table(
    "gpu_supply",
    "Deliveries that can be had; a SKU and quarter without a row have no limit.",
    "a SKU in a quarter",
    ("gpu_id", "quarter"),
    (
        text("gpu_id", "the SKU", required=True, refers_to="gpus.gpu_id"),
        quarter("quarter", "calendar quarter of delivery", required=True),
        whole("max_gpus", "GPUs", "most deliveries in the quarter over all sites", required=True),
        SOURCE,
    ),
)

CUSTOMERS = Table(
    "customers",
    "The customers behind the leases.",
    "a customer",
    ("customer_id",),
    (
        text("customer_id", "short name", required=True),
        text("name", "name shown in reports", descriptive=True),
        text("rating", "credit rating", default="BBB", choices=("AAA", "AA", "A", "BBB", "BB", "B", "CCC")),
        number("default_rate_per_year", "share per year", "hazard of default", blank="by rating", maximum=1.0),
        share("recovery", "share of contract income still collected after a default", default=0.3),
        text(
            "guarantor", "customer whose default must come too before income stops", default="",
            refers_to="customers.customer_id",
        ),
        share("max_revenue_share", "most of the plan's discounted revenue that may come from it", blank="no limit"),
        SOURCE,
    ),
)

CUSTOMER_SHARES = Table(
    "customer_shares",
    "The most that a customer may bring of a calendar year's revenue; years without a row have no limit.",
    "a customer in a year",
    ("customer_id", "year"),
    (
        text("customer_id", "the customer", required=True, refers_to="customers.customer_id"),
        whole(
            "year", "calendar year", "the year; those of its months that the case has count", required=True,
            minimum=1900, maximum=2999,
        ),
        share(
            "max_revenue_share", "most of the plan's revenue of the year that may come from it, as billed and not "
            "discounted", required=True,
        ),
        SOURCE,
    ),
)

LEASES = Table(
    "leases",
    "Leases offered or signed: clusters of GPUs, or powered halls for a tenant who brings the GPUs.",
    "a lease",
    ("lease_id",),
    (
        text("lease_id", "short name", required=True),
        text("customer_id", "who takes it", required=True, refers_to="customers.customer_id"),
        text("kind", "gpu: a cluster; hosting: a powered hall", required=True, choices=("gpu", "hosting")),
        text("size_unit", "unit of its sizes; a hosting lease writes it_mw", default="gpus", choices=("gpus", "it_mw")),
        month("start", "first month of its term", required=True),
        whole("term_months", "months", "length of its term", required=True, minimum=1),
        month(
            "answer_by", "month by which the company must answer it",
            blank="6 months before its start, or the start of the case where that is later",
        ),
        share("offer_probability", "chance that the offer is made at all", default=1.0),
        share(
            "rate_follows_market",
            "share of the change of the SKU's price on demand, against the base case at answer_by, that the rate takes "
            "on",
            default=0.0,
        ),
        text(
            "term_from", "calendar: ends on its date; delivery: a late start moves the end", default="calendar",
            choices=("calendar", "delivery"),
        ),
        number("min_size", "GPUs or MW of critical IT", "least size if it is taken at all", default=0.0),
        number("max_size", "GPUs or MW of critical IT", "greatest size", required=True, above=0.0),
        number("min_block", "GPUs or MW of critical IT", "least size on any one site", default=0.0),
        number(
            "usd_per_kw_month", "$ per kW-month of critical IT", "rate of a hosting lease",
            blank="GPU leases: see lease_rates",
        ),
        text("energy_by", "who pays energy and demand charges", default="landlord", choices=("landlord", "tenant")),
        text("billing_hours", "hours billed in a month", default="actual", choices=("actual", "730")),
        share("take_or_pay", "share of the size paid whether used or not", default=1.0),
        share("utilisation", "share of the size that is expected to be used", default=1.0),
        number("escalator", "share per year", "yearly rise of the rate", default=0.0, minimum=-0.5, maximum=1.0),
        number(
            "storage_usd_per_gpu_month", "$ per GPU-month",
            "storage billed beside the hours, for each GPU that stands; rises as the rate does", default=0.0,
        ),
        number("network_usd_per_gpu_month", "$ per GPU-month", "network billed beside the hours, alike", default=0.0),
        number("support_usd_per_gpu_month", "$ per GPU-month", "support billed beside the hours, alike", default=0.0),
        share(
            "prepay_fraction", "share of the contract's first-rate value paid at the start and credited over the term",
            default=0.0,
        ),
        flag("all_or_nothing", "taken at its greatest size or not at all"),
        flag("single_fabric", "must stand on one fabric: one site, or campuses linked by fibre"),
        names("regions", "regions in which it may stand", blank="any"),
        names("sites", "sites on which it may stand", blank="any", refers_to="sites.site_id"),
        number("max_co2_kg_per_mwh", "kg per MWh", "dirtiest power that it accepts", blank="any power"),
        whole(
            "notice_months", "months", "notice by which the customer may end it when the market has fallen",
            blank="no such right",
        ),
        whole("notice_from_month", "months", "months of term before notice can be given", default=0),
        share("notice_margin", "notice is given when the market is this share below the rate", default=0.1),
        whole("renewal_term_months", "months", "length of its next term", default=0),
        share("renewal_probability", "chance of that next term", default=0.0),
        number("renewal_rate_share", "share of the last rate", "rate of the next term", default=1.0),
        share("late_penalty", "share of the monthly fee paid for each month late", default=0.0),
        whole(
            "late_grace_months", "months",
            "months late after which the customer walks away; a plan may begin it late within them",
            blank="never; a plan then begins it on its date",
        ),
        share(
            "sla_credit", "share of the monthly fee credited when the power is available less than 99 % of the hours",
            default=0.0,
        ),
        share(
            "goodput_promised", "share of the GPU-hours that do useful work for the customer, as promised",
            blank="nothing is promised",
        ),
        share("goodput_expected", "share that is expected to be delivered, where no factor draws it", default=1.0),
        number(
            "goodput_credit", "share of the fee per share of the GPU-hours",
            "what is credited of the monthly fee for each share of goodput below the promise, all of it at most",
            default=1.0, maximum=100.0,
        ),
        number(
            "curtailable_hours_per_year", "hours per year",
            "hours without power that the customer accepts; on power curtailed for more it is served from the firm "
            "share alone",
            default=0.0, maximum=8760.0,
        ),
        share(
            "curtailment_discount", "share of the rate taken off in months in which it may be curtailed", default=0.0
        ),
        number(
            "curtailment_notice_hours", "hours", "least warning with which it can be curtailed", default=0.0
        ),
        flag("signed", "signed already: its prepayment has been received"),
        flag("committed", "must be served at its least size, or at its greatest when all-or-nothing"),
        SOURCE,
    ),
)

SERVICES = ("storage_usd_per_gpu_month", "network_usd_per_gpu_month", "support_usd_per_gpu_month")
"""Columns of `leases` that are billed by the GPU and month, beside its hours."""

LEASE_RAMP = Table(
    "lease_ramp",
    "How a lease grows in its first months; months not listed are at full size and rate.",
    "a month of a lease's term",
    ("lease_id", "month_of_term"),
    (
        text("lease_id", "the lease", required=True, refers_to="leases.lease_id"),
        whole("month_of_term", "months", "0 is the first month", required=True),
        share("size_share", "share of the size that stands and is billed", default=1.0),
        share("rate_share", "share of the rate that is billed", default=1.0),
        SOURCE,
    ),
)

LEASE_TRANCHES = Table(
    "lease_tranches",
    "A lease delivered in parts, each with its own date and right to walk away; a lease without rows comes at once.",
    "a tranche of a lease",
    ("lease_id", "tranche"),
    (
        text("lease_id", "the lease", required=True, refers_to="leases.lease_id"),
        text("tranche", "short name", required=True),
        share(
            "size_share", "share of the lease's size that it brings; those of a lease add up to 1", required=True,
            above=0.0,
        ),
        whole(
            "starts_after_months", "months",
            "months after the start of the lease at which it is due; its term runs from there as long as the lease's",
            default=0,
        ),
        whole(
            "late_grace_months", "months",
            "months late after which the customer walks away from it; a plan may begin it late within them",
            blank="as the lease says",
        ),
        flag(
            "may_terminate", "whether the customer may walk away from it when it comes later than its grace",
            default=True,
        ),
        SOURCE,
    ),
)

LEASE_RATES = Table(
    "lease_rates",
    "What a lease pays for each SKU it accepts, by tier: a declining schedule is a demand curve.",
    "a SKU that a lease accepts, at a tier",
    ("lease_id", "gpu_id", "tier"),
    (
        text("lease_id", "the lease", required=True, refers_to="leases.lease_id"),
        text("gpu_id", "the SKU", required=True, refers_to="gpus.gpu_id"),
        whole("tier", "number", "1 is served first", default=1, minimum=1),
        number("usd_per_gpu_hour", "$ per GPU-hour", "rate for each GPU of this SKU", required=True),
        number(
            "gpus_per_unit", "GPUs per unit of size", "GPUs of this SKU that make one unit of the lease",
            blank=(
                "1000 / it_kw for a lease in MW; else one GPU of the strongest SKU accepted, and more of weaker ones "
                "by performance"
            ),
            above=0.0,
        ),
        number("max_units", "GPUs or MW of critical IT", "most units at this rate", blank="no limit but the lease's"),
        SOURCE,
    ),
)

MARKET = Table(
    "market",
    "On-demand demand for each SKU, by tier.",
    "a tier of a SKU",
    ("gpu_id", "tier"),
    (
        text("gpu_id", "the SKU", required=True, refers_to="gpus.gpu_id"),
        whole("tier", "number", "1 is the dearest", default=1, minimum=1),
        number("usd_per_gpu_hour", "$ per GPU-hour", "price of the tier", blank="by price_curve"),
        text(
            "price_curve", "price of the tier by month", refers_to="curves.curve_id", scalar_of="usd_per_gpu_hour",
            blank="the scalar column holds in every month",
        ),
        number("depth_gpus", "GPUs", "GPUs that the tier absorbs", blank="no limit"),
        share("utilisation", "share of the hours that are let", default=0.75),
        SOURCE,
    ),
)

MINING = Table(
    "mining",
    "Mining halls that stand on a site and draw on its power.",
    "a mining hall",
    ("site_id",),
    (
        text("site_id", "the site", required=True, refers_to="sites.site_id"),
        number("utility_mw", "MW of contracted power", "load of the miners", required=True, above=0.0),
        number("joules_per_th", "J per TH", "efficiency of the miners", required=True, above=0.0),
        share("uptime", "share of the hours", default=0.95),
        number("opex_usd_per_mwh", "$ per MWh", "pool fees, repair and staff", default=0.0),
        number("hashprice_usd_per_ph_day", "$ per PH/s and day", "income of a unit of hashrate", blank="by curve"),
        curve("hashprice_usd_per_ph_day", "income of a unit of hashrate by month"),
        share("convertible_fraction", "share of utility_mw whose halls can be converted", default=0.0),
        number(
            "resale_usd_per_kw", "$ per kW of contracted power", "price of the miners when their hall is converted",
            default=0.0,
        ),
        month("earliest_stop", "month before which no mining hall may be converted", blank="the start of the case"),
        SOURCE,
    ),
)

CURVES = Table(
    "curves",
    "Anything that changes by month: a value holds from its month until the next one given; the last goes on.",
    "a month of a curve",
    ("curve_id", "month"),
    (
        text("curve_id", "name of the curve", required=True),
        month("month", "first month in which the value holds", required=True),
        number("value", "see unit", "the value", required=True, minimum=None),
        text("unit", "unit of the value", required=True),
        SOURCE,
    ),
)

LINKS = Table(
    "links",
    "Networks between a site and a lease, or between two sites; pairs not listed are allowed at no cost.",
    "a site and a lease, or two sites",
    ("site_id", "other_site_id", "lease_id"),
    (
        text("site_id", "the site", required=True, refers_to="sites.site_id"),
        text("other_site_id", "the other site, for a fibre link", default="", refers_to="sites.site_id"),
        text("lease_id", "the lease, for its network", default="", refers_to="leases.lease_id"),
        flag("allowed", "whether the lease may stand here, or the sites may be linked", default=True),
        number(
            "network_usd_per_gpu_hour", "$ per GPU-hour", "cost of reaching the customer from this site", default=0.0
        ),
        number("fibre_capex_usd", "$", "cost of the fibre between the two sites", default=0.0),
        SOURCE,
    ),
)

BUDGET = Table(
    "budget",
    "New capital by quarter, or a floor under cumulative cash; quarters not listed bring no new capital.",
    "a quarter",
    ("quarter",),
    (
        quarter("quarter", "calendar quarter", required=True),
        number("new_capital_usd", "$", "new capital for capex, deposits and upfront charges", blank="no budget"),
        number(
            "cash_floor_usd", "$", "cumulative after-tax cash may not be lower at the end of the quarter",
            blank="no floor", minimum=None,
        ),
        SOURCE,
    ),
)

DEBT = Table(
    "debt",
    "Loans drawn on the capex of each asset; never a decision.",
    "an asset class",
    ("asset_class",),
    (
        text("asset_class", "what is financed", required=True, choices=("gpu", "shell", "power")),
        share("advance_rate", "share of capex that is lent", required=True),
        number("interest_rate", "share per year", "interest on the outstanding loan", required=True, maximum=1.0),
        whole("tenor_months", "months", "months from draw to last repayment", required=True, minimum=1),
        whole("grace_months", "months", "months without repayment", default=0),
        text(
            "amortisation", "level: equal instalments; straight: equal principal", default="level",
            choices=("level", "straight"),
        ),
        SOURCE,
    ),
)

FLEET = Table(
    "fleet",
    "GPUs owned at the start.",
    "GPUs of one SKU at one site, bought in one month",
    ("site_id", "gpu_id", "bought"),
    (
        text("site_id", "where they stand", required=True, refers_to="sites.site_id"),
        text("gpu_id", "the SKU", required=True, refers_to="gpus.gpu_id"),
        whole("gpus", "GPUs", "how many", required=True, minimum=1),
        month("bought", "month of delivery, before the start", required=True),
        number("tax_basis_usd_per_gpu", "$ per GPU", "cost not yet depreciated for tax", default=0.0),
        text("lease_id", "lease that they serve at the start", default="", refers_to="leases.lease_id"),
        SOURCE,
    ),
)

STRESSES = Table(
    "stresses",
    "Named changes to the case; rows of one name act together.",
    "a change",
    ("stress", "target"),
    (
        text("stress", "name of the stress", required=True),
        text(
            "target", "what is changed: table.column, or table.column[id], or table.column[column=value]", required=True
        ),
        text(
            "change", "multiply by, add (months for dates), or set to the value", required=True,
            choices=("multiply", "add", "set"),
        ),
        text("value", "the factor, the shift or the new value", required=True),
        SOURCE,
    ),
)

FACTORS = Table(
    "factors",
    "What moves at random around its forward curve: multipliers of mean one; and what happens once: delays, capex over "
    "budget, how much of a lease is offered.",
    "a factor",
    ("factor_id",),
    (
        text("factor_id", "short name", required=True),
        text(
            "model",
            "how it moves: geometric Brownian motion; back to its mean; glut and shortage; delays with chances; shares "
            "with chances; one triangular draw; or imported when futures are made",
            required=True,
            choices=("gbm", "mean_reverting", "two_regimes", "discrete_delay", "discrete", "triangular", "given"),
        ),
        text(
            "drives",
            "what it multiplies: market (on-demand prices of all SKUs), market[gpu_id], curves[curve_id], utilisation "
            "(on demand), hashprice (all mining halls); or, once in a future, delay[source_id:phase], construction or "
            "construction[site_id] (months by which new halls come late), delivery or delivery[gpu_id] (GPUs), capex "
            "or capex[gpu, shell or power] (what is paid over budget), goodput[lease_id] (the share that is delivered: "
            "discrete or triangular), offered_size[lease_id] (the share of what is "
            "sold of a lease that its customer really takes: discrete or triangular)",
            required=True,
        ),
        number(
            "volatility_per_year", "1 per square root of a year",
            "standard deviation of the yearly change of its logarithm",
            blank="none; gbm, mean_reverting and two_regimes need one", maximum=5.0,
        ),
        number(
            "reversion_per_year", "1 per year", "speed of return to the mean; ln 2 over it is the half-life",
            blank="none; mean_reverting needs one", above=0.0,
        ),
        number(
            "drift_glut_per_year", "1 per year", "drift of its logarithm's mean in glut, against that in shortage",
            blank="none; two_regimes needs one", minimum=-5.0, maximum=5.0,
        ),
        number(
            "drift_shortage_per_year", "1 per year", "drift of its logarithm's mean in shortage, against that in glut",
            blank="none; two_regimes needs one", minimum=-5.0, maximum=5.0,
        ),
        number("stay_glut_months", "months", "mean length of a glut", blank="none; two_regimes needs one", minimum=1.0),
        number(
            "stay_shortage_months", "months", "mean length of a shortage", blank="none; two_regimes needs one",
            minimum=1.0,
        ),
        flag("starts_in_shortage", "whether the start of the case is one of shortage"),
        text(
            "outcomes",
            "chances of a discrete_delay as MONTHS:PROBABILITY;...: 0:0.5;6:0.3;18:0.2, or of a discrete share: "
            "0:0.1;0.5:0.3;1:0.6",
            blank="none; discrete_delay and discrete need them",
        ),
        number(
            "low", "months, or share",
            "least draw of a triangular factor, against the date or the budget of the base case; early or under "
            "budget below 0; of an offered size the share itself, 0 to 1",
            blank="none; triangular needs one", minimum=-60.0,
        ),
        number(
            "mode", "months, or share", "likeliest draw", blank="none; triangular needs one", minimum=-60.0,
            maximum=120.0,
        ),
        number(
            "high", "months, or share", "greatest draw", blank="none; triangular needs one", minimum=-60.0,
            maximum=120.0,
        ),
        whole(
            "announced_months", "months",
            "how long before a promised date it is announced that it slips, where a plan decides again later; of "
            "delays, construction and delivery",
            default=6,
        ),
        SOURCE,
    ),
)

CORRELATIONS = Table(
    "correlations",
    "What moves together, by a Gaussian copula: factors, and delays, defaults and renewals; pairs not listed are "
    "independent.",
    "a pair of factors, or all pairs of one list with another",
    ("factor_a", "factor_b"),
    (
        names(
            "factor_a",
            "factors, or delay[source_id:phase], default[customer_id], renewal[lease_id], offer[lease_id], or all with "
            "a value in a column: delay[kind=grid]. A greater delay comes later, a greater default comes later, a "
            "greater renewal or offer is likelier",
            required=True,
        ),
        names("factor_b", "the others, written alike", required=True),
        number(
            "correlation", "number",
            "correlation of their monthly shocks, or of a delay, default or renewal with the sum of shocks over the "
            "horizon",
            required=True, minimum=-1.0, maximum=1.0,
        ),
        SOURCE,
    ),
)

TABLES: dict[str, Table] = {
    table.name: table
    for table in (
        SITES, SITE_GROUPS, POWER, EXIT_FEES, GPUS, RESALE, GPU_SUPPLY, CUSTOMERS, CUSTOMER_SHARES, LEASES, LEASE_RAMP,
        LEASE_TRANCHES, LEASE_RATES, MARKET, MINING, CURVES, LINKS, BUDGET, DEBT, FLEET, STRESSES, FACTORS,
        CORRELATIONS,
    )
}
