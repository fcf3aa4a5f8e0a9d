"""Every verb on the smallest case: with --json, standard output is JSON alone, whatever a library prints in C.

Most are run in this process, with what C has written taken from its buffers; some in a process of their own, to its
end.
"""

from __future__ import annotations

import ctypes
import io
import json
import os
import pkgutil
import subprocess
import sys
from collections.abc import Callable
from contextlib import chdir, redirect_stderr, redirect_stdout
from importlib import import_module
from pathlib import Path
from unittest.mock import patch

import pytest

import kernels
import planner
from planner.cli.main import app, main

pytestmark = pytest.mark.quick

Here = Callable[..., tuple[str, str]]

ROOT = Path(__file__).resolve().parents[1]
TINY = ROOT / "fixtures" / "tiny"
VERBS = [
    "new", "check", "plan", "replay", "quote", "breakeven", "sweep", "alternatives", "frontier", "portfolios", "score",
    "report",
    "audit", "bench", "manual",
]
AS_JSON = {
    "new": ["new", "made"],
    "new workbook": ["new", "made.xlsx"],
    "check": ["check", TINY],
    "plan": ["plan", TINY],
    "plan after risk": ["plan", TINY, "--risk-weight", "0.5", "--scenarios", "20"],
    "plan with a deadline": ["plan", TINY, "--solver-deadline", "120"],
    "plan by cbc": ["plan", TINY, "--solver", "cbc", "--prices", "none"],
    "plan that adapts": ["plan", TINY, "--adapt", "--scenarios", "10"],
    "replay": ["replay", "{made}/policy", "--scenarios", "4", "--workers", "1"],
    "quote": ["quote", TINY, "--gpu", "g1", "--gpus", "100", "--start", "2025-07", "--term", "12"],
    "breakeven": ["breakeven", TINY],
    "sweep": ["sweep", TINY, "--set", "gpus.capex_usd[g1]=18000,22000", "--workers", "1"],
    "alternatives": ["alternatives", TINY],
    "frontier": ["frontier", TINY, "--weights", "0,1", "--scenarios", "20"],
    "score": ["score", TINY, "--portfolios", "{made}/portfolios.parquet", "--scenarios", "20"],
    "score on workers": [
        "score", TINY, "--portfolios", "{made}/portfolios.parquet", "--scenarios", "20", "--workers", "2", "--out",
        "scores",
    ],
    "report": ["report", "{made}/run", "--out", "page"],
    "audit": ["audit", "{made}/run"],
}


OF_THEIR_OWN = ("plan", "score on workers")
"""Run as typed, in a process of their own."""


