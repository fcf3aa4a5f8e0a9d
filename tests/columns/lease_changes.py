"""Changes of customers, leases, their ramps and their rates."""

from __future__ import annotations

from columns.change import Change, Moves

UP, DOWN, REFUSED = Moves.UP, Moves.DOWN, Moves.REFUSED
_LATE_POWER = (
    "power.status[river_grid]=approved", "power.energised[river_grid]=2027-10", "power.delay_low_months=0",
    "power.delay_mode_months=0", "power.delay_high_months=0",
)
_LATE_LEASE = (*_LATE_POWER, "leases.late_grace_months[train]=6")
_TOO_LARGE = ("leases.max_size[train]=4000",)
_NOTICE = ("leases.notice_months[train]=1",)
_SMALL_LEASE = ("leases.max_size[train]=400", "lease_rates.usd_per_gpu_hour[train:old]=4")
_LATE_STAGES = tuple(edit.replace("2027-10", "2027-04") for edit in _LATE_POWER)
_CAPPED = ("customer_shares.max_revenue_share[lab:2028]=0.2",)

CUSTOMER_CHANGES = (
    Change("cluster", "customers.rating[lab]=CCC", DOWN, "a worse rating defaults more often"),
    Change("cluster", "customers.default_rate_per_year[lab]=0.3", DOWN, "it defaults more often"),
    Change("cluster", "customers.recovery[lab]=0.6", UP, "more is collected after a default"),
    Change("cluster", "customers.guarantor[lab]=fund", UP, "a guarantor that never defaults pays instead"),
    Change("cluster", "customers.max_revenue_share[lab]=0.2", DOWN, "less may come from the best customer"),
    Change("cluster", "customer_shares.max_revenue_share[lab:2028]=0.2", DOWN, "less of the year may come from it"),
    Change(
        "cluster", "customer_shares.customer_id=bank", UP, "the limit falls on a customer without leases", _CAPPED
    ),
    Change("cluster", "customer_shares.year=2031", UP, "the limit falls on a year without revenue", _CAPPED),
)

_CURTAILED = (
    "power.firm_share[river_grid]=0.2", "power.curtailed_hours_per_year[river_grid]=400",
    "leases.curtailable_hours_per_year[train]=400",
)

LEASE_CHANGES = (
    Change(
        "cluster", "leases.curtailable_hours_per_year[train]=400", UP, "the customer takes power that may be curtailed",
        _CURTAILED[:2],
    ),
    Change(
        "cluster", "leases.curtailment_discount[train]=0.1", DOWN, "it pays less where it may be curtailed", _CURTAILED
    ),
    Change(
        "cluster", "leases.curtailment_notice_hours[train]=1", DOWN, "the utility does not warn it", _CURTAILED
    ),
    Change("cluster", "leases.customer_id[train]=bank", DOWN, "the other customer is rated worse"),
    Change(
        "estate", "leases.kind[hall]=gpu", REFUSED, "a cluster is paid by the GPU-hour",
        said="a lease of GPUs with a rate per kW",
    ),
    Change("cluster", "leases.size_unit[train]=it_mw", UP, "2 MW are more than 2 GPUs", ("leases.max_size[train]=2",)),
    Change("cluster", "leases.start[train]=2027-10", DOWN, "the rate above the market comes later"),
    Change("cluster", "leases.term_months[train]=18", UP, "the rate above the market lasts longer"),
    Change(
        "cluster", "leases.term_from[train]=delivery", UP, "months lost at the start are won at the end", _LATE_LEASE
    ),
    Change("cluster", "leases.min_size[train]=4000", DOWN, "more than the site can hold", _TOO_LARGE),
    Change("cluster", "leases.max_size[train]=1200", UP, "more GPUs at a rate above the market"),
    Change("pair", "leases.min_block[train]=900", DOWN, "two blocks are more than the lease, one is less"),
    Change("estate", "leases.usd_per_kw_month[hall]=1600", UP, "the hall is let for more"),
    Change("estate", "leases.energy_by[hall]=landlord", DOWN, "the landlord pays the energy"),
    Change(
        "cluster", "leases.billing_hours[train]=730", DOWN,
        "a term with more long months than short ones has more hours than are billed",
    ),
    Change("cluster", "leases.take_or_pay[train]=1", UP, "more is paid whether used or not"),
    Change("cluster", "leases.utilisation[train]=0.95", UP, "more is used than must be paid"),
    Change("cluster", "leases.escalator[train]=0.05", UP, "the rate rises in the second year"),
    Change("cluster", "leases.storage_usd_per_gpu_month[train]=90", UP, "storage is billed beside the hours"),
    Change("cluster", "leases.network_usd_per_gpu_month[train]=40", UP, "so is the network"),
    Change("cluster", "leases.support_usd_per_gpu_month[train]=25", UP, "and support"),
    Change("cluster", "leases.prepay_fraction[train]=0.3", UP, "more is paid early"),
    Change("cluster", "leases.all_or_nothing[train]=yes", DOWN, "more than the site can hold", _TOO_LARGE),
    Change("pair", "leases.single_fabric[train]=no", UP, "no fibre is needed"),
    Change("pair", "leases.regions[train]=north", DOWN, "one site is too small for the lease"),
    Change("pair", "leases.sites[train]=river", DOWN, "one site is too small for the lease"),
    Change(
        "cluster", "leases.max_co2_kg_per_mwh[train]=200", DOWN, "the grid is too dirty for the lease that pays best"
    ),
    Change("cluster", "leases.notice_months[train]=1", DOWN, "the customer leaves for a market that is cheaper"),
    Change("cluster", "leases.notice_months[train]=6", UP, "the customer leaves later", _NOTICE),
    Change("cluster", "leases.notice_from_month[train]=9", UP, "the customer leaves later", _NOTICE),
    Change("cluster", "leases.notice_margin[train]=0.4", UP, "the market never falls so far below the rate", _NOTICE),
    Change(
        "cluster", "leases.renewal_term_months[train]=1", DOWN,
        "the next term, which pays more than the market, is shorter",
    ),
    Change("cluster", "leases.offer_probability[train]=0.6", DOWN, "the market pays less than the offer"),
    Change("cluster", "leases.renewal_probability[train]=0.9", UP, "the next term pays more than letting again"),
    Change("cluster", "leases.renewal_rate_share[train]=1.2", UP, "the next term pays more"),
    Change("cluster", "leases.late_penalty[train]=0.5", DOWN, "late months cost half of their fee", _LATE_LEASE),
    Change(
        "cluster", "leases.late_grace_months[train]=6", UP, "the customer waits for the power",
        (*_LATE_POWER, "leases.late_grace_months[train]=2"),
    ),
    Change(
        "cluster", "leases.sla_credit[train]=0.1", DOWN, "power below 99 % of the hours costs a credit",
        ("power.availability[river_grid]=0.98",),
    ),
    Change(
        "cluster", "leases.goodput_promised[train]=0.97", DOWN, "more is promised than is delivered",
        ("leases.goodput_promised[train]=0.9", "leases.goodput_expected[train]=0.9"),
    ),
    Change(
        "cluster", "leases.goodput_expected[train]=0.9", DOWN, "less is delivered than is promised",
        ("leases.goodput_promised[train]=0.97",),
    ),
    Change(
        "cluster", "leases.goodput_credit[train]=5", DOWN, "each share that is missed costs five of the fee",
        ("leases.goodput_promised[train]=0.97", "leases.goodput_expected[train]=0.95"),
    ),
    Change("cluster", "leases.signed[train]=yes", DOWN, "the prepayment has been received before the start"),
    Change(
        "cluster", "leases.committed[train]=yes", DOWN, "a lease below the market must be served",
        ("lease_rates.usd_per_gpu_hour[train]=0.5", "leases.min_size[train]=500"),
    ),
)

