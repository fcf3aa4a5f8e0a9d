"""What a unit waits for beside its power: the hall that it stands in and the delivery of its GPU, where a factor makes them late.

A wait is a planned month and what slips: in a scenario the unit starts no earlier than that month and the slip. Nothing is
waited for where the case has no such factor, so a case without them has the events that it always had.
"""

from __future__ import annotations

import numpy as np
import pandas as pd

from planner.candidates.books import NO_WAIT
from planner.candidates.outlook import Ints
from planner.candidates.workshop import Workshop

NEW_HALLS = (":new@", ":conversion@")
STANDING_HALLS = ":existing@"


def provider_waits(shop: Workshop, word: str, names: pd.Series, month: Ints) -> Ints:
    """The waits of what is itself late: a hall for its construction, a GPU for its delivery; each from its own month; none without a name."""
    driven = np.array([bool(name) and shop.outlook.slips(word, str(name)) for name in names], dtype=bool)
    waits = np.full(len(names), NO_WAIT)
    for row in np.flatnonzero(driven):
        waits[row] = shop.events.wait(word, str(names.iat[row]), int(month[row]))
    return waits


def work_waits(shop: Workshop, rows: pd.DataFrame, *, for_contract: bool) -> tuple[Ints, Ints]:
    """The hall and the delivery that units at work wait for, from rows with site_id, gpu_id ("" for a hosted MW), from_month, from_head.

    A unit of a contract waits for a hall and for GPUs that are due when it begins. One on demand begins anew at every step and
    waits only for the first: that of its site and SKU, or that for the phase at the head of its path if that comes later.
    A unit that begins before anything new can be there, or on power of the start where halls (or its SKU) stand already, waits for neither.
    """
    halls = shop.of_kind("shell")
    table = pd.concat([block.table for block in halls]) if halls else pd.DataFrame({"candidate_id": [], "site_id": [], "from_month": []})
    ids = table["candidate_id"].astype(str)
    new = table[ids.str.contains("|".join(NEW_HALLS), regex=True)].groupby("site_id")["from_month"].min()
    standing = set(table["site_id"][ids.str.contains(STANDING_HALLS, regex=False)])
    hall = _waits(shop, rows, "construction", rows["site_id"], {(str(site),): int(month) for site, month in new.items()}, {(site,) for site in standing}, for_contract)
    bought = [block.table for block in shop.of_kind("own")]
    first = pd.concat(bought).groupby(["site_id", "gpu_id"])["from_month"].min().to_dict() if bought else {}
    owned: set[tuple[str, ...]] = {(str(row.site_id), str(row.gpu_id)) for block in shop.of_kind("base") for row in block.table.itertuples()}
    delivery = _waits(shop, rows, "delivery", rows["gpu_id"], {(str(site), str(gpu)): int(month) for (site, gpu), month in first.items()}, owned, for_contract)
    return hall, delivery


def _waits(
    shop: Workshop, rows: pd.DataFrame, word: str, names: pd.Series, first: dict[tuple[str, ...], int], standing: set[tuple[str, ...]], for_contract: bool
) -> Ints:
    """The wait of each row for what `first` gives the earliest month of, by site (and SKU)."""
    waits = np.full(len(rows), NO_WAIT)
    if not any(shop.outlook.slips(word, str(name)) for name in names.unique()):
        return waits
    places = zip(rows["site_id"], rows["gpu_id"], strict=True) if word == "delivery" else ((site,) for site in rows["site_id"])
    columns = zip(places, names, rows["from_month"], rows["from_head"], strict=True)
    for at, (place, name, start, head) in enumerate(columns):
        key = tuple(str(part) for part in place)
        if key not in first or not shop.outlook.slips(word, str(name)) or (key in standing and head <= 0):
            continue
        due = int(start) if for_contract else max(int(head), first[key])
        if first[key] <= start and due <= start:
            waits[at] = shop.events.wait(word, str(name), due)
    return waits
