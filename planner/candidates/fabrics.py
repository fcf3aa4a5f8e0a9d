"""Fabrics on which a cluster can stand: a site alone, or campuses that fibre can link."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np

from planner.arrays import Floats, Ints
from planner.candidates.columns import Columns, stacked
from planner.candidates.outlook import Outlook
from planner.case.table_arrays import NO_ROW

FIBRE = "fibre:"
"""Before the name of a group of linked campuses, so that no site is taken for one."""
NO_LINK = -1
NO_FABRIC = -2
"""Of what stands on several sites that nothing links; NO_ROW is that of a lease that asks for none."""


@dataclass(frozen=True)
class Fabrics:
    """Groups of campuses that can be linked, what the fibre of each costs, and its candidate.

    Fabrics are numbered: each site alone, by its row, then the groups. members: sites of each group.
    """

    site_ids: tuple[str, ...]
    groups: tuple[str, ...]
    members: tuple[Ints, ...]
    capex_usd: Floats
    numbers: Ints

    @staticmethod
    def of(outlook: Outlook) -> Fabrics:
        """The groups of a case whose pairs of sites may all be linked, by name."""
        sites, links = outlook.tables["sites"], outlook.tables["links"]
        group_of, one, other = sites.texts("fabric_group"), links.rows_of("site_id"), links.rows_of("other_site_id")
        groups, members, cost = [], [], []
        for group in sorted({name for name in group_of.tolist() if name}):
            inside = np.flatnonzero(group_of == group)
            between = (other != NO_ROW) & np.isin(one, inside) & np.isin(other, inside)
            if len(inside) > 1 and links.flags("allowed")[between].all():
                groups.append(group)
                members.append(inside)
                cost.append(float(links.floats("fibre_capex_usd")[between].sum()))
        return Fabrics(
            tuple(sites.texts("site_id")), tuple(groups), tuple(members), np.array(cost, dtype=np.float64),
            np.full(len(groups), NO_LINK),
        )

    def numbered(self, numbers: Ints) -> Fabrics:
        """The same with the candidates of the links."""
        return replace(self, numbers=numbers)

    @property
    def linked(self) -> Ints:
        """Numbers of the fabrics that are groups of linked campuses."""
        return len(self.site_ids) + np.arange(len(self.groups))

    @property
    def names(self) -> list[str]:
        """Names of the fabrics."""
        return [*self.site_ids, *(FIBRE + group for group in self.groups)]

    @cached_property
    def sites(self) -> Columns:
        """Which sites are on which fabric: columns fabric, site, link (its candidate, NO_LINK without one)."""
        alone = np.arange(len(self.site_ids))
        parts = [Columns(len(alone), fabric=alone, site=alone, link=np.full(len(alone), NO_LINK))]
        by_site = sorted((int(site), at) for at, sites in enumerate(self.members) for site in sites)
        if by_site:
            site, group = (np.array(column, dtype=np.int64) for column in zip(*by_site, strict=True))
            parts.append(Columns(fabric=len(alone) + group, site=site, link=self.numbers[group]))
        return stacked(parts)
