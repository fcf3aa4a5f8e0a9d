"""Files made to hurt: archives and headers that unpack to far more than they are, nesting, pipes, links, names,
numbers."""

from __future__ import annotations

import io
import os
import re
import resource
import shutil
import time
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from planner.case.read import read_case
from planner.case.starting import starting_case
from planner.case.write import write_case
from planner.errors import CaseError, PlannerError
from planner.scenarios import imported_table as imported
from planner.scenarios.imported_table import imported_table

MOST_SECONDS = 5.0
MOST_BYTES = 700 << 20


@pytest.fixture
def case(tmp_path: Path) -> Path:
    write_case(starting_case(), tmp_path / "case")
    return tmp_path / "case"


@contextmanager
def cheap() -> Iterator[None]:
    """What happens within takes less than 5 s of processor time, and adds less than 700 MB to the greatest memory so
    far."""
    before, peak = time.process_time(), resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    yield
    assert time.process_time() - before < MOST_SECONDS
    assert (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - peak) * 1024 < MOST_BYTES


def refused(path: Path, why: str) -> str:
    with cheap(), pytest.raises(CaseError, match=why) as raised:
        read_case(path)
    return str(raised.value)


TOML_BOMBS = {
    "lists": (b"x = " + b"[" * 20_000 + b"]" * 20_000, "brackets within brackets"),
    "tables": (b"x = " + b"{a=" * 10_000 + b"1" + b"}" * 10_000, "brackets within brackets"),
    "dotted": (b"a." * 30_000 + b"b = 1", "a name of many parts"),
    "heading": (b"[" + b"a." * 30_000 + b"b]", "a name of many parts"),
    "quoted": (b"'a'." * 12_000 + b"b = 1", "a name of many parts"),
    "digits": (b"seed = " + b"9" * 50_000, "not valid TOML"),
    "keys": (b"".join(b"k%d = 1\n" % number for number in range(6000)), "more than 1,000 faults"),
    "size": (b"# " + b"x" * 100_000, "too large: "),
    "infinite": (b"tax_rate = inf", "not a finite number"),
    "nan": (b"tax_rate = nan", "not a finite number"),
    "nul": (b"\x00", "zero bytes within the text"),
    "surrogate": (b'name = "\xed\xa0\x80"', "not UTF-8"),
    "escaped surrogate": (b'name = "\\ud800"', "not valid TOML"),
}


@pytest.mark.parametrize("name", TOML_BOMBS)
def test_settings_that_would_take_for_ever(case: Path, name: str) -> None:
    bomb, why = TOML_BOMBS[name]
    written = (case / "case.toml").read_bytes()
    key = bomb.split(b" = ")[0]
    kept = b"\n".join(
        line for line in written.split(b"\n")
        if not (key in (b"seed", b"tax_rate", b"name") and line.startswith(key + b" ="))
    )
    (case / "case.toml").write_bytes(bomb + b"\n" + kept)
    refused(case, why)


CSV_BOMBS = {
    "wide header": (b"x," * 3_000_000 + b"x\n", "too large: 3,000,001 columns"),
    "long cell": (b"resale\n" + b"x" * 10_000_000 + b"\n", "field larger than field limit"),
    "open quote": (b'"' + b"\n" * 10_000_000, "not valid CSV"),
    "ragged": (b"gpu_id,age_months,value_share\n" + b"a\n" * 3_000_000, "1 cells under 3 columns"),
    "faults": (b"gpu_id,age_months,value_share\n" + b"a,b,c\n" * 300_000, "more than 1,000 faults"),
    "unknown names": (
        b"gpu_id,age_months,value_share\n" + b"".join(b"g%d,0,0.5\n" % number for number in range(50_000)),
        "more than 1,000 faults",
    ),
    "blank": (b"gpu_id,age_months,value_share\n" + b",,\n" * 3_000_000 + b"b300,0,0.9\n", "an empty row between rows"),
    "nul": (b"gpu_id,age_months,value_share\nb3\x0000,0,0.9\n", "zero bytes within the text"),
    "surrogate": (b"gpu_id,age_months,value_share\n\xed\xa0\x80,0,0.9\n", "not UTF-8"),
    "infinite": (b"gpu_id,age_months,value_share\nb300,0,1e999\n", "too large for a number"),
    "1e300": (b"gpu_id,age_months,value_share\nb300,0,1e300\n", "too large for a number"),
    "huge integer": (b"gpu_id,age_months,value_share\nb300," + b"9" * 10_000 + b",0.9\n", "too large"),
    "latin": ("gpu_id,age_months,value_share\nb300é,0,0.9\n".encode("latin-1"), "not UTF-8"),
    "utf-16": ("gpu_id,age_months,value_share\nb300,0,0.9\n".encode("utf-16"), "the file is UTF-16"),
}


