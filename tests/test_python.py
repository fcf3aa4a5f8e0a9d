"""The verbs in Python: examples of their docstrings, a case or its path, and what is said of wrong arguments."""

from __future__ import annotations

import doctest
import json
import os
import subprocess
import sys
from importlib import import_module, util
from pathlib import Path

import pandas as pd
import pytest

import planner

ROOT = Path(__file__).resolve().parents[1]
TINY = ROOT / "fixtures/tiny"
NOTEBOOK = ROOT / "fixtures/first_plan.ipynb"
VERBS = (
    "alternatives", "audit", "breakeven", "check", "frontier", "plan", "plan_after_risk", "portfolios", "price",
    "quote", "read", "report", "score", "sweep",
)


@pytest.fixture(scope="module")
def plan() -> planner.Plan:
    return planner.plan(TINY, prices="none")


@pytest.mark.parametrize("name", VERBS)
@pytest.mark.usefixtures("kept_script")
def test_examples_run(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    verb = getattr(planner, name)
    (example,) = doctest.DocTestFinder(recurse=False).find(verb, name, module=import_module(verb.__module__), globs={})
    assert example.examples, f"planner.{name} shows no example"
    monkeypatch.chdir(ROOT)
    said: list[str] = []
    assert doctest.DocTestRunner().run(example, out=said.append).failed == 0, "".join(said)


def test_a_plan_is_told_in_one_line(plan: planner.Plan) -> None:
    assert repr(plan) == "<Plan of 'Tiny': optimal, NPV $58,360,320>"


def test_names_are_listed() -> None:
    assert dir(planner) == planner.__all__
    assert set(VERBS) <= set(dir(planner))


def test_a_check_tells_faults_and_does_not_raise() -> None:
    found = planner.check(TINY, ["power.energised[grid:p1]=2025-13"])
    assert not found.sound
    assert found.case is None
    assert [(fault.value, fault.why) for fault in found.faults] == [("power.energised[grid:p1]=2025-13", "not a month")]
    sound = planner.check(planner.read(TINY))
    assert sound.case is not None
    assert sound.size is not None
    assert (sound.sound, sound.case.settings.name) == (True, "Tiny")


def test_portfolios_in_memory_score_as_their_file_does(plan: planner.Plan, tmp_path: Path) -> None:
    made = planner.portfolios(plan, neighbours=3)
    made.write(tmp_path / "near.parquet")
    run = [
        sys.executable, "-m", "planner", "score", str(TINY), "--portfolios", "near.parquet", "--scenarios", "8",
        "--out", "scores",
    ]
    subprocess.run(run, cwd=tmp_path, env=os.environ | {"PYTHONPATH": str(ROOT)}, check=True, capture_output=True)
    pd.testing.assert_frame_equal(
        planner.score(TINY, made, scenarios=8).table.reset_index(drop=True),
        pd.read_parquet(tmp_path / "scores/scores.parquet").reset_index(drop=True), check_dtype=False
    )


@pytest.mark.usefixtures("kept_script")
def test_a_report_of_a_plan_in_memory(plan: planner.Plan, tmp_path: Path) -> None:
    made = planner.report(plan, tmp_path / "report")
    assert sorted(made.sizes) == ["report.html", "report.xlsx"] == sorted(path.name for path in made.folder.iterdir())
    assert made.npv_usd == plan.npv_usd
    with pytest.raises(planner.PlannerError, match="exists already"):
        planner.report(plan, tmp_path / "report")


@pytest.mark.parametrize(
    ("call", "said"),
    [
        (lambda plan: planner.plan(TINY, tial="none"), "plan has no option 'tial'; " 'did you mean "tail"?'),
        (lambda plan: planner.plan(plan), "Plan is no case; give a case, or the path"),
        (lambda plan: planner.plan(TINY, 3), "options are int, not PlanOptions"),
        (lambda plan: planner.check(3), "int is no case"),
        (lambda plan: planner.price(TINY), "is no plan; planner.plan"),
        (lambda plan: planner.price(plan, "ful"), 'did you mean "full"?'),
        (lambda plan: planner.portfolios(TINY, subsets="sites"), "is no plan; planner.plan"),
        (lambda plan: planner.portfolios(plan), "give one of subsets='sites', neighbours=N, random=N"),
        (lambda plan: planner.portfolios(plan, subsets="site"), 'did you mean "sites"?'),
        (lambda plan: planner.portfolios(plan, neighbours=2, seed=1), "a seed is for random=N alone"),
        (lambda plan: planner.score(TINY, plan), "Plan is no table of portfolios; give plan.portfolio"),
        (
            lambda plan: planner.score(TINY, plan.portfolio, scenario=3),
            "score has no option 'scenario'; " 'did you mean "scenarios"?',
        ),
        (
            lambda plan: planner.score(TINY, planner.portfolios(plan, subsets="sites"), base="announced"),
            "plan of another case, base or tail",
        ),
        (lambda plan: planner.sweep(TINY, vary="lease_rate=1:2:2", worker=1), 'did you mean "workers"?'),
    ],
)
def test_wrong_arguments_say_what_was_meant(call: object, said: str, plan: planner.Plan) -> None:
    assert callable(call)
    with pytest.raises(planner.PlannerError) as error:
        call(plan)
    assert said in str(error.value)


def test_choices_reach_the_solver() -> None:
    found = planner.plan(TINY, prices="none", gap=0.5, relax=True)
    assert (found.options.solver.gap, found.options.solver.relax) == (0.5, True)
    with pytest.raises(planner.PlannerError, match="not both"):
        planner.plan(TINY, solver=planner.SolverOptions(), gap=0.5)


@pytest.mark.slow
def test_code_of_users_is_typed(tmp_path: Path) -> None:
    """mypy knows the verbs and their results by their types, and sees a mistake."""
    if util.find_spec("mypy") is None:
        pytest.skip("mypy is not installed; pip install 'neocloud-planner[dev]'")
    (said,) = mypy_says(
        tmp_path,
        "import planner\n\nfound = planner.plan('case', prices='none')\nworth: float | None = found.npv_usd\n"
        "rows: int = len(planner.price(found))\nsound: bool = planner.check('case').sound\n"
        "name: str = found.npv_usd\n",
    ).splitlines()
    assert "user.py:7: error" in said
    assert 'expression has type "float | None", variable has type "str"' in said


def mypy_says(folder: Path, code: str) -> str:
    (folder / "user.py").write_text(code, encoding="utf-8")
    asked = [
        sys.executable, "-m", "mypy", "--strict", "--no-error-summary", "--follow-imports=silent",
        "--ignore-missing-imports", str(folder / "user.py"),
    ]
    return subprocess.run(asked, cwd=ROOT, capture_output=True, text=True, check=False, timeout=600).stdout.strip()


@pytest.mark.slow
def test_the_notebook_runs_from_top_to_bottom(monkeypatch: pytest.MonkeyPatch) -> None:
    cells = json.loads(NOTEBOOK.read_text(encoding="utf-8"))["cells"]
    code = ["".join(cell["source"]) for cell in cells if cell["cell_type"] == "code"]
    assert len(code) >= 5
    monkeypatch.chdir(NOTEBOOK.parent)
    names: dict[str, object] = {}
    for number, cell in enumerate(code):
        exec(compile(cell, f"cell {number}", "exec"), names)
    assert isinstance(names["plan"], planner.Plan)
