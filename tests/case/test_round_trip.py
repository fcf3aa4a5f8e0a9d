"""Folder and workbook hold the same: writing and reading in either loses nothing."""

from __future__ import annotations

import csv
import math
import tempfile
from dataclasses import replace
from pathlib import Path

import openpyxl
import pandas as pd
import pytest
from at_length import many
from hypothesis import given, settings
from hypothesis import strategies as st

from planner.case import content_hash
from planner.case.case import Case
from planner.case.generate import generate_case
from planner.case.read import read_case
from planner.case.schema import ColumnType, number, text
from planner.case.settings import ASSET_CLASSES, DEPRECIATION_METHODS, TAIL_RULES
from planner.case.write import write_case
from planner.errors import PlannerError


def assert_same(one: Case, other: Case) -> None:
    assert one.settings == other.settings
    for name, table in one.tables.items():
        pd.testing.assert_frame_equal(table, other.tables[name], check_exact=True, obj=name)
    assert one.source_hash == other.source_hash


numbers = st.floats(min_value=0.0, max_value=1e12, allow_nan=False, allow_subnormal=False)
positive = st.floats(min_value=1e-6, max_value=1e9, allow_nan=False)
shares = st.floats(min_value=0.0, max_value=1.0, allow_nan=False, allow_subnormal=False)
months = st.builds(lambda year, month: f"{year}-{month:02d}", st.integers(2020, 2060), st.integers(1, 12))
printable = st.characters(min_codepoint=33, max_codepoint=0x2FFF, categories=("L", "N", "P", "S"))
notes = st.text(printable, max_size=12)
names = st.lists(
    st.text(
        st.characters(categories=("L", "N"), max_codepoint=0x24F, include_characters="-_./"), min_size=1, max_size=8
    ).filter(
        lambda name: name.casefold() not in ("total", "totals", "sum", "subtotal") and name[0] not in "+-@"
    ),
    min_size=1, max_size=3, unique_by=lambda name: name.casefold(),
)


def written(value: object) -> str:
    return "" if value is None else ("yes" if value is True else "no" if value is False else str(value))


@st.composite
def case_files(draw: st.DrawFn) -> dict[str, str]:
    """The text of the files of a small case, written here independently of the product's writer."""
    sites, gpus, curves = draw(names), draw(names), draw(names)
    tables: dict[str, list[dict[str, object]]] = {"sites": [], "gpus": [], "curves": [], "power": []}
    for site in sites:
        critical = draw(positive)
        tables["sites"].append({
            "site_id": site, "name": draw(notes), "critical_it_mw": repr(critical),
            "existing_it_mw": repr(critical * draw(shares)),
            "max_rack_kw": draw(st.none() | numbers), "load_factor": draw(st.none() | shares),
            "ready_month": draw(st.none() | months), "source": draw(notes),
            "max_cluster_gpus": draw(st.none() | st.integers(0, 2**53)),
        })
    for curve in curves:
        tables["curves"].append({"curve_id": curve, "month": "2020-01", "value": draw(numbers), "unit": "$"})
    for gpu in gpus:
        by_curve = draw(st.booleans())
        tables["gpus"].append({
            "gpu_id": gpu, "it_kw": draw(positive), "capex_usd": None if by_curve else draw(numbers),
            "capex_curve": draw(st.sampled_from(curves)) if by_curve else None,
            "cooling": draw(st.sampled_from(["air", "liquid", None])),
        })
    tables["power"].append({
        "source_id": "s", "phase": draw(st.sampled_from(["1", "007", "1e5", "TRUE", "_x0041_", "a@", "b-"])),
        "site_id": sites[0], "kind": "grid", "energised": draw(months), "guaranteed_mw": draw(positive),
        "mw_per_it_mw": 1.43,
        "lumpy": draw(st.none() | st.booleans()),
        "energy_usd_per_mwh": draw(st.none() | st.floats(-500, 1e6, allow_nan=False)),
        "source": draw(
            st.sampled_from(
                ["=SUM(A1:A9)", "'quoted", '"', "a;b", "a,b", "1,000", "http://x.y", "#N/AA", "{=1}", "3/4"]
            )
        ),
    })
    files = {}
    for name, rows in tables.items():
        lines = [list(rows[0])] + [[written(value) for value in row.values()] for row in rows]
        files[f"{name}.csv"] = "".join(
            ",".join('"' + cell.replace('"', '""') + '"' for cell in line) + "\n" for line in lines
        )
    depreciation = "".join(
        f'[depreciation.{asset}]\nmethod = "{draw(st.sampled_from(DEPRECIATION_METHODS))}"\n'
        f'bonus_share = {draw(shares)!r}\n' for asset in ASSET_CLASSES
    )
    files["case.toml"] = (
        f'name = "n"\nstart = "{draw(months)}"\nmonths = {draw(st.integers(1, 600))}\n'
        f'discount_rate = {draw(shares)!r}\n'
        f'tail = "{draw(st.sampled_from(TAIL_RULES))}"\n'
        f'budget_carries_over = {written(draw(st.booleans())).replace("yes", "true").replace("no", "false")}\n'
    ) + depreciation
    return files