@pytest.mark.parametrize("name", CSV_BOMBS)
def test_tables_that_would_take_for_ever(case: Path, name: str) -> None:
    bomb, why = CSV_BOMBS[name]
    (case / "resale.csv").write_bytes(bomb)
    assert len(refused(case, why)) < 1_000_000


def test_a_byte_order_mark_is_no_fault(case: Path) -> None:
    plain = read_case(case)
    (case / "resale.csv").write_bytes(b"\xef\xbb\xbf" + (case / "resale.csv").read_bytes())
    assert read_case(case).source_hash == plain.source_hash


@pytest.mark.parametrize("name", ["case.toml", "resale.csv"])
def test_pipes_devices_and_links_that_lead_nowhere_do_not_hang(case: Path, name: str) -> None:
    held = (case / name).read_bytes()
    for make in (
        lambda path: os.mkfifo(path), lambda path: path.symlink_to("/dev/zero"), lambda path: path.symlink_to(path),
        lambda path: path.mkdir(),
    ):
        (case / name).unlink()
        make(case / name)
        refused(case, f"{name}: cannot be read")
        (case / name).rmdir() if (case / name).is_dir() else (case / name).unlink()
        (case / name).write_bytes(held)
    read_case(case)


def test_a_link_to_a_table_is_read(case: Path, tmp_path: Path) -> None:
    plain = read_case(case)
    shutil.move(case / "resale.csv", tmp_path / "shared.csv")
    (case / "resale.csv").symlink_to(tmp_path / "shared.csv")
    assert read_case(case).source_hash == plain.source_hash


def test_a_file_name_that_is_no_text_can_be_printed(case: Path) -> None:
    (Path(os.fsdecode(os.fsencode(case) + b"/\xff\xfe.csv"))).write_bytes(b"x")
    said = refused(case, "not a file of a case")
    said.encode("utf-8")


@pytest.mark.parametrize("name", ["=1+1", "+1", "-2+3", "@SUM(A1)"])
def test_names_that_a_spreadsheet_would_run_are_refused(case: Path, name: str) -> None:
    table = pd.read_csv(case / "customers.csv", dtype=str)
    table.loc[0, "customer_id"] = name
    table.to_csv(case / "customers.csv", index=False)
    refused(case, "a name may not")


# --- workbooks ---


def with_part(case: Path, part: str, change: bytes | tuple[bytes | re.Pattern[bytes], bytes]) -> Path:
    """The case as a workbook with one of its parts replaced, or a piece of that part."""
    path, made = case.parent / "case.xlsx", case.parent / "hostile.xlsx"
    write_case(read_case(case), path)
    with zipfile.ZipFile(path) as archive, zipfile.ZipFile(made, "w", zipfile.ZIP_DEFLATED) as spoilt:
        for name in archive.namelist():
            held = archive.read(name)
            if name == part:
                held = (
                    change if isinstance(change, bytes) else held.replace(*change) if isinstance(change[0], bytes)
                    else change[0].sub(rb"\g<1>" + change[1], held, count=1)
                )
                assert held != archive.read(name)
            spoilt.writestr(name, held)
    return made