def ran(arguments: list[object], folder: Path, *, code: int = 0) -> subprocess.CompletedProcess[str]:
    ended = subprocess.run(
        [sys.executable, "-m", "planner", *map(str, arguments)], cwd=folder, env=os.environ | {"PYTHONPATH": str(ROOT)},
        stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=300,
    )
    assert ended.returncode == code, ended.stderr
    return ended


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a run and portfolios near its plan, with what was told of each, and a policy."""
    folder = tmp_path_factory.mktemp("made")
    for verb, arguments in (
        ("plan", ["--out", "run"]),
        ("portfolios", ["--plan", "run", "--neighbours", "5", "--out", "portfolios.parquet"]),
    ):
        said, complained = io.StringIO(), io.StringIO()
        words = ["planner", verb, str(TINY), *arguments]
        with (
            chdir(folder), patch.object(sys, "argv", words), redirect_stdout(said), redirect_stderr(complained),
            pytest.raises(SystemExit, match=r"^0$"),
        ):
            main()
        assert complained.getvalue() == ""
        (folder / f"{verb}.txt").write_text(said.getvalue(), encoding="utf-8")
    policy = planner.plan(TINY, adapt=planner.AdaptOptions(scenarios=10, information=0, worth=False))
    planner.write_policy(policy, folder / "policy")
    return folder


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]) -> Here:
    """Runs the command line in this process and a folder of its own; what it has printed, also by C, and its errors."""

    def run(arguments: list[object], code: int = 0) -> tuple[str, str]:
        monkeypatch.chdir(tmp_path)
        monkeypatch.setattr(sys, "argv", ["planner", *map(str, arguments)])
        capfd.readouterr()
        with pytest.raises(SystemExit) as end:
            main()
        ctypes.CDLL(None).fflush(None)
        said = capfd.readouterr()
        assert (end.value.code or 0) == code, said.err
        return said.out, said.err

    return run


@pytest.mark.parametrize("verb", [verb for verb in AS_JSON if verb not in OF_THEIR_OWN])
@pytest.mark.usefixtures("kept_script")
def test_json_is_all_that_is_printed(verb: str, made: Path, here: Here) -> None:
    out, err = here([*(str(argument).format(made=made) for argument in AS_JSON[verb]), "--json"])
    assert json.loads(out) is not None
    assert err == ""


@pytest.mark.parametrize("verb", OF_THEIR_OWN)
def test_json_is_all_that_a_process_prints(verb: str, made: Path, tmp_path: Path) -> None:
    ended = ran([*(str(argument).format(made=made) for argument in AS_JSON[verb]), "--json"], tmp_path)
    assert json.loads(ended.stdout) is not None
    assert ended.stderr == ""


def test_what_c_prints_would_be_seen(here: Here, monkeypatch: pytest.MonkeyPatch) -> None:
    from planner.case import read

    plain = read.read_case

    def noisy(*given: object) -> object:
        ctypes.CDLL(None).printf(b"written in C\n")
        return plain(*given)  # type: ignore[arg-type]

    monkeypatch.setattr(read, "read_case", noisy)
    assert "written in C" in here(["check", TINY, "--json"])[0]


def test_json_is_all_that_is_printed_of_a_case_without_a_plan(here: Here) -> None:
    """Then CBC is asked too, and SciPy's HiGHS looks for the limits that infeasible_set."""
    out, err = here(
        [
            "plan", TINY, "--fix", "leases.size[alpha]=6000", "--exclude", "power[grid:p1]", "--confirm-infeasible",
            "cbc", "--json",
        ],
        3,
    )
    assert json.loads(out)["conflict"]["conflicts"]
    assert err == ""


def test_what_is_told_begins_with_the_case(made: Path) -> None:
    assert (made / "plan.txt").read_text(encoding="utf-8").startswith("Tiny: optimal")
    assert (made / "portfolios.txt").read_text(encoding="utf-8").startswith("6 portfolios")


def test_no_verb_is_forgotten() -> None:
    assert sorted(command.callback.__name__ for command in app.registered_commands if command.callback) == sorted(VERBS)
    assert {verb.split()[0] for verb in AS_JSON} == set(VERBS) - {"portfolios", "bench", "manual"}


@pytest.mark.parametrize("verb", VERBS)
def test_help_names_what_is_asked_for(
    verb: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sys, "argv", ["planner", verb, "--help"])
    with pytest.raises(SystemExit, match=r"^0$"):
        main()
    said = capsys.readouterr().out
    place = said[said.index("Arguments:") : said.index("Options:")].splitlines()[1]
    assert any(word in place for word in ("case", "run", "write"))
    assert "\\[" not in said  # some versions of typer escape brackets for a printer that does not know it


def test_every_module_can_be_imported() -> None:
    for package in (planner, kernels):
        for module in pkgutil.walk_packages(package.__path__, f"{package.__name__}."):
            if not module.name.endswith("__main__"):
                import_module(module.name)
    for name in planner.__all__:
        getattr(planner, name)


def test_planning_in_python_prints_nothing(tmp_path: Path) -> None:
    """In threads, and on one thread after two."""
    lines = [
        "import threading",
        "from planner import PlanOptions, SolverOptions, plan, read",
        f"case = read({str(TINY)!r})",
        "threads = [threading.Thread(target=plan, args=(case,)) for _ in range(3)]",
        "for thread in threads: thread.start()",
        "for thread in threads: thread.join()",
        "plan(case, PlanOptions(solver=SolverOptions(threads=2, relax=True)))",
        "plan(case)",
    ]
    ended = subprocess.run(
        [sys.executable, "-c", "\n".join(lines)], cwd=tmp_path, env=os.environ | {"PYTHONPATH": str(ROOT)},
        capture_output=True, text=True, timeout=300
    )
    assert (ended.returncode, ended.stdout, ended.stderr) == (0, "", "")
