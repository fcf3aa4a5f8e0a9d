"""HiGHS prints nothing of its own accord, whenever and wherever the first of its objects is made."""

from __future__ import annotations

import ast
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

pytestmark = pytest.mark.quick

ROOT = Path(__file__).resolve().parents[2]
SOLVE = """
    import pulp
    from planner.solver.options import SolverOptions
    from planner.solver.solvers import solve

    def solved(**options):
        problem = pulp.LpProblem("one", pulp.LpMaximize)
        x = problem.add_variable("x", 0, 3, pulp.LpInteger)
        problem += x
        problem += 2 * x <= 5
        assert solve(problem, SolverOptions(**options)).objective == 2
"""


def printed(script: str, *, before: str = "") -> tuple[str, str]:
    """Standard output and error of a script in a process of its own, where no HiGHS object was made yet. before: shell
    code."""
    code = textwrap.dedent(SOLVE) + textwrap.dedent(script)
    ended = subprocess.run(
        ["bash", "-c", f'{before} exec "$0" -c "$1"', sys.executable, code], cwd=ROOT, capture_output=True, text=True,
        timeout=120
    )
    assert ended.returncode == 0, ended.stderr
    return ended.stdout, ended.stderr


def test_a_solve_prints_nothing_and_what_stood_before_and_after_stays() -> None:
    assert printed(
        "print('before'); solved(); print('between'); solved(); print('after')"
    ) == ("before\nbetween\nafter\n", "")


@pytest.mark.parametrize("option", ["log", "progress"])
def test_nothing_is_printed_where_a_log_or_progress_is_asked_for(option: str) -> None:
    assert printed(f"solved({option}=lambda *said: None)") == ("", "")


def test_each_log_begins_with_what_highs_says_of_itself() -> None:
    """Since 1.16 that is printed once a process; before, and in the log, once a model."""
    said, _ = printed("""
        for _ in range(2):
            lines = []
            solved(log=lines.append)
            print(sum("Running HiGHS" in line for line in lines), "HiGHS" in "".join(lines).splitlines()[0])
    """)
    assert said == "1 True\n1 True\n"


def test_solves_in_several_threads_print_nothing() -> None:
    assert printed("""
        import threading
        threads = [threading.Thread(target=solved) for _ in range(6)]
        for thread in threads: thread.start()
        for thread in threads: thread.join()
    """) == ("", "")


def test_what_other_threads_print_meanwhile_is_kept() -> None:
    out, err = printed("""
        import os, threading
        from planner.solver import fresh_highs as place

        made, printing = place.highspy.Highs, threading.Event()
        def slowly():  # the first object, made while another thread prints
            highs = made()
            printing.wait()
            return highs
        place.highspy.Highs = slowly

        def prints():
            for number in range(100):
                print("line", number, flush=True)
                os.write(2, b"x")
            printing.set()
        other = threading.Thread(target=prints)
        other.start()
        place.fresh_highs()
        other.join()
    """)
    assert out.splitlines() == [f"line {number}" for number in range(100)]
    assert err == "x" * 100


@pytest.mark.parametrize(
    ("script", "before"),
    [
        ("solved()", "exec 1>&-;"),
        ("solved()", "exec 0<&- 1>&- 2>&-;"),
        ("import sys; sys.stdout = sys.stderr = None; solved()", ""),
        ("import sys; sys.stdout.close(); sys.stderr.close(); solved()", ""),
        ("import contextlib, io\nwith contextlib.redirect_stdout(io.StringIO()): solved()", ""),
    ],
    ids=["closed", "all closed", "none", "closed in Python", "captured in Python"],
)
def test_standard_output_may_be_absent(script: str, before: str) -> None:
    assert printed(script, before=before) == ("", "")


def test_a_file_that_took_the_place_of_standard_output_is_left_alone(tmp_path: Path) -> None:
    kept = tmp_path / "kept"
    printed(f"""
        import os
        file = open({str(kept)!r}, "wb")
        assert file.fileno() == 1
        file.write(b"mine")
        solved()
        file.close()
    """, before="exec 1>&-;")
    assert kept.read_bytes() == b"mine"


@pytest.mark.parametrize("how", ["fork", "spawn"])
def test_child_processes_print_nothing(how: str, tmp_path: Path) -> None:
    script = tmp_path / "script.py"
    script.write_text(
        textwrap.dedent(SOLVE)
        + textwrap.dedent(f"""
            if __name__ == "__main__":
                import multiprocessing
                child = multiprocessing.get_context({how!r}).Process(target=solved)
                child.start()
                child.join()
                assert child.exitcode == 0
                solved(deadline_s=60.0)
                solved()
        """),
        encoding="utf-8",
    )
    ended = subprocess.run(
        [sys.executable, script], cwd=ROOT, env={"PYTHONPATH": str(ROOT)}, capture_output=True, text=True, timeout=120
    )
    assert (ended.returncode, ended.stdout, ended.stderr) == (0, "", "")


def test_there_is_one_place_that_makes_them() -> None:
    def calls(path: Path) -> set[str]:
        found = (
            node.func for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))) if isinstance(node, ast.Call)
        )
        return {func.attr if isinstance(func, ast.Attribute) else getattr(func, "id", "") for func in found}

    makers = [path.name for path in (ROOT / "planner").rglob("*.py") if {"Highs", "HiGHS", "_Highs"} & calls(path)]
    assert makers == ["fresh_highs.py"]