SHEET = "xl/worksheets/sheet2.xml"
NUMBER = re.compile(rb'(<c r="[A-Z]+2"(?: s="\d+")?><v>)[^<]*')
WORKBOOK_BOMBS = {
    "merged sheet": (
        (b"</sheetData>", b'</sheetData><mergeCells count="1"><mergeCell ref="A1:XFD1048576"/></mergeCells>'),
        "a merged or linked range",
    ),
    "linked sheet": (
        (b"</sheetData>", b'</sheetData><hyperlinks><hyperlink ref="A1:XFD1048576" location="x"/></hyperlinks>'),
        "a merged or linked range",
    ),
    "far column": (
        (b"</sheetData>", b'<row r="900000"><c r="XFD900000"><v>1</v></c></row></sheetData>'), "beyond column 500"
    ),
    "far row": (
        (b"</sheetData>", b'<row r="1048576"><c r="ZZ1048576"><v>1</v></c></row></sheetData>'),
        "beyond column 500|reaches to row",
    ),
    "entities": ((b"<worksheet", b'<!DOCTYPE x [<!ENTITY a "aaaa">]><worksheet'), "declares entities"),
    "deep": ((b"</sheetData>", b"</sheetData>" + b"<a>" * 100_000 + b"</a>" * 100_000), "elements more than 64 deep"),
    "infinite": ((NUMBER, b"1e999"), "not a finite number"),
    "nan": ((NUMBER, b"nan"), "not a readable"),
    "digits": ((NUMBER, b"9" * 6000), "not a readable"),
    "unpacks": (b"<worksheet>" + b" " * (150 << 20), "unpacks to"),
    "cells": (
        b"<worksheet><sheetData><row>" + b"<c/>" * 1_100_000 + b"</row></sheetData></worksheet>",
        "more than 1,000,000 cells",
    ),
    "links": (b"<worksheet>" + b"<hyperlink/>" * 60_000 + b"</worksheet>", "styles, links and other things"),
    "cut": (b"<worksheet><sheetData>", "not a readable"),
}


@pytest.mark.parametrize("name", WORKBOOK_BOMBS)
def test_workbooks_that_would_take_for_ever(case: Path, name: str) -> None:
    change, why = WORKBOOK_BOMBS[name]
    refused(with_part(case, SHEET, change), why)


def test_a_sheet_under_another_name_is_looked_over_too(case: Path) -> None:
    hostile = with_part(case, SHEET, WORKBOOK_BOMBS["merged sheet"][0])
    renamed = io.BytesIO()
    with zipfile.ZipFile(hostile) as archive, zipfile.ZipFile(renamed, "w") as made:
        for name in archive.namelist():
            made.writestr(
                name.replace("sheet2.xml", "picture.png"), archive.read(name).replace(b"sheet2.xml", b"picture.png")
            )
    hostile.write_bytes(renamed.getvalue())
    refused(hostile, "a merged or linked range")


# --- tables from elsewhere ---


def test_many_rows_in_a_small_file_are_refused_before_they_are_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "bomb.parquet"
    zeros = pa.table({name: pa.array(np.zeros(2_000_000)) for name in ("factor_id", "scenario", "month", "value")})
    with pq.ParquetWriter(path, zeros.schema, compression="zstd") as writer:
        for _ in range(10):
            writer.write_table(zeros, row_group_size=2_000_000)
    assert path.stat().st_size < 1_000_000
    monkeypatch.setattr(imported, "usable_memory", lambda: 1 << 30)
    with cheap(), pytest.raises(
        PlannerError,
        match=r"20,000,000 rows of 4 columns take about 4.8 GB, of 1.0 GB that may be used; leave out rows",
    ):
        imported_table(path, "paths")


@pytest.mark.parametrize("suffix", ["csv", "parquet"])
def test_a_table_that_is_a_pipe_does_not_hang(tmp_path: Path, suffix: str) -> None:
    os.mkfifo(tmp_path / f"paths.{suffix}")
    with cheap(), pytest.raises(PlannerError, match="not a regular file"):
        imported_table(tmp_path / f"paths.{suffix}", "paths")


def test_a_row_wider_than_its_header_is_refused(tmp_path: Path) -> None:
    (tmp_path / "paths.csv").write_text("a,b\n1,2\n" + "," * 100_000 + "\n")
    with cheap(), pytest.raises(PlannerError, match="Expected 2 columns, got 100001"):
        imported_table(tmp_path / "paths.csv", "paths")
