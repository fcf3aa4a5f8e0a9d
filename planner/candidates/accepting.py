"""`accept`: a lease taken, 0/1, on one fabric where it must be; `block`, a site among those it stands on;
`fabric`: a fibre link between campuses; and the limits on a lease's volume."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
import numpy.typing as npt

from kernels.lines import Line
from kernels.terms import Term, WindowTerm
from planner.arrays import Floats, Ints
from planner.candidates.builder import CandidateBuilder
from planner.candidates.columns import Columns, codes_of, least_by, stacked
from planner.candidates.fabrics import NO_LINK, Fabrics
from planner.candidates.kinds import Kind
from planner.candidates.lease_offers import delivered_shares, lease_windows
from planner.candidates.outlook import Outlook
from planner.candidates.resources import Family
from planner.candidates.tranches import part_shares, part_sizes
from planner.case.table_arrays import NO_ROW


def add_accepting(builder: CandidateBuilder) -> None:
    """Volumes, tiers, all-or-nothing, least sizes, blocks and fabrics of all leases."""
    served = _served(builder)
    _refuse_unserved(builder, served["lease"])
    if not len(served):
        return
    fabrics = _add_links(builder)
    accepts = _add_accepts(builder, accept_options(builder.outlook, served, fabrics), fabrics)
    _volumes(builder, served, accepts)
    _tranches(builder, served)
    _tiers(builder, served)
    _add_blocks(builder, served)
    _stand_on_fabric(builder, served, accepts, fabrics)
    _fleet_serves(builder, served)


def _served(builder: CandidateBuilder) -> Columns:
    """Ways to serve leases: columns lease, tranche, site, gpu, tier, from_month, number, units of the lease's size."""
    none = np.zeros(0, dtype=np.int64)
    wanted = ("lease", "tranche", "site", "gpu", "tier", "upper", "from_month")
    parts = [Columns(0, **{**dict.fromkeys(wanted, none), "upper": np.zeros(0), "number": none})]
    for block in builder.of_kind(Kind.SERVE, Kind.HOST):
        parts.append(block.columns.only(*wanted).having(number=block.numbers))
    served = stacked(parts)
    return served.having(units=part_sizes(builder.outlook.tables, served) / served["upper"])


def least_sizes(outlook: Outlook) -> Floats:
    """The least size of each lease if it is taken, as far as it is delivered within the case, (leases,)."""
    leases = outlook.tables["leases"]
    least = np.where(leases.flags("all_or_nothing"), leases.floats("max_size"), leases.floats("min_size"))
    return np.asarray(least * delivered_shares(outlook))


def _once(builder: CandidateBuilder, numbers: Ints, resource: Ints, coefficient: Floats | float) -> None:
    """Uses that do not depend on the month."""
    builder.book.uses.add(numbers, resource, coefficient, 0, 1)


def _no_cash(builder: CandidateBuilder, count: int) -> WindowTerm:
    return builder.lump(Line.CAPEX, np.zeros(count), np.zeros(count, dtype=np.int64))


def _lease_at_site(builder: CandidateBuilder) -> Callable[[int, int], tuple[str, str]]:
    return lambda lease, site: (builder.names.lease(lease), builder.names.site(site))


# --- fabrics -----------------------------------------------------------------------------------------------------


def _add_links(builder: CandidateBuilder) -> Fabrics:
    """A link for each fabric group whose pairs of sites may all be linked; returns the fabrics with their numbers."""
    fabrics = Fabrics.of(builder.outlook)
    cost = fabrics.capex_usd
    if not len(cost):
        return fabrics
    month = np.zeros(len(cost), dtype=np.int64)
    profile = builder.written_off_by("shell", np.full(len(cost), builder.outlook.last_month))
    terms: list[Term] = [
        builder.lump(Line.CAPEX, -cost, month), builder.schedule(Line.DEPRECIATION, cost, profile, month)
    ]
    columns = Columns(len(cost), unit="0/1", upper=1.0, integral=True, fabric=fabrics.linked)
    block = builder.add(Kind.FABRIC, lambda: [f"fabric:{group}" for group in fabrics.groups], columns, terms)
    return fabrics.numbered(block.numbers)


# --- taking a lease ----------------------------------------------------------------------------------------------


