from __future__ import annotations

import json
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

from kernels.bench import numba_loops, plain
from kernels.bench.__main__ import main
from kernels.bench.contest import Figure, Way, contest, require_equal, table
from kernels.bench.cpu import NUMBA, NUMPY, cash_cells, npv_risk, path_measures, pool_npv, risk_outputs
from kernels.bench.gpu import FUSED
from kernels.bench.gpu_limits import GpuLimits, mean_halvings
from kernels.bench.problems import ALPHA, SMOKE, risk_problem
from kernels.bench.run import beside_the_cpu
from kernels.reference.measures import npv_measures
from kernels.reference.portfolio import portfolio_sums

ROOT = Path(__file__).resolve().parents[3]


def test_smoke_run_prints_a_table_and_writes_figures(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    began = time.perf_counter()
    assert main(["--smoke", "--device", "cpu", "--json", str(tmp_path / "figures.json")]) == 0
    assert time.perf_counter() - began < 30  # about one second on an idle core
    printed = capsys.readouterr().out
    told = json.loads((tmp_path / "figures.json").read_text())
    assert told["smoke"] is True
    assert told["device"] == "CPU: asked for"
    assert {"memory copy", NUMPY, "engine", NUMBA} <= {figure["what"] for figure in told["figures"]}
    for figure in told["figures"]:
        assert figure["value"] > 0.0
        assert figure["job"] in printed
    assert "not figures to quote" in printed


def test_the_bench_needs_numpy_and_scipy_alone() -> None:
    code = (
        "import sys\n"
        "for name in ('pandas', 'numba', 'numpy_financial', 'cupy', 'planner', 'pulp'): sys.modules[name] = None\n"
        "import importlib.util\nfrom kernels.bench import plain\nplain.present = lambda name: False\n"
        "from kernels.bench.__main__ import main\nraise SystemExit(main(['--smoke', '--device', 'cpu']))"
    )
    told = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True, timeout=60
    )
    assert "pandas" not in told.stdout.split("limits of this machine")[1]
    assert "engine" in told.stdout


@pytest.mark.parametrize("job", [npv_risk, path_measures, pool_npv, cash_cells])
def test_every_job_compares_its_ways(job) -> None:
    figures = job(SMOKE, repeats=1)
    assert len({figure.what for figure in figures}) == len(figures) >= 3
    assert any(figure.ratios for figure in figures)


def test_plain_ways_give_the_specification() -> None:
    problem = risk_problem(SMOKE)
    expected = risk_outputs(
        npv_measures(portfolio_sums(problem.portfolios, problem.unit.astype(np.float64)), problem.weights, alpha=ALPHA)
    )
    require_equal(expected, plain.numpy_risk(problem), tolerance=1e-6, names=("specification", NUMPY))
    require_equal(
        expected, numba_loops.numba_risk(problem, compiled=False), tolerance=1e-6, names=("specification", NUMBA)
    )


def test_fused_figures_stand_beside_those_of_the_cpu() -> None:
    host = [
        Figure("path measures: 2 portfolios", "engine", 4.0, "per s"),
        Figure("path measures: 2 portfolios", NUMBA, 1.0, "per s"),
    ]
    given = [
        Figure("GPU: path measures, 9 portfolios", FUSED, 12.0, "per s", {"plain CuPy": 3.0}),
        Figure("GPU: limits", "memory copy", 1.0, "GB/s"),
    ]
    fused, limit = beside_the_cpu(given, host)
    assert [round(ratio, 9) for ratio in fused.ratios.values()] == [3.0, 3.0]
    assert any(name.startswith("the CPU's engine") for name in fused.ratios)
    assert limit == given[1]


def test_ways_that_differ_are_not_compared() -> None:
    ways = [
        Way("one", lambda: {"x": np.array([1.0, np.inf, 3.0])}, 1.0),
        Way("other", lambda: {"x": np.array([1.0, np.inf, 3.1])}, 1.0),
    ]
    with pytest.raises(ValueError, match=r"one and other differ in x at \(2,\): 3.0 and 3.1"):
        contest("job", "items/s", ways, against=(), tolerance=1e-3, repeats=1)
    assert len(contest("job", "items/s", ways, against=(), tolerance=0.1, repeats=1)) == 2
    for wrong in ({"x": np.array([1.0, 3.0])}, {"x": np.array([np.nan])}):
        with pytest.raises(ValueError, match="differ in x"):
            require_equal({"x": np.array([1.0, np.inf])}, wrong, tolerance=0.1, names=("one", "other"))
    with pytest.raises(ValueError, match="gives"):
        require_equal({"x": np.ones(1)}, {"y": np.ones(1)}, tolerance=0.1, names=("one", "other"))


def test_rates_are_medians_and_ratios_of_them() -> None:
    clock = iter([2.0, 1.0, 9.0, 1.0, 4.0, 0.5])  # slow, fast, slow, fast, slow, fast: medians 4 and 1
    ways = [Way("slow", dict, 8.0), Way("fast", dict, 8.0, "a note")]
    slow, fast = contest(
        "job", "items/s", ways, against=("slow",), tolerance=0.1, repeats=3, seconds=lambda work: next(clock),
        limit=("bound", 16.0),
    )
    assert (slow.value, fast.value) == (2.0, 8.0)
    assert (slow.ratios, fast.ratios) == ({"bound": 0.125}, {"slow": 4.0, "bound": 0.5})
    assert fast.beside == "4 x slow; 0.5 x bound; a note"


def test_table_has_a_block_for_each_job() -> None:
    lines = table(
        [Figure("a", "x", 1.0, "s"), Figure("a", "y", 2e9, "B/s", {"x": 3.0}), Figure("b", "z", 0.5, "s")]
    ).splitlines()
    assert [line for line in lines if not line.startswith("  ")] == ["a", "", "b"]
    assert lines[2].split() == ["y", "2e+09", "B/s", "3", "x", "x"]


def test_halvings_of_the_selection() -> None:
    assert mean_halvings(np.full((2, 8), 3.0), 0.5) == 0.0
    assert mean_halvings(np.array([[1.0, 2.0]]), 0.5) == 1.0  # the first bound parts the two
    scattered = mean_halvings(np.random.default_rng(0).normal(size=(20, 1000)), 0.95)
    assert 5.0 < scattered < 32.0


def test_bounds_of_a_gpu_by_hand() -> None:
    problem = risk_problem(SMOKE)  # 6 members, 50 scenarios
    limits = GpuLimits(copied_bytes=76.0, read_bytes=240.0, compared=1000.0, product_flops=1.0)
    bound = limits.risk_bound(problem, ALPHA)
    assert bound["gathers over cache"] == 10.0
    assert bound["indices and results over memory"] == 50.0  # 6 x 8 + 8 + 5 x 4 bytes for 50 scenarios
    assert 1000 / 37 <= bound["comparisons"] <= 1000 / 5
