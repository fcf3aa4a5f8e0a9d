"""The bench runs, and its figures say what they must: a smoke run, no timed test."""

from __future__ import annotations

import json
import math
import subprocess
import sys

import pytest
from at_length import many


@pytest.mark.slow
def test_planner_bench_on_a_small_case() -> None:
    words = [sys.executable, "-m", "planner", "bench", "--sites", "2", "--leases", "3", "--months", "24", "--json"]
    run = subprocess.run(words, capture_output=True, text=True, check=True)
    assert run.stderr == ""
    figures = {(figure["job"], figure["what"]): figure["value"] for figure in json.loads(run.stdout)}
    assert figures["start-up", "planner --help"] > 0
    assert figures["plan", "relaxation over plan"] >= -1e-6
    assert figures["windows", "steps cost"] >= -1e-6
    assert figures["quote", "its plan"] > 0.0
    assert all(value == value for value in figures.values())


def test_the_bench_of_pools_on_small_ones() -> None:
    from planner.bench.pools import case_pool_figures, pool_figures

    figures = [
        *pool_figures(large=4000, small=1500, scenarios=24, few_scenarios=20),
        *case_pool_figures(most=500, scenarios=20, sites=2, leases=3, months=24),
    ]
    found = {figure.what: figure for figure in figures}
    assert found["1,500 x 20: one big programme"].value > 0.0  # its optimum was compared with the pool's
    assert math.isfinite(found["growth of a round with the pool"].value)
    assert all("gap" in figure.note for what, figure in found.items() if what.endswith("to the certificate"))
    assert len([what for what in found if what.endswith("to the certificate")]) == 5


@pytest.mark.slow
def test_the_bench_of_workers_on_few_portfolios() -> None:
    pytest.importorskip("distributed", reason="Dask is not installed; pip install 'neocloud-planner[cluster]'")
    from planner.bench.workers import worker_figures
    from planner.case.generate import generate_case

    figures = {
        figure.what: figure
        for figure in worker_figures(
            generate_case(sites=3, leases=4, skus=2, months=36, seed=8), portfolios=many(200, 3000), scenarios=50
        )
    }
    assert figures["two workers, one thread each"].ratios.keys() == {"threads of one process", "one worker, one thread"}
    assert figures["scheduler, each task"].value > 0.0
    assert figures["hours"].value > 0.0


@pytest.mark.slow
def test_the_bench_of_policies_on_a_case_that_stands_nowhere() -> None:
    from planner.bench.adapting import Tree, policy_figures
    from planner.case.generate import generate_case

    case = generate_case(sites=2, leases=3, skus=2, months=36, seed=8)
    found = list(policy_figures(case, gap=1e-2, time_limit_s=60.0, trees=[Tree((4,), 40), Tree((2, 2), 20)]))
    assert {figure.job for figure in found} == {"1-4, 40 futures", "1-2-4, 20 futures"}
    told = {(figure.job, figure.what): figure for figure in found}
    assert told["1-4, 40 futures", "replayed, each future"].value > 0.0
    assert told["1-4, 40 futures", "relaxation"].note.startswith("5 nodes, ")
    assert told["1-2-4, 20 futures", "value of adapting"].value >= -1e-6
    assert all(math.isfinite(figure.value) for figure in found)