def accept_options(outlook: Outlook, served: Columns, fabrics: Fabrics) -> Columns:
    """One row per decision to take a lease: once, or once per fabric on which it could stand; columns lease, fabric,
    link."""
    leases = outlook.tables["leases"]
    single = leases.flags("single_fabric")
    where = served.take(single[served["lease"]]).only("lease", "site")
    where = where.take(codes_of([where["lease"], where["site"]])[1]).joined(fabrics.sites, "site")
    where = where.take(codes_of([where["lease"], where["fabric"]])[1])
    # Leases in the order of their table, each with its fabrics in the order in which they were met.
    on_fabric = where.take(np.argsort(where["lease"], kind="stable")).only("lease", "fabric", "link")
    known = np.isin(np.arange(len(leases)), served["lease"])
    decided = np.flatnonzero(known & ~single & (least_sizes(outlook) > 0.0))
    alone = Columns(lease=decided, fabric=np.full(len(decided), NO_ROW), link=np.full(len(decided), NO_LINK))
    return stacked([on_fabric, alone])


def _add_accepts(builder: CandidateBuilder, options: Columns, fabrics: Fabrics) -> Columns:
    """The decisions as candidates without cash of their own; returns the options with their numbers."""
    if not len(options):
        return options.having(number=np.zeros(0, dtype=np.int64))
    names, lease, fabric = builder.names, options["lease"], options["fabric"]
    columns = Columns(
        lease=lease, customer=builder.outlook.tables["leases"].rows_of("customer_id")[lease], unit="0/1", upper=1.0,
        integral=True, fabric=fabric, decide_by=builder.outlook.answer_months[lease],
    )

    def on_fabric(taken: int, place: int) -> str:
        return f"{names.leases[taken]}:{fabrics.names[place]}"

    def ids() -> Sequence[str]:
        pairs = zip(lease.tolist(), fabric.tolist(), strict=True)
        return [
            f"accept:{names.leases[taken] if place == NO_ROW else on_fabric(taken, place)}" for taken, place in pairs
        ]

    options = options.having(number=builder.add(Kind.ACCEPT, ids, columns, [_no_cash(builder, len(options))]).numbers)
    linked = options.take(options["link"] != NO_LINK)
    if len(linked):
        resource = builder.book.resources(Family.FABRIC, (linked["lease"], linked["fabric"]), on_fabric)
        _once(builder, linked["number"], resource, 1.0)
        _once(builder, linked["link"], resource, -1.0)
    placed = options.take(options["fabric"] != NO_ROW)
    if len(placed):
        _once(
            builder, placed["number"], builder.book.resources(Family.ACCEPTED_ONCE, placed["lease"], names.lease, 1.0),
            1.0,
        )
    return options


def _volumes(builder: CandidateBuilder, served: Columns, accepts: Columns) -> None:
    """least x accept <= units served <= size x accept; without a decision, units served <= size."""
    leases, book, name = builder.outlook.tables["leases"], builder.book, builder.names.lease
    size = leases.floats("max_size") * delivered_shares(builder.outlook)
    committed, least = leases.flags("committed"), least_sizes(builder.outlook)
    decided: npt.NDArray[np.bool_] = np.isin(np.arange(len(leases)), accepts["lease"])

    free = served.take(~decided[served["lease"]])
    if len(free):
        _once(
            builder, free["number"], book.resources(Family.VOLUME, free["lease"], name, size[free["lease"]]),
            free["units"],
        )
    bound = served.take(decided[served["lease"]])
    if len(bound):
        _once(builder, bound["number"], book.resources(Family.VOLUME, bound["lease"], name), bound["units"])
        _once(
            builder, accepts["number"], book.resources(Family.VOLUME, accepts["lease"], name), -size[accepts["lease"]]
        )
        optional = bound.take(~committed[bound["lease"]])
        _once(
            builder, optional["number"], book.resources(Family.LEAST_VOLUME, optional["lease"], name),
            -optional["units"],
        )
        taken = accepts.take(~committed[accepts["lease"]])
        _once(
            builder, taken["number"], book.resources(Family.LEAST_VOLUME, taken["lease"], name), least[taken["lease"]]
        )
    must = served.take((committed & (least > 0.0))[served["lease"]])
    if len(must):
        _once(
            builder, must["number"], book.resources(Family.LEAST_VOLUME, must["lease"], name, -least[must["lease"]]),
            -must["units"],
        )


