"""The folder of a run: whole or not at all, never over anything else, the same bytes each time."""

from __future__ import annotations

import json
import os
import stat
from collections.abc import Callable
from functools import cache
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from planner import run_folder
from planner.case.starting import starting_case
from planner.errors import PlannerError
from planner.planning.make_plan import plan
from planner.planning.plan import Plan
from planner.run_folder import plan_summary, write_run
from planner.solver.options import SolverOptions
from planner.solver.status import Status

FILES = {
    "decisions.csv", "allocation.csv", "power.csv", "cashflow.csv", "portfolio.csv", "prices.csv", "binding.csv",
    "candidates.parquet", "plan.json", "run.json",
}


@cache
def planned() -> Plan:
    return plan(starting_case())


@cache
def infeasible() -> Plan:
    return plan(starting_case(), fixes=["leases.size[lab_training]=100"])


def contents(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def test_a_run_holds_its_files_and_nothing_else_is_left(tmp_path: Path) -> None:
    folder = write_run(planned(), tmp_path / "runs" / "base")
    assert set(contents(folder)) == FILES
    assert [path.name for path in (tmp_path / "runs").iterdir()] == ["base"]


def test_tables_read_back_as_they_were(tmp_path: Path) -> None:
    found = planned()
    folder = write_run(found, tmp_path / "run")
    for name in ("decisions", "allocation", "power", "cashflow", "portfolio", "prices", "binding"):
        written, table = pd.read_csv(folder / f"{name}.csv"), getattr(found, name)
        assert list(written.columns) == list(table.columns)
        assert len(written) == len(table)
        for column in table.columns:
            if pd.api.types.is_float_dtype(table[column]):
                np.testing.assert_allclose(written[column].to_numpy(float), table[column].to_numpy(float), rtol=1e-11)
    parquet = pd.read_parquet(folder / "candidates.parquet")
    assert len(parquet) == len(found.candidates)
    assert float(parquet["npv_usd"] @ parquet["level"]) == pytest.approx(found.npv_usd, rel=1e-12)


def test_the_record_says_how_to_run_it_again(tmp_path: Path) -> None:
    found = plan(
        starting_case(), edits=["sites.pue*=1.01"], stress="gas x3", excludes=["sites[mesa]"], base="announced"
    )
    record = json.loads((write_run(found, tmp_path / "run") / "run.json").read_text())
    options = record["options"]
    assert options["edits"] == ["sites.pue*=1.01"]
    assert options["stress"] == "gas x3"
    assert options["excludes"] == ["sites[mesa]"]
    assert options["base"] == "announced"
    assert record["case_hash"] == found.case.source_hash != starting_case().source_hash
    assert record["status"] == "optimal"
    assert record["versions"]["highspy"]
    assert record["size"]["candidates"] == len(found.candidates)
    assert record["size"]["rows"] > 0


def test_the_summary_agrees_with_the_tables() -> None:
    found = planned()
    summary = plan_summary(found)
    assert summary["leases_won"] == ["lab_training"]
    assert summary["leases_declined"] == ["cloud_hall"]
    assert summary["gpus_bought"] == pytest.approx(found.portfolio.loc[found.portfolio["kind"] == "own", "level"].sum())
    assert summary["contracted_mw"] == pytest.approx(found.power["contracted_mw"].sum())
    assert summary["kinds_of_power"] == ["grid"]
    assert summary["sites"] == 1
    assert summary["npv_usd"] == found.npv_usd
    assert summary["tail_share"] == found.statement.tail_usd / found.npv_usd


def test_the_same_case_gives_the_same_bytes(tmp_path: Path) -> None:
    first, second = (contents(write_run(plan(starting_case()), tmp_path / name)) for name in ("first", "second"))
    for name in FILES - {"run.json"}:
        assert first[name] == second[name], name
    records = [json.loads(one["run.json"]) for one in (first, second)]
    for record in records:
        record.pop("seconds")
        record.pop("seal")  # which is of them too
    assert records[0] == records[1]


def test_a_failed_solve_still_writes_a_whole_folder(tmp_path: Path) -> None:
    assert infeasible().status is Status.INFEASIBLE
    folder = write_run(infeasible(), tmp_path / "run")
    assert set(contents(folder)) == FILES
    summary = json.loads((folder / "plan.json").read_text())
    assert summary["status"] == "infeasible"
    assert summary["npv_usd"] is None
    assert summary["message"].startswith("infeasible: No answer keeps every limit")
    for name in ("allocation", "cashflow", "portfolio", "prices", "binding"):
        header = (folder / f"{name}.csv").read_text().splitlines()
        assert header == [",".join(getattr(planned(), name).columns)]
    assert (pd.read_parquet(folder / "candidates.parquet")["level"] == 0.0).all()


def test_a_run_stopped_before_an_answer_writes_a_whole_folder(tmp_path: Path) -> None:
    stopped = plan(starting_case(), solver=SolverOptions(time_limit_s=0.0))
    assert stopped.status in (Status.TIME_LIMIT, Status.FEASIBLE)
    folder = write_run(stopped, tmp_path / "run")
    assert set(contents(folder)) == FILES
    assert json.loads((folder / "run.json").read_text())["status"] == stopped.status.label


def test_others_may_read_a_run(tmp_path: Path) -> None:
    """As any folder that the user makes: by the umask, not for its owner alone."""
    plain = tmp_path / "plain"
    plain.mkdir()
    folder = write_run(planned(), tmp_path / "run")
    assert stat.S_IMODE(folder.stat().st_mode) == stat.S_IMODE(plain.stat().st_mode)


# --- what stands there already -------------------------------------------------------------------------------------


def test_an_empty_folder_is_used(tmp_path: Path) -> None:
    (tmp_path / "run").mkdir()
    assert set(contents(write_run(planned(), tmp_path / "run"))) == FILES


def test_the_folder_one_stands_in_may_be_used_when_empty(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    here = tmp_path / "here"
    here.mkdir()
    monkeypatch.chdir(here)
    write_run(planned(), ".")
    assert {path.name for path in (tmp_path / "here").iterdir()} == FILES


def test_another_run_is_replaced_only_when_told(tmp_path: Path) -> None:
    folder = write_run(planned(), tmp_path / "run")
    before = contents(folder)
    with pytest.raises(PlannerError, match=r"exists already; .*--force"):
        write_run(infeasible(), folder)
    assert contents(folder) == before
    other = plan(starting_case(), excludes=["gpus[b300]"])
    write_run(other, folder, force=True)
    assert json.loads((folder / "plan.json").read_text())["npv_usd"] == other.npv_usd
    assert [path.name for path in tmp_path.iterdir()] == ["run"]


@pytest.mark.parametrize(
    "make",
    [lambda path: path.mkdir() or (path / "thesis.txt").write_text("years"), lambda path: path.write_text("years")],
)
def test_what_is_no_run_is_never_replaced(tmp_path: Path, make: Callable[[Path], object]) -> None:
    target = tmp_path / "precious"
    make(target)
    with pytest.raises(PlannerError, match="is not a run"):
        write_run(planned(), target, force=True)
    kept = target / "thesis.txt" if target.is_dir() else target
    assert kept.read_text() == "years"
    assert [path.name for path in tmp_path.iterdir()] == ["precious"]


# --- failures half-way ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize("writer", ["write_tables", "write_record", "_candidates"])
@pytest.mark.parametrize("error", [OSError(28, "No space left on device"), ValueError("a fault of our own")])
def test_a_failure_half_way_leaves_the_old_run_and_no_scratch(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, writer: str, error: Exception
) -> None:
    folder = write_run(planned(), tmp_path / "run")
    before = contents(folder)

    def fail(*_: object) -> None:
        raise error

    monkeypatch.setattr(run_folder, writer, fail)
    expected = PlannerError if isinstance(error, OSError) else ValueError
    with pytest.raises(expected, match=r"could not be written: No space left|a fault of our own"):
        write_run(planned(), folder, force=True)
    assert contents(folder) == before
    assert [path.name for path in tmp_path.iterdir()] == ["run"]


def test_a_failure_half_way_leaves_nothing_where_nothing_was(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(run_folder, "write_record", fail)
    with pytest.raises(PlannerError, match="nothing was changed"):
        write_run(planned(), tmp_path / "run")
    assert list(tmp_path.iterdir()) == []


def test_a_failure_of_the_last_step_brings_the_old_run_back(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The old run has been set aside already when the new one cannot take its place."""
    folder = write_run(planned(), tmp_path / "run")
    before = contents(folder)
    rename = Path.rename

    def fail_into_place(self: Path, target: Path) -> Path:
        if Path(target) == folder and self.parent == folder.parent:
            raise OSError(13, "Permission denied")
        return rename(self, target)

    monkeypatch.setattr(Path, "rename", fail_into_place)
    with pytest.raises(PlannerError, match="Permission denied; nothing was changed"):
        write_run(planned(), folder, force=True)
    assert contents(folder) == before
    assert [path.name for path in tmp_path.iterdir()] == ["run"]


@pytest.mark.skipif(hasattr(os, "geteuid") and os.geteuid() == 0, reason="the administrator may write anywhere")
def test_a_place_where_nothing_may_be_written_is_an_error_with_a_reason(tmp_path: Path) -> None:
    closed = tmp_path / "closed"
    closed.mkdir(mode=0o500)
    with pytest.raises(PlannerError, match="Permission denied"):
        write_run(planned(), closed / "run")


def test_a_parent_that_is_a_file_is_an_error_with_a_reason(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(PlannerError, match="could not be written"):
        write_run(planned(), tmp_path / "file" / "run")
