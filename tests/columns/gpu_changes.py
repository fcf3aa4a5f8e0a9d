"""Changes of SKUs, their resale and supply, the fleet, the market, and the curves behind prices."""

from __future__ import annotations

from columns.change import Change, Moves

UP, DOWN = Moves.UP, Moves.DOWN
_SMALL_LEASE = ("leases.max_size[train]=400", "lease_rates.usd_per_gpu_hour[train:old]=4")
"""A lease that pays the fleet well, and is full before the fleet is used up."""

GPU_CHANGES = (
    Change("campus", "gpus.it_kw[gb]=2.15", DOWN, "a MW carries fewer GPUs"),
    Change(
        "campus", "gpus.cooling[gb]=liquid", DOWN, "little of the site can be liquid-cooled",
        ("sites.liquid_cooled_it_mw[mesa]=2",),
    ),
    Change("campus", "gpus.rack_kw[gb]=150", DOWN, "too heavy for the floor", ("sites.max_rack_kw[mesa]=140",)),
    Change(
        "campus", "gpus.gpus_per_rack[gb]=72", DOWN, "72 x 2 kW are too heavy for the floor",
        ("sites.max_rack_kw[mesa]=140",),
    ),
    Change("cluster", "gpus.capex_usd[gb]=32000", DOWN, "GPUs cost more"),
    Change("campus", "gpus.capex_curve[gb]=high_price", DOWN, "GPUs cost more"),
    Change("campus", "gpus.deposit_fraction[gb]=0.5", DOWN, "more is paid before delivery"),
    Change("campus", "gpus.deposit_lead_months[gb]=6", DOWN, "the deposit is paid earlier"),
    Change("campus", "gpus.life_months[gb]=18", DOWN, "GPUs fall out while they still pay"),
    Change("cluster", "gpus.upkeep_usd_per_month[gb]=80", DOWN, "GPUs cost more to keep"),
    Change(
        "estate", "gpus.performance[old]=0.5", UP, "it takes more GPUs to fill the lease, each paid the rate",
        _SMALL_LEASE,
    ),
    Change("campus", "gpus.order_lead_months[gb]=12", DOWN, "first deliveries come later"),
    Change("cluster", "gpus.spare_fraction[gb]=0.15", DOWN, "more GPUs stand as spares"),
    Change("pair", "resale.gpu_id=mini", DOWN, "the SKU in use fetches nothing"),
    Change("cluster", "resale.age_months[gb:24]=36", UP, "GPUs hold their value longer"),
    Change("cluster", "resale.value_share[gb:24]=0.5", UP, "GPUs fetch more when they are sold"),
    Change("campus", "gpu_supply.gpu_id=mini", UP, "the limit falls on a SKU that nobody wants"),
    Change("campus", "gpu_supply.quarter=2029-Q4", UP, "the limit falls on a quarter without deliveries"),
    Change("campus", "gpu_supply.max_gpus[gb]=100", DOWN, "fewer can be had when power is there"),
)

FLEET_CHANGES = (
    Change("estate", "fleet.site_id=dark", DOWN, "GPUs without power earn nothing"),
    Change("estate", "fleet.gpu_id=gb", UP, "the fleet is of a SKU that earns more"),
    Change("estate", "fleet.gpus=600", UP, "more GPUs that are paid for"),
    Change("estate", "fleet.bought=2026-01", UP, "a younger fleet fetches more in the end"),
    Change("estate", "fleet.tax_basis_usd_per_gpu=8000", UP, "more is left to write off"),
    Change("estate", "fleet.lease_id=train", DOWN, "the cheap SKU is tied to a lease that pays more for the other"),
)

MARKET_CHANGES = (
    Change("campus", "market.gpu_id=mini", DOWN, "nobody wants the SKU that pays"),
    Change(
        "cluster", "market.tier[gb:1]=3", DOWN, "what is let again is let at the top tier, which is now the cheap one"
    ),
    Change("cluster", "market.usd_per_gpu_hour[gb:2]=2.2", UP, "the market pays more"),
    Change("cluster", "market.price_curve[gb:1]=high_spot", UP, "the market pays more"),
    Change("cluster", "market.depth_gpus[gb:1]=800", UP, "more GPUs are let at the dear tier"),
    Change("cluster", "market.utilisation[gb:1]=0.9", UP, "more hours are let"),
)

CURVE_CHANGES = (
    Change("cluster", "curves.month[spot:2028-01]=2028-07", UP, "the high price holds longer"),
    Change("cluster", "curves.value[spot:2028-01]=3.0", UP, "the market pays more"),
    Change(
        "cluster", "curves.unit[spot]=$ per GPU-day", Moves.NOTED, "a price per day stands where one per hour belongs",
        said="curve spot is in",
    ),
)