def _tranches(builder: CandidateBuilder, served: Columns) -> None:
    """Units of a tranche over its share are those of each other tranche of the lease that is delivered within the case:
    none above the next, round to the first."""
    of, windows = builder.outlook.tables["lease_tranches"].rows_of("lease_id"), lease_windows(builder.outlook)
    live, names = np.setdiff1d(windows["tranche"], [NO_ROW]), builder.names
    before = np.full(len(of), NO_ROW)
    for lease in np.unique(of[live]).tolist():
        mine = live[of[live] == lease]
        before[mine] = np.roll(mine, 1)
    rows = served.take(served["tranche"] != NO_ROW)
    rows = rows.take(before[rows["tranche"]] != rows["tranche"])  # a single one is held by nothing
    whole = rows["units"] / part_shares(builder.outlook.tables, rows["tranche"])
    for tranche, sign in ((rows["tranche"], 1.0), (before[rows["tranche"]], -1.0)) if len(rows) else ():
        resource = builder.book.resources(
            Family.TRANCHE, tranche, lambda at: (names.lease(int(of[at])), str(names.tranches[at]))
        )
        _once(builder, rows["number"], resource, sign * whole)


def _refuse_unserved(builder: CandidateBuilder, served: Ints) -> None:
    """A committed lease that nothing can serve: its least size is asked for all the same, so that no plan is one."""
    leases, least = builder.outlook.tables["leases"], least_sizes(builder.outlook)
    number = np.arange(len(leases))
    due = np.isin(number, lease_windows(builder.outlook)["lease"])
    lost = np.flatnonzero(leases.flags("committed") & due & ~np.isin(number, served) & (least > 0.0))
    if not len(lost):
        return
    names = builder.names.leases
    columns = Columns(lease=lost, customer=leases.rows_of("customer_id")[lost], unit="0/1", upper=0.0, integral=True)
    block = builder.add(
        Kind.ACCEPT, lambda: [f"accept:{name}" for name in names[lost]], columns, [_no_cash(builder, len(lost))]
    )
    _once(
        builder, block.numbers,
        builder.book.resources(Family.LEAST_VOLUME, lost, lambda at: str(names[at]), -least[lost]), -least[lost],
    )


def _tiers(builder: CandidateBuilder, served: Columns) -> None:
    """Units served at a rate stay within what is offered at that rate."""
    rates, names = builder.outlook.tables["lease_rates"], builder.names
    limited = np.flatnonzero(rates.given("max_units"))
    offered = Columns(
        lease=rates.rows_of("lease_id")[limited], gpu=rates.rows_of("gpu_id")[limited],
        tier=rates.ints("tier")[limited],
        most=rates.floats("max_units")[limited],
    )
    tiered = served.joined(offered, ("lease", "gpu", "tier"))
    if len(tiered):
        keys = (tiered["lease"], tiered["gpu"], tiered["tier"])
        resource = builder.book.resources(
            Family.TIER, keys, lambda lease, gpu, tier: (names.lease(lease), names.gpu(gpu), str(tier)),
            tiered["most"],
        )
        _once(builder, tiered["number"], resource, tiered["units"])


def _add_blocks(builder: CandidateBuilder, served: Columns) -> None:
    """least block x block <= units of a lease on a site <= size x block."""
    leases, named = builder.outlook.tables["leases"], _lease_at_site(builder)
    chosen = served.take(leases.floats("min_block")[served["lease"]] > 0.0)
    if not len(chosen):
        return
    pairs = chosen.take(codes_of([chosen["lease"], chosen["site"]])[1]).only("lease", "site")
    lease, site = pairs["lease"], pairs["site"]
    # Where a lease stands may be decided until the first of it begins there.
    codes, _ = codes_of([chosen["lease"], chosen["site"]])
    begins = least_by(codes, chosen["from_month"], len(pairs), builder.outlook.horizon)
    columns = pairs.having(
        customer=leases.rows_of("customer_id")[lease], unit="0/1", upper=1.0, integral=True, decide_by=begins
    )
    ids = [":".join(("block", *named(*pair))) for pair in zip(lease.tolist(), site.tolist(), strict=True)]
    block = builder.add(Kind.BLOCK, lambda: ids, columns, [_no_cash(builder, len(pairs))])
    for family, sign, bound in ((Family.BLOCK, 1.0, "max_size"), (Family.LEAST_BLOCK, -1.0, "min_block")):
        _once(
            builder, chosen["number"], builder.book.resources(family, (chosen["lease"], chosen["site"]), named),
            sign * chosen["units"],
        )
        _once(
            builder, block.numbers, builder.book.resources(family, (lease, site), named),
            -sign * leases.floats(bound)[lease],
        )


