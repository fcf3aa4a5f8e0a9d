"""How the command line ends when something is wrong: a short reason, a remedy, the right code, no traceback."""

from __future__ import annotations

import errno
import sys
from pathlib import Path

import pytest

from planner.case.starting import starting_case
from planner.case.write import write_case
from planner.cli.main import main


def ended(arguments: list[object], monkeypatch: pytest.MonkeyPatch) -> int:
    """Exit code of the command line run in this process."""
    monkeypatch.setenv("COLUMNS", "200")
    monkeypatch.setattr(sys, "argv", ["planner", *map(str, arguments)])
    with pytest.raises(SystemExit) as end:
        main()
    return int(end.value.code or 0)


@pytest.fixture(scope="module")
def case(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("cases") / "start"
    write_case(starting_case(), path)
    return path


@pytest.mark.parametrize(
    ("arguments", "remedy"),
    [
        (["--solver", "higs"], "did you mean 'highs'"),
        (["--solver", "gurobi"], "Known: highs, cbc, cuopt"),
        (["--stress", "gas x4"], 'did you mean "gas x3"'),
        (["--base", "expectd"], 'did you mean "expected"'),
        (["--tail", "rentd"], 'did you mean "rented"'),
        (["--gap", "-1"], "--gap"),
        (["--gap", "nan"], "--gap"),
        (["--time-limit", "inf"], "seconds"),
        (["--threads", "0"], "--threads"),
        (["--solver", "cuopt", "--threads", "2"], "use solver 'highs'"),
        (["--set", "sites.pue[rivr]=2"], 'did you mean "river"'),
        (["--set", "sites.pu[river]=2"], 'did you mean "pue"'),
        (["--set", "sites.pue[river]=0.5"], "1"),
        (["--set", "nonsense"], "write table.column[id]=value"),
        (["--fix", "leases.size[lab_trainin]=1"], 'did you mean "lab_training"'),
        (["--fix", "leases.size"], "write table.column[id]=value"),
        (["--exclude", "sites[messa]"], 'did you mean "mesa"'),
        (["--exclude", "sites"], "write sites[id]"),
        (["--relaxed"], "--relax"),
    ],
)
def test_a_wrong_option_ends_with_2_and_what_to_do(
    case: Path, arguments: list[str], remedy: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert ended(["plan", case, *arguments], monkeypatch) == 2
    said = capsys.readouterr()
    assert remedy in said.err
    assert "Traceback" not in said.err
    assert said.out == ""


def test_forms_shown_by_help_have_their_brackets(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """`[id]` in a help text is no markup: it says how the option is written."""
    assert ended(["plan", "--help"], monkeypatch) == 0
    shown = "".join(capsys.readouterr().out.split())
    for form in ("table.column[id]=value", "leases.size[id]=units", "power.contracted_mw[source:phase]=MW", "gpus[id]"):
        assert form in shown, form
    assert ended(["check", "--help"], monkeypatch) == 0
    assert "table.column[id]=value" in "".join(capsys.readouterr().out.split())


def test_a_missing_case_says_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert ended(["plan", tmp_path / "nowhere"], monkeypatch) == 2
    assert "there is no such folder or workbook; check the path; `planner new`" in capsys.readouterr().err


def test_a_broken_case_lists_every_fault_with_its_place(
    case: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    for path in case.iterdir():
        (tmp_path / path.name).write_bytes(path.read_bytes())
    sites = (tmp_path / "sites.csv").read_text()
    (tmp_path / "sites.csv").write_text(
        "\n".join(row + cell for row, cell in zip(sites.splitlines(), (",pue", ",0.2", ",1.3"), strict=True)) + "\n"
    )
    leases = (tmp_path / "leases.csv").read_text()
    (tmp_path / "leases.csv").write_text(leases.replace("lab_training,lab,", "lab_training,labb,"))
    assert ended(["plan", tmp_path], monkeypatch) == 2
    said = capsys.readouterr().err
    assert "faults in the case" in said
    assert "sites.csv, row 2, column pue" in said
    assert "leases.csv, row 2, column customer_id" in said
    assert 'did you mean "lab"?' in said


@pytest.mark.parametrize("verb", ["paln", "pln"])
def test_an_unknown_verb_is_bad_usage(
    verb: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert ended([verb], monkeypatch) == 2
    assert verb in capsys.readouterr().err


def test_debug_shows_the_traceback_wherever_it_stands(
    case: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    for arguments in (["--debug", "plan", case, "--solver", "higs"], ["plan", case, "--solver", "higs", "--debug"]):
        assert ended(arguments, monkeypatch) == 2
        said = capsys.readouterr().err
        assert "Traceback" in said
        assert "error: unknown solver" in said


def test_a_fault_of_our_own_ends_with_1_and_says_how_to_report_it(
    case: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    import planner.candidates.options

    def broken(*_: object, **__: object) -> None:
        raise ZeroDivisionError("nothing to divide by")

    monkeypatch.setattr(planner.candidates.options, "build_candidates", broken)
    assert ended(["plan", case], monkeypatch) == 1
    said = capsys.readouterr().err
    assert "internal fault: ZeroDivisionError: nothing to divide by" in said
    assert "--debug" in said
    assert "Traceback" not in said


def test_ctrl_c_ends_with_130_and_writes_nothing(case: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import planner.candidates.options

    def interrupted(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(planner.candidates.options, "build_candidates", interrupted)
    assert ended(["plan", case, "--out", tmp_path / "run"], monkeypatch) == 130
    assert list(tmp_path.iterdir()) == []


def test_a_disk_that_is_full_is_no_internal_fault(
    case: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    from planner import run_folder

    def full(*_: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(run_folder, "write_tables", full)
    assert ended(["plan", case, "--out", tmp_path / "run"], monkeypatch) == 2
    assert "could not be written: No space left on device; nothing was changed" in capsys.readouterr().err
    assert list(tmp_path.iterdir()) == []
