"""How wide the output is, and that no table is cut or broken where it is narrow."""

from __future__ import annotations

import io
from pathlib import Path

import pytest
from command_line import Run
from rich.console import Console
from rich.table import Table

from planner.cli.terminal import fitting, output, say_written, show

TINY = Path(__file__).parents[2] / "fixtures" / "tiny"


def printed(table: Table, width: int) -> str:
    console = Console(file=io.StringIO(), width=width)
    show(console, table)
    assert isinstance(console.file, io.StringIO)
    return console.file.getvalue()


def years(count: int) -> Table:
    table = Table(title="money by year, $M", title_justify="left")
    table.add_column("")
    for year in range(count):
        table.add_column(str(2027 + year), justify="right")
    table.add_row("revenue", *(f"{10_000 + year:,}" for year in range(count)))
    return table


def test_columns_says_the_width_and_a_pipe_without_it_has_80(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "133")
    assert output().width == 133
    for nonsense in ("", "0", "wide"):
        monkeypatch.setenv("COLUMNS", nonsense)
        assert output().width == 80
    monkeypatch.delenv("COLUMNS")
    assert output().width == 80


@pytest.mark.parametrize("width", [30, 60, 80, 100])
def test_a_wide_table_is_parted_and_every_number_stays_whole(width: int) -> None:
    said = printed(years(16), width)
    assert max(map(len, said.splitlines())) <= width
    for year in range(16):
        assert f" {10_000 + year:,} " in said
        assert f" {2027 + year} " in said
    assert said.count("money by year") == 1
    assert said.count("revenue") > 1


def test_a_table_that_fits_is_left_as_it_is() -> None:
    console = Console(width=80)
    table = years(3)
    assert fitting(table, console) == [table]


def test_text_is_broken_between_words_before_a_table_is_parted() -> None:
    table = Table()
    for name in ("name", "MW"):
        table.add_column(name, justify="right" if name == "MW" else "left")
    table.add_row("a site with a very long name indeed, of many words", "1,234")
    said = printed(table, 40)
    assert said.count("1,234") == 1
    assert all(word in said for word in ("very", "indeed,", "words"))
    assert max(map(len, said.splitlines())) <= 40


def test_what_names_a_row_is_repeated() -> None:
    table = Table()
    for name in ("site", "SKU", *(f"number {at}" for at in range(12))):
        table.add_column(name, justify="right" if name.startswith("number") else "left")
    table.add_row("river", "b200", *(f"{at}00,000,000" for at in range(12)))
    said = printed(table, 80)
    assert said.count("river") == said.count("b200") > 1


def test_a_path_is_never_broken() -> None:
    console = Console(file=io.StringIO(), width=40)
    say_written(console, "/a/long/way/" * 8)
    assert isinstance(console.file, io.StringIO)
    assert console.file.getvalue() == f"written to {'/a/long/way/' * 8}\n"


@pytest.mark.parametrize(
    "words",
    [
        ("plan", TINY, "--details"), ("plan", TINY), ("breakeven", TINY), ("check", TINY),
        ("quote", TINY, "--gpu", "g1", "--gpus", "100", "--start", "2025-07", "--term", "12"),
    ]
)
def test_nothing_is_cut_at_80(run: Run, words: tuple[object, ...]) -> None:
    ended = run(*words, columns=80)
    assert ended.code == 0, ended.err
    assert "…" not in ended.out
    assert max(map(len, ended.out.splitlines())) <= 80