def _stand_on_fabric(builder: CandidateBuilder, served: Columns, accepts: Columns, fabrics: Fabrics) -> None:
    """Units of a single-fabric lease on a site only on the fabric taken, and within the site's largest cluster."""
    leases, sites, named = builder.outlook.tables["leases"], builder.outlook.tables["sites"], _lease_at_site(builder)
    chosen = served.take(leases.flags("single_fabric")[served["lease"]])
    if not len(chosen):
        return
    keys = (chosen["lease"], chosen["site"])
    _once(builder, chosen["number"], builder.book.resources(Family.ON_FABRIC, keys, named), chosen["units"])
    on_site = accepts.take(accepts["fabric"] != NO_ROW).only("lease", "fabric", "number").joined(
        fabrics.sites.only("fabric", "site"), "fabric"
    )
    on_site = on_site.joined(chosen.take(codes_of(keys)[1]).only("lease", "site"), ("lease", "site"))
    resource = builder.book.resources(Family.ON_FABRIC, (on_site["lease"], on_site["site"]), named)
    _once(builder, on_site["number"], resource, -leases.floats("max_size")[on_site["lease"]])
    limit = sites.floats("max_cluster_gpus")[chosen["site"]]
    limited = np.flatnonzero(~np.isnan(limit) & (chosen["gpu"] != NO_ROW))
    if len(limited):
        resource = builder.book.resources(Family.CLUSTER, tuple(key[limited] for key in keys), named, limit[limited])
        _once(builder, chosen["number"][limited], resource, 1.0)


def placed_name(lease_id: str, site_id: str, gpu_id: str) -> str:
    """The name of the limit that keeps GPUs of the fleet at the lease that they serve."""
    return f"{lease_id}:{site_id}:{gpu_id}"


def _fleet_serves(builder: CandidateBuilder, served: Columns) -> None:
    """GPUs owned at the start go on serving the lease that they serve."""
    tables, names = builder.outlook.tables, builder.names
    fleet, parts = tables["fleet"], builder.outlook.lease_parts
    rows = np.flatnonzero(fleet.rows_of("lease_id") != NO_ROW)
    if not len(rows):
        return
    keys = [fleet.rows_of(f"{name}_id")[rows] for name in ("site", "gpu", "lease")]
    codes, first = codes_of(keys)
    site, gpu, lease = (key[first] for key in keys)
    units = np.bincount(codes, weights=fleet.floats("gpus")[rows]) * (
        1.0 - tables["gpus"].floats("spare_fraction")[gpu]
    )
    together = np.bincount(lease, weights=units, minlength=len(tables["leases"]))
    serving = Columns(site=site, gpu=gpu, lease=lease, owned=units)
    chosen = served.joined(serving, ("site", "gpu", "lease"))
    # Of a lease in tranches, those that have begun go on.
    chosen = chosen.take((chosen["tranche"] == NO_ROW) | (chosen["from_month"] == 0))
    if not len(chosen):
        return
    begun = parts.take((parts["tranche"] == NO_ROW) | (parts["due"] <= 0))
    size = np.bincount(begun["lease"], weights=part_sizes(tables, begun), minlength=len(tables["leases"]))
    # GPUs beyond the size of the lease are free.
    at = chosen["lease"]
    working = chosen["owned"] * np.minimum(1.0, size[at] / (together[at] * chosen["units"]))

    def name(lease: int, site: int, gpu: int) -> str:
        return placed_name(names.leases[lease], names.sites[site], names.gpus[gpu])

    _once(
        builder, chosen["number"],
        builder.book.resources(Family.PLACED, (at, chosen["site"], chosen["gpu"]), name, -np.floor(working)), -1.0,
    )
