"""Every limit of the case, its use recomputed from the books."""

from __future__ import annotations

from planner.auditing.books import Books
from planner.auditing.limits.agreements import agreement_checks
from planner.auditing.limits.check import Check
from planner.auditing.limits.clusters import cluster_checks
from planner.auditing.limits.left_idle import idle_checks
from planner.auditing.limits.money import money_checks
from planner.auditing.limits.places import place_checks
from planner.auditing.limits.power import power_checks
from planner.auditing.published import Published


def every_check(run: Published, books: Books) -> tuple[Check, ...]:
    """Use and limit of everything scarce, at every time at which it is used."""
    families = (place_checks, power_checks, cluster_checks, agreement_checks, money_checks, idle_checks)
    return tuple(check for checks in families for check in checks(run, books))


__all__ = ["Check", "every_check"]
