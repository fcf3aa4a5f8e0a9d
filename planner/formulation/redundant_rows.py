"""Which rows of a resource are needed: one that a neighbour in time implies is left out.

Between two intervals of a resource some columns use more or less of it. Where all changes at the border raise the use,
the earlier row holds whenever the later one does, since levels are not negative and the limit is the same; where all
lower it, the later row holds whenever the earlier one does. After the horizon nothing new begins, so of the rows
between the ends of two contracts only one is left.
"""

from __future__ import annotations

import numpy as np

from planner.arrays import Ints
from planner.candidates.columns import Columns
from planner.candidates.resources import Family, ResourceBook, breakpoints, spread

MERGED = (Family.FLEET, Family.HALL, Family.LIQUID)
"""Families whose implied rows are left out. Rows of power are kept: they are priced month by month, and a limit that
changes in some months alone would make a row that was implied bind."""


def needed_rows(book: ResourceBook, uses: Columns, width: int) -> tuple[Ints, Ints]:
    """Codes resource x width + month of the first months of the rows needed, and of their ends.

    uses: columns column, resource, coefficient, start, end, stocks spelled out; levels of all columns are >= 0.
    """
    codes = breakpoints(uses, "resource", width)
    if not len(codes):
        return codes, codes
    _, interval = spread(uses, "resource", codes, width)
    touched = np.zeros(len(codes) + 1, dtype=bool)
    touched[interval] = True
    rises, falls = _changes(uses, codes, width)
    family = np.array([member in MERGED for member in book.family], dtype=bool)
    resource = codes // width
    # Border k lies between interval k - 1 and interval k.
    border = np.flatnonzero((resource[1:] == resource[:-1]) & touched[:-2] & touched[1:-1] & family[resource[1:]]) + 1
    needed = touched.copy()
    needed[border[~falls[border]] - 1] = False
    needed[border[falls[border] & ~rises[border]]] = False
    without = _without_liquid(book)
    rows = np.flatnonzero(needed[:-1])
    rows = rows[~np.isin(resource[rows], without)]
    return codes[rows], codes[np.minimum(rows + 1, len(codes) - 1)]


def _changes(uses: Columns, codes: Ints, width: int) -> tuple[np.ndarray, np.ndarray]:
    """Whether the use of any column rises, and whether that of any falls, at each code."""
    number, column, amount = uses["resource"] * width, uses["column"], uses["coefficient"]
    at = np.searchsorted(codes, np.concatenate([number + uses["start"], number + uses["end"]]))
    count = int(column.max()) + 1
    keys, inverse = np.unique(at * count + np.concatenate([column, column]), return_inverse=True)
    change = np.bincount(inverse, weights=np.concatenate([amount, -amount]))
    rises, falls = np.zeros(len(codes), dtype=bool), np.zeros(len(codes), dtype=bool)
    rises[keys[change > 0.0] // count] = True
    falls[keys[change < 0.0] // count] = True
    return rises, falls


def _without_liquid(book: ResourceBook) -> Ints:
    """Limits on liquid-cooled MW that are no lower than the critical IT of the site.

    Liquid-cooled GPUs are some of those that fill the halls, and halls in service are at most what the row SITE allows.
    """
    found = []
    for number, family in enumerate(book.family):
        if family is Family.LIQUID:
            site = book.find(Family.SITE, book.name[number])
            if site is not None and book.limit[site] <= book.limit[number]:
                found.append(number)
    return np.array(found, dtype=np.int64)
