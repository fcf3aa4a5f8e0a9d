"""Rows with the names of sites, SKUs and leases in place of their numbers, for tables and sentences that people
read."""

from __future__ import annotations

import numpy as np
import pandas as pd

from planner.candidates.columns import Columns
from planner.candidates.lease_offers import units_per_gpu
from planner.candidates.outlook import Outlook

_NAMED = (("lease", "leases", "lease_id"), ("site", "sites", "site_id"), ("gpu", "gpus", "gpu_id"))


def named(outlook: Outlook, rows: Columns) -> pd.DataFrame:
    """The rows as a table, with columns lease_id, site_id and gpu_id in place of lease, site and gpu."""
    frame = rows.frame()
    for column, table, name in _NAMED:
        if column in rows:
            texts = np.append(outlook.tables[table].texts(name), "")[rows[column]]
            frame[column] = pd.Series(texts, index=frame.index, dtype=object).astype(str)
            frame = frame.rename(columns={column: name})
    return frame


def rates_with_units(outlook: Outlook) -> pd.DataFrame:
    """Rows of `lease_rates` with units_per_gpu, the units of the lease's size that one GPU makes."""
    return outlook.case.tables["lease_rates"].assign(units_per_gpu=units_per_gpu(outlook))
