"""What the default tests leave to the slow tier (`-m slow`, run by .ci/run), beside tests that are marked where they
stand.

Every path of the product is walked by the default tests; what stands here walks one again with more (a browser, a
compiler, worker processes, large files, more made-up cases) and takes long. Keys begin the address of tests from the
folder `tests`.
"""

from __future__ import annotations

SLOW = {
    "adapting/test_replay.py::test_workers_change_nothing": "worker processes: what one walks alone stays",
    "auditing/test_fixture_runs.py::test_a_case_with_every_kind": "one of each kind of tail stays, on either seed",
    "auditing/test_fixture_runs.py::test_a_made_up_case_with_terms": "a larger plan: those of the edges have all of it",
    "case/test_checks_asked_again.py::test_the_faults_of_every_changed_column": "every column of every table",
    "cli/test_odd_cases.py": "every verb on odd cases: test_every_verb runs each on the smallest",
    "cli/test_main.py::test_a_reader_that_has_gone": "a process for each verb: a plan stays",
    "cli/test_risk_command.py::test_a_limit_on_cvar": "four plans after risk: tests of risk hold the limit",
    "cli/test_risk_command.py::test_a_plan_out_of_a_pool_and": "whole plans out of pools: the glossary's is smaller",
    "cli/test_report_command.py::test_a_run_finds_its_case_from_any_folder": "several whole reports",
    "explaining/test_conflict.py::test_loosening_any_limit": (
        "a plan for each limit of each kind of shortage: power stays"
    ),
    "explaining/test_repair.py::test_a_repair_makes": "a repair for each kind of shortage: power, capital, a date stay",
    "explaining/test_repair.py::test_every_repair_that_is_printed": "the command line for each of many cases",
    "faults/test_fuzzed_files.py": "hundreds of spoilt files",
    "faults/test_hostile_files.py::test_tables_that_would": "large files",
    "faults/test_hostile_files.py::test_workbooks_that_would": "large files",
    "kernels/cuda/test_cuda_bench.py": "a compiler: the kernels built for the CPU",
    "kernels/cuda/test_cuda_engine.py": "a compiler: the kernels alone are built by default",
    "kernels/cuda/test_cuda_files.py::test_nvcc": "a compiler: every kernel for the GPU",
    "kernels/test_irr.py::test_flows_built_from_exact_roots": "thousands of drawn polynomials: three batches stay",
    "manual/test_glossary.py::test_every_column_of_results": "the output of every verb",
    "parallel/test_dask_workers.py": "worker processes of Dask",
    "parallel/test_pools.py::test_workers": "worker processes of Dask, killed",
    "parallel/test_score_partitions.py": "runs interrupted and spoilt: one whole and one interrupted stay",
    "parallel/test_sweep_on_dask.py": "worker processes of Dask",
    "pricing/test_price_invariants.py": "prices of several made-up cases against plans made anew: order and range stay",
    "reporting/test_report_charts.py::test_cutting_the_outline": "the outline of the land at every frame",
    "reporting/test_report_in_a_browser.py": "a browser",
    "reporting/test_report_workbook.py::test_the_case_in_it": "whole workbooks read again: one stays",
    "risk/test_allocate_after_risk.py::test_the_whole_plan_equals_a_mip": "one great model for SciPy",
    "scoring/test_score_on_gpu.py": "a compiler: the kernels built for the CPU",
    "scoring/test_streaming.py": "large files read piece by piece: the smallest stays",
    "solver/test_formulation.py::test_plan_is_that_of_the_model_spelled_out": "given to SciPy whole: one stays",
    "solver/test_money.py::test_a_case_with_every_kind": "a large case in other currencies: smaller ones stay",
    "solver/test_tree_search.py::test_halves_that_are_dropped": "long trees",
    "sweeping/test_sweep.py::test_a_killed_worker": "worker processes, killed",
    "sweeping/test_sweep.py::test_processes_change": "worker processes: score runs on some by default",
}
"""Beginnings of addresses, and why."""
KEPT = (
    "auditing/test_fixture_runs.py::test_a_case_with_every_kind_of_candidate[0-contracted]",
    "auditing/test_fixture_runs.py::test_a_case_with_every_kind_of_candidate[1-none]",
    "auditing/test_fixture_runs.py::test_a_case_with_every_kind_of_candidate[0-rented]",
    "cli/test_main.py::test_a_reader_that_has_gone_is_no_error[arguments1]",
    "explaining/test_conflict.py::test_loosening_any_limit_by_what_it_is_short_by_is_enough_and_less_is_not[power]",
    "explaining/test_repair.py::test_a_repair_makes_a_case_feasible[capital]",
    "explaining/test_repair.py::test_a_repair_makes_a_case_feasible[date of power]",
    "explaining/test_repair.py::test_a_repair_makes_a_case_feasible[power]",
    "kernels/test_irr.py::test_flows_built_from_exact_roots_have_these_roots[0]",
    "kernels/test_irr.py::test_flows_built_from_exact_roots_have_these_roots[1]",
    "kernels/test_irr.py::test_flows_built_from_exact_roots_have_these_roots[2]",
    "parallel/test_score_partitions.py::test_an_interrupted_run_goes_on_where_it_was",
    "parallel/test_score_partitions.py::test_partitions_are_the_same_scores_as_one_go",
    "pricing/test_price_invariants.py::test_a_price_ends_where_it_says",
    "pricing/test_price_invariants.py::test_gain_dual_and_loss_are_in_order",
    "reporting/test_report_workbook.py::test_the_case_in_it_has_the_hash_of_the_case[one site]",
    "scoring/test_streaming.py::test_subsets_of_a_file_in_small_pieces_equal_those_in_memory",
    "scoring/test_streaming.py::test_rows_of_a_portfolio",
    "scoring/test_streaming.py::test_portfolios_that_mean_nothing",
    "solver/test_formulation.py::test_plan_is_that_of_the_model_spelled_out[2-contracted]",
)
"""Beginnings of addresses that stay among the default tests nevertheless."""


def is_slow(address: str) -> bool:
    """Whether a test of this address, from the folder `tests`, belongs to the slow tier."""
    return address.startswith(tuple(SLOW)) and not address.startswith(KEPT)