@settings(max_examples=many(5, 25), deadline=None)
@given(case_files())
def test_folder_to_workbook_to_folder_is_the_same_case(files):
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch) / "a"
        folder.mkdir()
        for name, text in files.items():
            (folder / name).write_text(text, encoding="utf-8", newline="")
        first = read_case(folder)
        write_case(first, Path(scratch) / "b.xlsx", notes="# notes\ntext")
        second = read_case(Path(scratch) / "b.xlsx")
        assert_same(first, second)
        write_case(second, Path(scratch) / "c")
        assert_same(first, read_case(Path(scratch) / "c"))


def test_a_generated_case_survives_both_ways(tmp_path):
    case = generate_case(sites=4, leases=8, skus=3, months=48, seed=5)
    write_case(case, tmp_path / "a")
    write_case(read_case(tmp_path / "a"), tmp_path / "b.xlsx")
    write_case(read_case(tmp_path / "b.xlsx"), tmp_path / "c")
    assert_same(case, read_case(tmp_path / "c"))
    for file in sorted((tmp_path / "a").iterdir()):
        assert file.read_bytes() == (tmp_path / "c" / file.name).read_bytes()


def test_numbers_keep_every_bit_in_a_workbook(case_folder, tmp_path):
    awkward = [0.1 + 0.2, math.pi * 1e5, 1 / 3, 4035225266123964416.0, 5e-324 * 2**60]
    rows = "".join(f"g{place},{value!r},1\n" for place, value in enumerate(awkward))
    folder = case_folder({"gpus.csv": "gpu_id,it_kw,capex_usd\n" + rows + "gb300,2,1\nb200,2,1\n"})
    write_case(read_case(folder), tmp_path / "x.xlsx")
    assert read_case(tmp_path / "x.xlsx").gpus.it_kw.tolist()[: len(awkward)] == awkward


def test_a_written_default_hashes_like_a_blank(case_folder, tmp_path):
    one = read_case(case_folder())
    other = tmp_path / "other"
    write_case(one, other)
    text = (other / "sites.csv").read_text(encoding="utf-8").splitlines()
    (other / "sites.csv").write_text(
        "\n".join([text[0] + ",pue", *(line + ",1.2" for line in text[1:])]) + "\n", encoding="utf-8"
    )
    assert read_case(other).source_hash == one.source_hash


@pytest.mark.parametrize(
    "later",
    [
        text("later", "what a later version can be told"), number("later", "$", "the same", default=0.0),
        number("later", "$", "the same"),
    ],
)
def test_a_column_that_nobody_fills_makes_no_other_case(later, case_folder, monkeypatch):
    one = read_case(case_folder())
    sites = replace(content_hash.TABLES["sites"], columns=(*content_hash.TABLES["sites"].columns, later))
    monkeypatch.setitem(content_hash.TABLES, "sites", sites)
    blank = one.sites.assign(
        later=later.default if later.default is not None else "" if later.type is ColumnType.TEXT else math.nan
    )
    assert content_hash.content_hash(one.settings, one.tables | {"sites": blank}) == one.source_hash
    filled = blank.assign(later=["x", ""] if later.type is ColumnType.TEXT else [1.0, math.nan])
    assert content_hash.content_hash(one.settings, one.tables | {"sites": filled}) != one.source_hash