RATE_CHANGES = (
    Change(
        "estate", "lease_ramp.lease_id=hall", UP, "the cluster begins at full size, the small hall at half",
        ("leases.usd_per_kw_month[hall]=1000",),
    ),
    Change("stages", "lease_tranches.lease_id=side", UP, "all of the larger lease comes, and pays, at once"),
    Change(
        "stages", "lease_tranches.size_share[train:one]=0.9", REFUSED, "the others bring the rest of the lease",
        said="add up to 1.4",
    ),
    Change(
        "stages", "lease_tranches.starts_after_months[train:two]=12", UP,
        "the GPUs of the first tranche, which has ended by then, serve the second",
    ),
    Change(
        "stages", "lease_tranches.late_grace_months[train:two]=1", DOWN,
        "the second tranche does not wait for the power, and the first is not sold without it",
        (
            *_LATE_STAGES, "leases.late_grace_months[train]=3", "lease_tranches.starts_after_months[train:two]=1",
        ),
    ),
    Change("cluster", "lease_ramp.month_of_term[train]=6", UP, "the month that pays less comes later"),
    Change("cluster", "lease_ramp.size_share[train]=0.9", UP, "more GPUs earn in the first month"),
    Change("cluster", "lease_ramp.rate_share[train]=1", UP, "the first month pays the full rate"),
    Change(
        "estate", "lease_rates.lease_id[train:old]=hall", REFUSED, "a hall is paid by the kW",
        said="a rate per GPU for a hosting lease",
    ),
    Change("pair", "lease_rates.gpu_id[train]=mini", DOWN, "the lease takes only a SKU that costs too much"),
    Change(
        "cluster", "lease_rates.tier[train:gb:1]=3", REFUSED, "tiers fall from the dearest",
        said="more than the tier before it",
    ),
    Change("cluster", "lease_rates.usd_per_gpu_hour[train:gb:1]=4.2", UP, "the lease pays more"),
    Change(
        "estate", "lease_rates.gpus_per_unit[train:old]=2", UP,
        "it takes more GPUs to fill the lease, each paid the rate", _SMALL_LEASE,
    ),
    Change("cluster", "lease_rates.max_units[train:gb:1]=500", DOWN, "fewer GPUs at the dear tier"),
)
