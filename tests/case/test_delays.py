"""Delays of power: the row's own figures, else by kind and status; the mean is that of SciPy's triangular
distribution."""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy import stats

from planner.case.delays import delay_triangle, mean_delay_months
from planner.case.read import read_case
from planner.case.table_arrays import CaseArrays, TableArrays

HEADER = (
    "source_id,phase,site_id,kind,energised,status,guaranteed_mw,mw_per_it_mw,"
    "delay_low_months,delay_mode_months,delay_high_months\n"
)


def power(case_folder, kind, status, delays=",,"):
    row = f"s,1,river,{kind},2026-01,{status},10,1.4,{delays}\n"
    return read_case(case_folder({"power.csv": HEADER + row, "stresses.csv": None})).power


def arrays(power) -> TableArrays:
    return CaseArrays({"power": power})["power"]


@pytest.mark.parametrize(
    ("kind", "status", "expected"),
    [
        ("grid", "announced", (0, 9, 36)),
        ("grid", "studied", (0, 9, 36)),
        ("grid", "approved", (0, 3, 12)),
        ("grid", "energised", (0, 0, 0)),
        ("fuel_cell", "announced", (0, 3, 12)),
        ("gas_engine", "studied", (0, 3, 12)),
        ("nuclear", "approved", (0, 1, 6)),
        ("fuel_cell", "energised", (0, 0, 0)),
    ],
)
def test_defaults_by_kind_and_status(case_folder, kind, status, expected):
    rows = power(case_folder, kind, status)
    assert delay_triangle(rows.iloc[0]) == expected
    assert mean_delay_months(arrays(rows)).tolist() == [math.ceil(sum(expected) / 3)]


@pytest.mark.parametrize("delays", [(0, 1, 1), (2, 3, 9), (1, 1, 1), (0, 0, 7), (-0, 36, 36)])
def test_own_figures_win_and_the_mean_is_rounded_up(case_folder, delays):
    rows = power(case_folder, "grid", "announced", ",".join(map(str, delays)))
    low, mode, high = map(float, delays)
    width = high - low
    mean = stats.triang((mode - low) / width, low, width).mean() if width else low
    assert mean_delay_months(arrays(rows)).tolist() == [math.ceil(mean - 1e-9)]
    assert mean_delay_months(arrays(rows)).dtype == np.int64