def test_a_row_more_hashes_otherwise_where_all_is_at_its_default(case_folder):
    one = read_case(case_folder())
    assert content_hash.content_hash(replace(one.settings, seed=2), one.tables) != one.source_hash
    assert content_hash.content_hash(one.settings, one.tables | {"sites": one.sites.iloc[:1]}) != one.source_hash


def test_the_hash_sees_every_cell(case_folder, tmp_path):
    one = read_case(case_folder())
    changed = one.with_table("sites", one.sites.assign(source=["x", ""]))
    write_case(changed, tmp_path / "b")
    assert read_case(tmp_path / "b").source_hash != one.source_hash


def test_text_is_never_written_as_a_formula(case_folder, tmp_path):
    case = read_case(case_folder())
    case = case.with_table("gpus", case.gpus.assign(source=["=1+1", "+1"]))
    write_case(case, tmp_path / "x.xlsx")
    sheet = openpyxl.load_workbook(tmp_path / "x.xlsx")["gpus"]
    column = [cell.value for cell in sheet[1]].index("source") + 1
    assert [
        (sheet.cell(row, column).data_type, sheet.cell(row, column).value) for row in (2, 3)
    ] == [("s", "=1+1"), ("s", "+1")]


def test_a_workbook_explains_its_columns(case_folder, tmp_path):
    write_case(read_case(case_folder()), tmp_path / "x.xlsx", notes="# Title\nwords")
    book = openpyxl.load_workbook(tmp_path / "x.xlsx")
    header = {cell.value: cell for cell in book["power"][1]}
    assert "kW-month" in header["fee_usd_per_kw_month"].comment.text
    assert "when blank: 0" in header["fee_usd_per_kw_month"].comment.text
    assert book["power"].freeze_panes == "B2"
    assert [row[0].value for row in book["notes"].iter_rows()] == ["Title", "words"]


def test_a_folder_leaves_out_what_says_nothing(case_folder, tmp_path):
    write_case(read_case(case_folder()), tmp_path / "b")
    assert not (tmp_path / "b" / "links.csv").exists()
    with (tmp_path / "b" / "sites.csv").open(encoding="utf-8", newline="") as stream:
        assert next(csv.reader(stream)) == [
            "site_id", "region", "critical_it_mw", "existing_it_mw", "shell_capex_usd_per_kw"
        ]


@pytest.mark.parametrize("name", ["b", "b.xlsx"])
def test_nothing_is_overwritten_unasked(case_folder, tmp_path, name):
    case = read_case(case_folder())
    write_case(case, tmp_path / name)
    with pytest.raises(PlannerError, match="--force"):
        write_case(case, tmp_path / name)
    write_case(case, tmp_path / name, force=True)
    assert_same(case, read_case(tmp_path / name))


def test_force_removes_tables_that_are_gone_and_keeps_other_files(case_folder, tmp_path):
    case = read_case(case_folder())
    write_case(case, tmp_path / "b")
    (tmp_path / "b" / "mine.md").write_text("kept", encoding="utf-8")
    write_case(case.with_table("stresses", case.stresses.iloc[:0]), tmp_path / "b", force=True)
    assert not (tmp_path / "b" / "stresses.csv").exists()
    assert (tmp_path / "b" / "mine.md").read_text(encoding="utf-8") == "kept"
    assert read_case(tmp_path / "b").stresses.empty


def test_a_workbook_is_the_same_bytes_each_time(case_folder, tmp_path):
    case = read_case(case_folder())
    write_case(case, tmp_path / "a.xlsx")
    write_case(case, tmp_path / "b.xlsx")
    assert (tmp_path / "a.xlsx").read_bytes() == (tmp_path / "b.xlsx").read_bytes()
