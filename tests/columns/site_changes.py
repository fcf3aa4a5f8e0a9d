"""Changes of sites, their groups, the links between them and the mining halls that stand on them."""

from __future__ import annotations

from columns.change import Change, Moves

UP, DOWN, REFUSED = Moves.UP, Moves.DOWN, Moves.REFUSED

SITE_CHANGES = (
    Change("pair", "sites.region[mesa]=west", DOWN, "half of the lease has lost its region"),
    Change("campus", "sites.critical_it_mw[mesa]=3", DOWN, "less room for GPUs that pay"),
    Change("campus", "sites.existing_it_mw[mesa]=2", UP, "halls that stand need not be built"),
    Change(
        "campus", "sites.liquid_cooled_it_mw[mesa]=2", DOWN, "fewer GPUs can be cooled", ("gpus.cooling[gb]=liquid",)
    ),
    Change("campus", "sites.max_rack_kw[mesa]=120", DOWN, "a rack of 64 x 2 kW is too heavy for the floor"),
    Change("cluster", "sites.pue[river]=1.3", DOWN, "cooling draws more energy"),
    Change("cluster", "sites.load_factor[river]=0.9", DOWN, "the same income for more energy"),
    Change("campus", "sites.ready_month[mesa]=2028-01", DOWN, "income begins later"),
    Change("campus", "sites.build_lead_months[mesa]=12", DOWN, "income begins later"),
    Change("campus", "sites.build_mw_per_quarter[mesa]=1", DOWN, "most halls come later"),
    Change("campus", "sites.shell_capex_usd_per_kw[mesa]=5000", DOWN, "halls cost more"),
    Change(
        "campus", "sites.shell_rent_usd_per_kw_month[mesa]=80", DOWN, "rent is dearer",
        ("sites.shell_capex_usd_per_kw[mesa]=", "sites.shell_rent_usd_per_kw_month[mesa]=50"),
    ),
    Change("pit", "sites.conversion_capex_usd_per_kw[pit]=5000", DOWN, "the conversion costs more"),
    Change("pit", "sites.conversion_lead_months[pit]=15", DOWN, "the converted hall earns later"),
    Change("campus", "sites.shell_residual[mesa]=0.5", UP, "halls given up at the end fetch more"),
    Change("campus", "sites.opex_usd_per_kw_month[mesa]=30", DOWN, "halls cost more to run"),
    Change("campus", "sites.opening_cost_usd[mesa]=1000000", DOWN, "the site costs more to open"),
    Change("pair", "sites.max_cluster_gpus=500", DOWN, "two campuses of 500 GPUs cannot hold a cluster of 1,200"),
    Change("pair", "sites.fabric_group[mesa]=", DOWN, "no fibre, so no fabric large enough for the lease"),
    Change("pair", "sites.site_group[mesa]=west", DOWN, "the substation of the other group carries less"),
    Change("pair", "site_groups.max_contracted_mw[east]=3", DOWN, "the substation carries less than the lease needs"),
)

LINK_CHANGES = (
    Change("pair", "links.site_id[bare::train]=river", DOWN, "the network is paid for GPUs that stand there"),
    Change(
        "pair", "links.other_site_id[river:mesa]=bare", UP,
        "the two campuses are no longer a listed pair, and unlisted ones are linked at no cost",
    ),
    Change(
        "estate", "links.lease_id[river::train]=hall", REFUSED, "the tenant of a hall pays its network",
        said="a lease that brings its own GPUs",
    ),
    Change("pair", "links.allowed[river:mesa]=no", DOWN, "no fibre, so no fabric large enough for the lease"),
    Change("estate", "links.network_usd_per_gpu_hour[river::train]=0.05", DOWN, "the network is dearer"),
    Change("pair", "links.fibre_capex_usd[river:mesa]=300000", DOWN, "the fibre is dearer"),
)

MINING_CHANGES = (
    Change("pit", "mining.site_id=lake", DOWN, "at the other site power comes late, and nothing can be converted"),
    Change("pit", "mining.utility_mw[pit]=4", DOWN, "fewer miners that pay"),
    Change("pit", "mining.joules_per_th[pit]=25", DOWN, "a MWh yields fewer hashes"),
    Change("pit", "mining.uptime[pit]=0.95", UP, "more hours of a load that pays"),
    Change("pit", "mining.opex_usd_per_mwh[pit]=8", DOWN, "miners cost more to run"),
    Change(
        "pit", "mining.hashprice_usd_per_ph_day[pit]=60", UP, "hashes fetch more",
        ("mining.hashprice_curve[pit]=", "mining.hashprice_usd_per_ph_day[pit]=50"),
    ),
    Change("pit", "mining.hashprice_curve[pit]=high_hash", UP, "hashes fetch more"),
    Change("pit", "mining.convertible_fraction[pit]=0.8", UP, "GPUs earn more on a MW than miners"),
    Change("pit", "mining.resale_usd_per_kw[pit]=80", UP, "the miners of converted halls fetch more"),
    Change("pit", "mining.earliest_stop[pit]=2027-09", DOWN, "GPUs replace the miners later"),
)
