"""`planner bench`: what this machine does."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from planner.cli.options import NUMBER, SECONDS, AsJson, Gap, Relax

if TYPE_CHECKING:
    from kernels.bench.contest import Figure


def bench(
    path: Annotated[Path | None, typer.Argument(help="case to plan [default: a made-up one]")] = None,
    sites: Annotated[int, typer.Option(min=1, metavar=NUMBER, help="sites of the made-up case")] = 30,
    leases: Annotated[int, typer.Option(min=1, metavar=NUMBER, help="leases of the made-up case")] = 60,
    months: Annotated[int, typer.Option(min=12, metavar="MONTHS", help="horizon of the made-up case")] = 60,
    seed: Annotated[int, typer.Option(min=0, metavar=NUMBER, help="seed of the made-up case")] = 1,
    relax: Relax = False,
    gap: Gap = 1e-3,
    time_limit: Annotated[
        float,
        typer.Option(
            "--time-limit", min=0.0, metavar=SECONDS,
            help="seconds for the solver, each time that it is asked",
        ),
    ] = 300.0,
    kernels: Annotated[
        bool,
        typer.Option(
            "--kernels",
            help="also measure the kernels of scoring (minutes; see python -m kernels.bench)",
        ),
    ] = False,
    pools: Annotated[
        bool,
        typer.Option(
            "--pools",
            help="risk-averse choice out of pools of a million columns instead (minutes, 3 GB)",
        ),
    ] = False,
    workers: Annotated[
        bool,
        typer.Option(
            "--workers",
            help="scores of a million portfolios on workers instead, and what many machines would do (minutes)",
        ),
    ] = False,
    policies: Annotated[
        bool,
        typer.Option(
            "--policies",
            help="policies over trees of many sizes instead, proven to 1% or a wider --gap, and their replay (an hour)",
        ),
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Measure where the seconds of a plan go, each figure beside what it is compared with.

    Examples: planner bench fixtures/neocloud --gap 1e-4; planner bench --sites 4 --leases 6 --months 36
    """
    from kernels.bench.contest import Figure
    from planner.bench.measure import seconds
    from planner.bench.planning import coarseness, formulations, plan_phases, spine, start_up
    from planner.bench.quoting import quote_figures
    from planner.candidates.build import build_candidates
    from planner.candidates.outlook import make_outlook
    from planner.case.generate import generate_case
    from planner.case.read import read_case

    if pools:
        from planner.bench.pools import case_pool_figures, pool_figures

        _show(
            [*pool_figures(), *case_pool_figures(sites=sites, leases=leases, months=months)], "planner bench: pools",
            as_json,
        )
        return
    if workers:
        from planner.bench.workers import worker_figures

        case = (
            generate_case(sites=min(sites, 8), leases=min(leases, 12), months=months, seed=seed) if path is None
            else read_case(path)
        )
        _show(list(worker_figures(case)), "planner bench: workers", as_json)
        return
    if policies:
        from planner.bench.adapting import policy_figures

        case = generate_case(sites=sites, leases=leases, months=months, seed=seed) if path is None else read_case(path)
        found = policy_figures(case, gap=max(gap, 1e-2), time_limit_s=time_limit)
        _show(list(found), f"planner bench: policies of {case.settings.name}", as_json)
        return
    figures = list(start_up())
    if path is None:
        case = generate_case(sites=sites, leases=leases, months=months, seed=seed)
    else:
        case = read_case(path)
        figures.append(Figure("plan", "read", seconds(lambda: read_case(path)), "s"))
    figures += spine(case, "case.discount_rate+=0.001")
    figures += plan_phases(case, gap=gap, time_limit_s=time_limit, relax=relax)
    figures += formulations(build_candidates(make_outlook(case)))
    figures += coarseness(case)
    figures += quote_figures(case)
    if kernels:
        from kernels.bench.run import cpu_figures, sizes_for

        sizes, repeats = sizes_for(smoke=False)
        figures += cpu_figures(sizes, repeats=repeats)
    _show(figures, f"planner bench: {case.settings.name}", as_json)


def _show(figures: Sequence[Figure], title: str, as_json: bool) -> None:
    import json
    from dataclasses import asdict

    from planner.cli.terminal import output, show, table_of

    if as_json:
        typer.echo(json.dumps([asdict(figure) | {"beside": figure.beside} for figure in figures], indent=2))
        return
    rows = (
        (
            figure.job, figure.what, f"{figure.value:,.3g}" if figure.value < 1000 else f"{figure.value:,.0f}",
            figure.unit, figure.beside,
        )
        for figure in figures
    )
    text = ("job", "what", "unit", "beside")
    show(output(), table_of(title, ("job", "what", "value", "unit", "beside"), rows, text=text))
