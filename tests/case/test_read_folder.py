"""Reading a folder: what a careful person reads, or a refusal that names file, row, column, value, reason and
remedy."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from planner.case.read import read_case
from planner.case.tables import TABLES
from planner.errors import CaseError, Fault


def faults_of(path: Path) -> tuple[Fault, ...]:
    with pytest.raises(CaseError) as caught:
        read_case(path)
    return caught.value.faults


def test_reads_values_defaults_and_blanks(case_folder):
    case = read_case(case_folder())
    assert case.settings.months == 60
    assert case.settings.discount_rate == 0.10
    assert case.sites.critical_it_mw.tolist() == [100.0, 30.0]
    assert case.sites.pue.tolist() == [1.2, 1.2], "a column left out takes its default"
    assert case.sites.shell_capex_usd_per_kw.isna().tolist() == [False, True]
    assert case.power.heat_rate_mmbtu_per_mwh.tolist() == [0.0, 6.6], "a blank cell takes the default"
    assert case.power.gas_curve.tolist() == ["", "henry"]
    assert case.leases.all_or_nothing.dtype == np.bool_
    assert case.leases.term_months.dtype == pd.Int64Dtype()
    assert case.leases.notice_months.isna().all()
    assert case.links.empty
    assert list(case.links.columns) == list(TABLES["links"].column_names)


def test_every_table_has_the_declared_dtypes(case_folder):
    case = read_case(case_folder())
    for name, table in TABLES.items():
        assert list(case.tables[name].columns) == list(table.column_names)
        for column in table.columns:
            kind = case.tables[name][column.name].dtype
            match column.type.name:
                case "NUMBER":
                    assert kind == np.float64
                case "WHOLE":
                    assert kind == pd.Int64Dtype()
                case "FLAG":
                    assert kind == np.bool_
                case _:
                    assert all(isinstance(value, str) for value in case.tables[name][column.name])


@pytest.mark.parametrize(
    ("name", "passage", "other", "table", "column", "value"),
    [
        ("market.csv", "gb300,1,6,", "gb300,1,6.0e0,", "market", "usd_per_gpu_hour", 6.0),
        ("market.csv", "gb300,1,6,", "gb300,1, 6 ,", "market", "usd_per_gpu_hour", 6.0),
        ("market.csv", "gb300,1,6,1000", "gb300,1,6,1e3", "market", "depth_gpus", 1000.0),
        ("market.csv", "gb300,1,6,", "gb300,1,+6.,", "market", "usd_per_gpu_hour", 6.0),
        ("market.csv", "gb300,1,6,", "  gb300  ,1,6,", "market", "gpu_id", "gb300"),
        ("leases.csv", "2027-07,36,", "2027-07,36.0,", "leases", "term_months", 36),
        ("sites.csv", "river,north,", 'river,"north, far",', "sites", "region", "north, far"),
    ],
)
def test_reads_other_ways_of_writing_the_same(altered_folder, name, passage, other, table, column, value):
    case = read_case(altered_folder(name, passage, other))
    assert case.tables[table][column].iloc[0] == value


def test_utf8_mark_line_ends_trailing_rows_and_notes_are_read_over(case_folder):
    sites = (
        "site_id,critical_it_mw,existing_it_mw,shell_capex_usd_per_kw,region\r\nriver,100,60,11000,north\r\n"
        "mesa,30,30,,south\r\n,,,,\r\n\r\n"
    )
    case = read_case(
        case_folder(
            {"sites.csv": b"\xef\xbb\xbf" + sites.encode(), "README.md": "notes", "notes.txt": "notes", ".hidden": "x"}
        )
    )
    assert case.sites.site_id.tolist() == ["river", "mesa"]


def test_accents_written_in_two_ways_are_one_name(case_folder):
    customers = "customer_id,rating\nacme\u0301,A\nbolt,BB\n"  # e + combining accent
    leases = (
        "lease_id,customer_id,kind,size_unit,start,term_months,max_size\n"
        "train,acm\u00e9,gpu,gpus,2027-07,36,10\n".replace("acm\u00e9", "acme\u0301")
    )
    composed = leases.replace("acme\u0301", "acm\u00e9")
    case = read_case(case_folder({"customers.csv": customers, "leases.csv": composed}))
    assert case.customers.customer_id.iloc[0] == case.leases.customer_id.iloc[0] == "acm\u00e9"


# (file, passage, what stands in its place, row, column, part of the reason, part of the remedy)
BROKEN = [
    ("market.csv", "gb300,1,6,", 'gb300,1,"6,000",', 2, "usd_per_gpu_hour", "thousands separator", "write 6000"),
    ("market.csv", "gb300,1,6,", 'gb300,1,"6,5",', 2, "usd_per_gpu_hour", "decimal comma", "write 6.5"),
    ("market.csv", "gb300,1,6,", "gb300,1,6 000,", 2, "usd_per_gpu_hour", "thousands separator", "6000"),
    ("market.csv", "gb300,1,6,", "gb300,1,6_000,", 2, "usd_per_gpu_hour", "underscore", "digits only"),
    ("market.csv", "gb300,1,6,", "gb300,1,$6,", 2, "usd_per_gpu_hour", "currency sign", "bare number"),
    ("market.csv", "gb300,1,6,", "gb300,1,15%,", 2, "usd_per_gpu_hour", "percent sign", "write 0.15"),
    ("market.csv", "gb300,1,6,", "gb300,1,nan,", 2, "usd_per_gpu_hour", "not a finite number", "blank"),
    ("market.csv", "gb300,1,6,", "gb300,1,-Inf,", 2, "usd_per_gpu_hour", "not a finite number", "blank"),
    ("market.csv", "gb300,1,6,", "gb300,1,1e999,", 2, "usd_per_gpu_hour", "too large", "exponent"),
    ("market.csv", "gb300,1,6,", "gb300,1,1e-999,", 2, "usd_per_gpu_hour", "too small", "exponent"),
    ("market.csv", "gb300,1,6,", "gb300,1,six,", 2, "usd_per_gpu_hour", "text where a number", "12.5"),
    ("market.csv", "gb300,1,6,", "gb300,1,\u0666,", 2, "usd_per_gpu_hour", "text where a number", "plain number"),
    ("market.csv", "gb300,1,6,", "gb300,1,#REF!,", 2, "usd_per_gpu_hour", "error of the spreadsheet", "formula"),
    ("market.csv", "gb300,1,6,", "gb300,1,-6,", 2, "usd_per_gpu_hour", "negative", "$ per GPU-hour"),
    ("market.csv", "gb300,2,4,", "gb300,2,7,", 3, "usd_per_gpu_hour", "more than the tier before", "dearest"),
    ("market.csv", "gb300,2,4,", "gb300,1,4,", 3, "gpu_id", "the same gpu_id and tier as in row 2", "remove or rename"),
    (
        "market.csv", "gb300,1,6,", "gb300,1,,", 2, "usd_per_gpu_hour", "neither usd_per_gpu_hour nor price_curve",
        "one of the two",
    ),
    ("market.csv", "gb300,1,6,", "gb30,1,6,", 2, "gpu_id", "no gpu_id 'gb30'", 'did you mean "gb300"'),
    ("market.csv", "gb300,1,6,1000\n", "gb300,1,6\n", 2, None, "3 cells under 4 columns", "as many cells"),
    ("market.csv", "gb300,1,6,1000\n", "gb300,1,6,1,000\n", 2, None, "5 cells under 4 columns", "quotes"),
    ("market.csv", "gb300,1,6,1000\n", "gb300,1,6,1000\n\n", 3, None, "empty row", "remove"),
    ("market.csv", "depth_gpus", "depht_gpus", 1, "depht_gpus", "no such column", 'did you mean "depth_gpus"'),
    ("market.csv", "tier,", "gpu_id,", 1, "gpu_id", "stands twice", "remove one"),
    ("market.csv", ",depth_gpus", ",", 1, "number 4", "without a name", "name it"),
    (
        "gpus.csv", "gpu_id,it_kw,", "gpu_id,it_kW,", 1, "it_kw", "required column is missing",
        "kW of critical IT per GPU",
    ),
    ("gpus.csv", "gb300,2,", "gb300,0,", 2, "it_kw", "must be above 0", "it_kw in kW"),
    ("gpus.csv", "gb300,2,", "gb300,,", 2, "it_kw", "blank, but required", "kW of critical IT"),
    ("gpus.csv", "b200,1.9,55000\n", "Total,3.9,127000\n", 3, None, "totals", "remove it"),
    ("gpus.csv", "gb300,2,72000", "gb;300,2,72000", 2, "gpu_id", "may not hold ;", "letters"),
    ("gpus.csv", "gb300,2,72000", "gb\u200b300,2,72000", 2, "gpu_id", "cannot be seen (U+200B)", "anew"),
    ("gpus.csv", "gb300,2,72000", "gb\u00a0300,2,72000", 2, "gpu_id", "special space (U+00A0)", "plain space"),
    ("gpus.csv", "gb300,2,72000", '"gb\n300",2,72000', 2, "gpu_id", "cannot be seen (U+000A)", "anew"),
    ("gpus.csv", "gb300,2,72000", "g" * 201 + ",2,72000", 2, "gpu_id", "201 characters", "at most 200"),
    (
        "gpus.csv", "b200,1.9,55000", 'b200, "1.9",55000', 3, "it_kw", "space before the opening quote",
        "right after the comma",
    ),
    ("gpus.csv", "b200,1.9,55000", 'b200,"1.9,55000', None, None, "not valid CSV", "quotes"),
    (
        "sites.csv", "river,north,100,60,", "river,north,100,160,", 2, "existing_it_mw", "more than critical_it_mw",
        "lower it",
    ),
    ("sites.csv", "mesa,south,", "river,south,", 3, "site_id", "the same site_id as in row 2", "stands once"),
    ("power.csv", "2026-06,", "06/2026,", 2, "energised", "not a month", "YYYY-MM"),
    ("power.csv", "2026-06,", "2026-13,", 2, "energised", "not a month", "YYYY-MM"),
    ("power.csv", "2026-06,", "2026-06-01,", 2, "energised", "not a month", "YYYY-MM"),
    ("power.csv", "2026-06,", "0026-06,", 2, "energised", "outside 1970 to 2200", "year"),
    ("power.csv", "2026-06,", "2027-06,", 2, "status", "energised already", "correct the month"),
    ("power.csv", ",grid,2026-06", ",gridd,2026-06", 2, "kind", "not one of the choices", 'did you mean "grid"'),
    ("power.csv", "6.6,henry,", "6.6,,", 3, "heat_rate_mmbtu_per_mwh", "gas that has no price", "gas_curve"),
    ("power.csv", "6.6,henry,", "6.6,henri,", 3, "gas_curve", "curves has no curve_id 'henri'", 'did you mean "henry"'),
    ("leases.csv", "2027-07,36,", "2027-07,36.5,", 2, "term_months", "not a whole number", "36 or 37"),
    ("leases.csv", "2027-07,36,", "2027-07,99999999999999999999,", 2, "term_months", "too large", "digits"),
    ("leases.csv", "1000,10000,", "20000,10000,", 2, "min_size", "more than max_size", "raise max_size"),
    ("leases.csv", "1000,10000,", "1000.5,10000,", 2, "min_size", "fraction of a GPU", "it_mw"),
    ("leases.csv", "1000,10000,\n", "1000,10000,5\n", 2, "usd_per_kw_month", "GPUs with a rate per kW", "lease_rates"),
    ("leases.csv", "5,10,139", "5,10,", 3, "usd_per_kw_month", "hosting lease without a rate", "kW-month"),
    ("leases.csv", "hosting,it_mw,", "hosting,,", 3, "size_unit", "sized in GPUs", "it_mw"),
    (
        "leases.csv", "hall,bolt,hosting,it_mw,2028-01,24,5,10,139", "hall,bolt,gpu,it_mw,2028-01,24,5,10,", 3,
        "lease_id", "without a rate", "lease_rates",
    ),
    (
        "lease_rates.csv", "train,gb300,2,3.9,", "train,gb300,2,4.9,", 3, "usd_per_gpu_hour",
        "more than the tier before", "dearest",
    ),
    (
        "lease_rates.csv", "train,gb300,2,3.9,", "hall,gb300,2,3.9,", 3, "lease_id", "for a hosting lease",
        "usd_per_kw_month",
    ),
    ("resale.csv", "gb300,0,0.9\n", "", 2, "age_months", "before this age is not stated", "age 0"),
    ("resale.csv", "gb300,36,0.3", "gb300,36,0.95", 3, "value_share", "more than at a younger age", "check"),
    ("resale.csv", "gb300,36,0.3", "gb300,36,30", 3, "value_share", "more than 1", "for 30 % write 0.3"),
    (
        "curves.csv", "henry,2027-01,", "henry,2027-02,", 2, "month", "begins after the start 2027-01",
        "2027-01 or before",
    ),
    ("curves.csv", "2030-01,3.75,$ per MMBtu", "2030-01,3.75,$ per MWh", 3, "unit", "elsewhere", "one unit"),
    ("curves.csv", "henry,2030-01,3.75", "henry,2030-01,-30", 3, "value", "less than -20", "sign"),
    ("budget.csv", "2027-Q1,", "2027Q1,", 2, "quarter", "not a quarter", "YYYY-Qn"),
    ("budget.csv", "2027-Q1,", "2026-Q4,", 2, "quarter", "ends before the start", "remove"),
    ("budget.csv", "2027-Q1,1000000000", "2027-Q1,", 2, "quarter", "neither new capital nor a floor", "remove the row"),
    ("stresses.csv", "curves.value[henry]", "curves.valu[henry]", 2, None, "no such column", 'did you mean "value"'),
    ("stresses.csv", "curves.value[henry]", "curves.value[henri]", 2, None, "no row of curves", 'did you mean "henry"'),
    ("stresses.csv", "curves.value[henry]", "curves value", 2, "target", "not a target", "table.column"),
    (
        "stresses.csv", "curves.value[henry]", "power.gas_usd_per_mmbtu", 2, None, "from a curve",
        "curves.value[henry]*=3",
    ),
    ("stresses.csv", "multiply", "times", 2, "change", "not one of the choices", "multiply"),
    ("case.toml", "months = 60", 'months = "60"', 3, "months", "kept as text", "without quotes"),
    ("case.toml", "months = 60", "months = 0", 3, "months", "less than 1", "months"),
    (
        "case.toml", "months = 60", "months = 60\ndiscount = 0.1", 4, "discount", "no such setting",
        'did you mean "discount_rate"',
    ),
    ("case.toml", "months = 60", "months = 60\ntax_rate = nan", 4, "tax_rate", "not a finite number", "blank"),
    ("case.toml", "months = 60", "months = 60\ntax_rate = true", 4, "tax_rate", "yes/no", "a number"),
    ("case.toml", "months = 60", "months = 60\nseed = [1]", 4, "seed", "several values", "whole number"),
    ("case.toml", "months = 60", 'months = 60\ntail = "rent"', 4, "tail", "not one of the choices", "rented"),
    (
        "case.toml", "months = 60", 'months = 60\n[depreciation.gpus]\nmethod = "macrs_5"', 5,
        "depreciation.gpus.method", "no such setting", 'did you mean "gpu"',
    ),
    ("case.toml", "months = 60\n", "", None, "months", "required setting is missing", "length of the horizon"),
    ("case.toml", "months = 60", "months = 60\nmonths = 61", 4, None, "not valid TOML", "key = value"),
    ("case.toml", 'start = "2027-01"', "start = 2027", 2, "start", "a number where a month", "YYYY-MM"),
]


@pytest.mark.parametrize(
    ("name", "passage", "other", "row", "column", "why", "remedy"), BROKEN,
    ids=[f"{case[0]}: {case[5]}" for case in BROKEN],
)
def test_broken_input_is_refused_where_it_stands(altered_folder, name, passage, other, row, column, why, remedy):
    found = faults_of(altered_folder(name, passage, other))
    matching = [fault for fault in found if fault.file == name and why in fault.why]
    assert matching, [str(fault) for fault in found]
    fault = matching[0]
    if row is not None:
        assert fault.row == row
    assert fault.column == column
    assert remedy in fault.remedy


@pytest.mark.parametrize(
    ("files", "file", "why", "remedy"),
    [
        ({"sites.csv": ""}, "sites.csv", "empty", "header row"),
        ({"sites.csv": "site_id,critical_it_mw\n".encode("utf-16")}, "sites.csv", "UTF-16", "UTF-8"),
        (
            {"sites.csv": "site_id,critical_it_mw\nriver,100\n".encode("utf-16-le")}, "sites.csv",
            "UTF-16 without a byte-order mark", "UTF-8",
        ),
        (
            {"sites.csv": "site_id,critical_it_mw\nriver,100\n".encode("utf-16-be")}, "sites.csv",
            "UTF-16 without a byte-order mark", "UTF-8",
        ),
        (
            {"sites.csv": "site_id,critical_it_mw\nriver,100\n".encode("utf-32-le")}, "sites.csv",
            "UTF-32 without a byte-order mark", "UTF-8",
        ),
        (
            {"case.toml": 'name = "x"\nstart = "2027-01"\nmonths = 12\n'.encode("utf-16-le")}, "case.toml",
            "UTF-16 without a byte-order mark", "UTF-8",
        ),
        (
            {"sites.csv": "sep=,\nsite_id,critical_it_mw\nriver,100\n"}, "sites.csv", "hint for a spreadsheet program",
            "remove this line",
        ),
        (
            {"sites.csv": "sep=;\nsite_id;critical_it_mw\nriver;100\n"}, "sites.csv", "hint for a spreadsheet program",
            "commas between columns",
        ),
        (
            {"sites.csv": "# sites of 2027\nsite_id,critical_it_mw\nriver,100\n"}, "sites.csv", "a comment line",
            "column source",
        ),
        (
            {"sites.csv": "site_id,critical_it_mw\nriver,100\n# the rest is to come\n"}, "sites.csv", "a comment line",
            "remove it",
        ),
        ({"sites.csv": "site_id,critical_it_mw\nriver,100\n// later,\n"}, "sites.csv", "a comment line", "remove it"),
        (
            {"sites.csv": "site_id,name,critical_it_mw\nriver,Z\u00fcrich,100\n".encode("latin-1")}, "sites.csv",
            "not UTF-8", "UTF-8",
        ),
        ({"sites.csv": "site_id;critical_it_mw\nriver;100\n"}, "sites.csv", "separated by semicolons", "commas"),
        ({"sites.csv": "site_id\tcritical_it_mw\nriver\t100\n"}, "sites.csv", "separated by tabs", "commas"),
        ({"site.csv": "site_id\nx\n"}, "site.csv", "not a file of a case", 'did you mean "sites.csv"'),
        ({"Sites.csv.bak": "x"}, "Sites.csv.bak", "not a file of a case", "move it out"),
        ({"case.toml": None}, "case.toml", "no case.toml", "planner new"),
    ],
)
def test_broken_files_are_refused(case_folder, files, file, why, remedy):
    found = [fault for fault in faults_of(case_folder(files)) if fault.file == file]
    assert any(why in fault.why and remedy in fault.remedy for fault in found), [str(fault) for fault in found]


def test_a_table_that_is_no_file_is_refused(case_folder):
    folder = case_folder({"links.csv": None})
    (folder / "links.csv").mkdir()
    (folder / "budget.csv").unlink()
    (folder / "budget.csv").symlink_to(folder / "gone.csv")
    assert {
        (fault.file, fault.why.split(" (")[0]) for fault in faults_of(folder)
    } == {("links.csv", "cannot be read"), ("budget.csv", "cannot be read")}


def test_a_first_day_in_toml_is_a_month(case_folder):
    assert read_case(
        case_folder({"case.toml": 'name = "x"\nstart = 2027-01-01\nmonths = 12\n'})
    ).settings.start == "2027-01"


def test_all_faults_come_in_one_report(case_folder):
    gpus = "gpu_id,it_kw,capex_usd\ngb300,x,72000\nb200,1.9,-1\n"
    market = "gpu_id,tier,usd_per_gpu_hour\ngb200,1,6\n"
    found = faults_of(
        case_folder({"gpus.csv": gpus, "market.csv": market, "case.toml": 'name = "x"\nstart = "2027"\nmonths = 60\n'})
    )
    places = {(fault.file, fault.row, fault.column) for fault in found}
    assert {
        ("gpus.csv", 2, "it_kw"), ("gpus.csv", 3, "capex_usd"), ("market.csv", 2, "gpu_id"), ("case.toml", 2, "start")
    } <= places


def test_an_unreadable_table_does_not_blame_those_that_refer_to_it(case_folder):
    found = faults_of(case_folder({"gpus.csv": "gpu_id,it_kw,capex_usd\ngb300,2\n"}))
    assert [fault.file for fault in found] == ["gpus.csv"]


def test_a_setting_out_of_range_is_reported_once(altered_folder):
    found = faults_of(altered_folder("case.toml", "months = 60", "months = 60\ntax_rate = 25"))
    assert [(fault.row, fault.column, fault.why) for fault in found] == [(4, "tax_rate", "more than 0.9")]
    assert "for 25 % write 0.25" in found[0].remedy


def test_a_refused_cell_is_reported_once(altered_folder):
    found = faults_of(altered_folder("gpus.csv", "gb300,2,72000", "gb300,2,72.000.000"))
    assert [(fault.row, fault.column) for fault in found] == [(2, "capex_usd")]


@pytest.mark.parametrize(
    ("path", "why"),
    [("nowhere", "no such folder"), ("case/case.toml", "one file of a case"), ("case/notes.txt", "neither a folder")],
)
def test_paths_that_are_no_case(case_folder, path, why):
    folder = case_folder({"notes.txt": "x"})
    assert why in faults_of(folder.parent / path)[0].why


def test_a_scalar_and_its_curve_together_are_refused(case_folder):
    power = (
        "source_id,phase,site_id,kind,energised,guaranteed_mw,mw_per_it_mw,heat_rate_mmbtu_per_mwh,gas_usd_per_mmbtu,gas_curve\n"
        "cells,1,mesa,fuel_cell,2027-04,39,1.3,6.6,3,henry\n"
    )
    found = faults_of(case_folder({"power.csv": power}))
    assert found[0].column == "gas_curve"
    assert "both gas_usd_per_mmbtu and gas_curve" in found[0].why


def test_a_refused_name_does_not_blame_those_that_refer_to_it(altered_folder):
    found = faults_of(altered_folder("gpus.csv", "gb300,2,72000", "gb\u200b300,2,72000"))
    assert [(fault.file, fault.row) for fault in found] == [("gpus.csv", 2)]


def test_the_message_reads_as_a_sentence(altered_folder):
    folder = altered_folder("market.csv", "gb300,1,6,", "gb30,1,6,")
    with pytest.raises(
        CaseError,
        match=r"market\.csv, row 2, column gpu_id: 'gb30': gpus has no gpu_id 'gb30'; did you mean \"gb300\"\?",
    ):
        read_case(folder)
