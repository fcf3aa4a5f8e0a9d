"""Rows that a neighbour implies, on books written by hand."""

from __future__ import annotations

import numpy as np
import pandas as pd

from planner.candidates.resources import Family, ResourceBook
from planner.formulation.redundant_rows import needed_rows

WIDTH = 100


def months_of(family: Family, *uses: tuple[int, float, int, int]) -> list[int]:
    """First months of the rows kept of one resource, from uses (column, coefficient, start, end)."""
    book = ResourceBook()
    book.resource(family, "a", 0.0)
    frame = pd.DataFrame(list(uses), columns=["column", "coefficient", "start", "end"]).assign(resource=0)
    codes, ends = needed_rows(book, frame, WIDTH)
    assert (codes < ends).all()
    return list(np.asarray(codes) % WIDTH)


def test_before_demand_rises_nothing_binds() -> None:
    # One provider all the time; demand comes at 3 and at 6: the last row implies the others.
    assert months_of(Family.FLEET, (0, -1.0, 0, 9), (1, 1.0, 3, 9), (2, 1.0, 6, 9)) == [6]


def test_after_the_last_demand_ends_earlier_rows_imply_later_ones() -> None:
    assert months_of(Family.FLEET, (0, -1.0, 0, 9), (1, 1.0, 0, 6), (2, 1.0, 0, 3)) == [0]


def test_while_providers_go_only_the_last_row_before_an_end_of_demand_binds() -> None:
    # Cohorts end at 2, 4, 6 and 8; contracts at 5 and 8.
    cohorts = [(k, -1.0, 0, 2 * k + 2) for k in range(4)]
    assert months_of(Family.FLEET, *cohorts, (8, 1.0, 0, 5), (9, 1.0, 0, 8)) == [4, 6]


def test_a_border_where_one_comes_and_another_goes_keeps_both_rows() -> None:
    assert months_of(Family.HALL, (0, -1.0, 0, 9), (1, 1.0, 0, 4), (2, 1.0, 4, 9)) == [0, 4]


def test_where_a_column_goes_on_one_of_two_equal_rows_is_left() -> None:
    assert months_of(Family.HALL, (0, -1.0, 0, 9), (1, 1.0, 0, 4), (1, 1.0, 4, 9)) == [4]


def test_rows_of_power_are_kept() -> None:
    assert months_of(Family.PHASE, (0, -1.0, 0, 9), (1, 1.0, 3, 9), (2, 1.0, 6, 9)) == [0, 3, 6]


def test_liquid_cooling_for_the_whole_site_needs_no_rows_of_its_own() -> None:
    for liquid_mw, rows in ((50.0, 0), (40.0, 1)):
        book = ResourceBook()
        liquid = book.resource(Family.LIQUID, "a", liquid_mw)
        book.resource(Family.SITE, "a", 50.0)
        frame = pd.DataFrame({"column": [0], "resource": [liquid], "coefficient": [1.0], "start": [0], "end": [5]})
        assert len(needed_rows(book, frame, WIDTH)[0]) == rows
