"""`planner plan --write-model`: what another solver finds of the file is what the plan is worth."""

from __future__ import annotations

import re
from pathlib import Path

import highspy
import pulp
import pytest
from command_line import Run

import planner
from planner.case.generate import generate_case
from planner.case.write import write_case
from planner.solver.model_file import write_model_file

TINY = Path(__file__).resolve().parents[2] / "fixtures" / "tiny"


def best_of(file: Path) -> float:
    """The optimum of a file as HiGHS reads it by itself."""
    highs = highspy.Highs()
    highs.setOptionValue("output_flag", False)
    assert highs.readModel(str(file)) != highspy.HighsStatus.kError
    highs.setOptionValue("mip_rel_gap", 1e-9)
    highs.run()
    return float(highs.getInfo().objective_function_value)


@pytest.mark.parametrize("ending", [".mps", ".lp"])
def test_another_solver_finds_the_same_plan(run: Run, tmp_path: Path, ending: str) -> None:
    write_case(generate_case(sites=3, leases=5, skus=2, months=36, seed=3), tmp_path / "case")
    file = tmp_path / f"model{ending}"
    code, _, err = run(
        "plan", tmp_path / "case", "--prices", "none", "--gap", 1e-9, "--futures", "none", "--write-model", file
    )
    assert code == 0, err
    npv = planner.plan(tmp_path / "case", prices="none", gap=1e-9).npv_usd
    assert npv is not None
    assert best_of(file) == pytest.approx(npv / 1e6, rel=1e-6)


@pytest.mark.filterwarnings("ignore::DeprecationWarning")  # of PuLP's own reader
def test_cbc_reads_it_too(run: Run, tmp_path: Path) -> None:
    file = tmp_path / "tiny.mps"
    code, _, err = run("plan", TINY, "--prices", "none", "--write-model", file)
    assert code == 0, err
    _, problem = pulp.LpProblem.fromMPS(str(file), sense=pulp.LpMaximize)
    problem.solve(pulp.PULP_CBC_CMD(msg=False))
    assert abs(pulp.value(problem.objective)) == pytest.approx(58.36032, rel=1e-9)


def test_names_say_what_is_decided_and_what_is_limited(run: Run, tmp_path: Path) -> None:
    file = tmp_path / "tiny.mps"
    run("plan", TINY, "--prices", "none", "--write-model", file)
    text = file.read_text(encoding="utf-8")
    for name in (
        "serve:alpha:quarry:g1/1:grid:p1@2025-01", "power:cells:p1", "accept:beta", "stock:gpus:quarry:g1@2026-01",
        "PHASE:grid:p1@2025-01", "VOLUME:beta@2025-01",
    ):
        assert re.search(rf"\s{re.escape(name)}\s", text), name


def test_names_that_a_format_makes_one_stay_two(tmp_path: Path) -> None:
    found = planner.plan(TINY, prices="none").allocation_result
    count = len(found.solution.arrays.cost)
    names = ["a:b", "a/b", "a>b", *(f"c{at}" for at in range(count - 3))]
    write_model_file(found.solution.arrays, names, found.model.row_names, tmp_path / "model.lp")
    assert best_of(tmp_path / "model.lp") == pytest.approx(found.solution.objective, rel=1e-9)


@pytest.mark.parametrize(
    ("asked", "words"),
    [
        (("--write-model", "model.txt"), "is written as .mps or .lp"),
        (("--write-model", "model.mps", "--risk-weight", "0.5"), "not of one after risk"),
        (("--write-model", "model.mps", "--adapt"), "--write-model is not for a policy"),
    ],
)
def test_what_cannot_be_written_is_refused(run: Run, asked: tuple[str, ...], words: str) -> None:
    code, said, err = run("plan", TINY, *asked)
    assert code == 2
    assert words in " ".join(err.split())
    assert not said
