"""`planner score`: how portfolios fare over many futures."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from planner.scoring.score import Scores


def score(
    path: Annotated[Path, typer.Argument(help="case: a folder or an .xlsx workbook")],
    portfolios: Annotated[Path, typer.Option("--portfolios", help="Parquet or CSV of portfolios, or portfolio.csv of a run")],
    out: Annotated[Path | None, typer.Option("--out", help="folder to write scores and broken limits into")] = None,
    force: Annotated[bool, typer.Option("--force", help="replace the scores that are there")] = False,
    scenarios: Annotated[int, typer.Option(min=1, help="futures drawn")] = 1000,
    alpha: Annotated[float, typer.Option(help="level of VaR, CVaR and the tails")] = 0.95,
    draws: Annotated[str, typer.Option(help="independent, antithetic or sobol")] = "independent",
    seed: Annotated[int | None, typer.Option(min=0, help="seed of the draws [default: the case's]")] = None,
    float64: Annotated[bool, typer.Option("--float64", help="measure in float64 instead of float32 in $M")] = False,
    paths: Annotated[bool, typer.Option("--paths/--no-paths", help="peak funding, payback and IRR of the mean flow over the futures")] = True,
    threads: Annotated[int | None, typer.Option(min=1, help="threads [default: all cores]")] = None,
    base: Annotated[str, typer.Option(help="expected or announced")] = "expected",
    tail: Annotated[str | None, typer.Option(help="contracted, rented or none [default: the case's]")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="print the table as JSON records")] = False,
) -> None:
    """Score portfolios over many futures: NPV, VaR, CVaR, peak funding, payback, IRR and limits broken.

    Example: planner score fixtures/neocloud --portfolios p.parquet --scenarios 1000 --out runs/scores
    """
    from planner.candidates.build import build_candidates
    from planner.candidates.outlook import make_outlook
    from planner.case.read import read_case
    from planner.run_folder import refuse_other_folders
    from planner.scoring.files import read_bunch
    from planner.scoring.score import ScoreOptions, score_portfolios
    from planner.scoring.score_folder import write_scores

    if out is not None:
        refuse_other_folders(out, force=force)
    options = ScoreOptions(scenarios, alpha, draws, seed, float64, paths, threads)
    case = read_case(path)
    candidates = build_candidates(make_outlook(case, base=base, tail=tail))
    found = score_portfolios(candidates, read_bunch(portfolios, candidates), options)
    if out is not None:
        write_scores(found, case, out)
    if as_json:
        typer.echo(found.table.to_json(orient="records", double_precision=15))
    else:
        _print(found, out)


def _print(found: Scores, out: Path | None) -> None:
    """The best by mean NPV, and the portfolios that nothing beats in both mean and tail."""
    from rich.table import Table

    from planner.cli.summary import millions
    from planner.cli.terminal import output
    from planner.scoring.pareto import pareto

    console = output()
    whole = found.table[found.table["limits_broken"] == 0]
    console.print(f"{len(found.table):,} portfolios over {found.options.scenarios:,} futures in {sum(found.seconds.values()):.1f} s; {len(found.table) - len(whole):,} break a limit")
    best = whole if len(whole) else found.table
    front = pareto(best)
    for title, rows in (("best by mean NPV", best.nlargest(10, "mean_npv_usd")), ("not beaten in both mean and tail", front.head(10))):
        table = Table(title=title, title_justify="left")
        for name in ("portfolio", "mean", "base", "sd", "P(loss)", "CVaR of loss", "peak funding", "payback", "IRR", "limits broken"):
            table.add_column(name, justify="right")
        for row in rows.to_dict("records"):
            funding = millions(row["peak_funding_mean_usd"]) if "peak_funding_mean_usd" in row else ""
            payback = f"{row['payback_median_months']:.0f} months" if "payback_median_months" in row else ""
            rate = f"{row['irr_per_year']:.1%}" if row["irr_status"] == "one_root" else row["irr_status"].replace("_", " ")
            table.add_row(
                str(row["portfolio"]), millions(row["mean_npv_usd"]), millions(row["base_npv_usd"]), millions(row["standard_deviation_usd"]),
                f"{row['loss_probability']:.1%}", millions(row["cvar_usd"]), funding, payback, rate, str(row["limits_broken"]),
            )
        console.print(table)
    for name, why in found.left_out.items():
        console.print(f"stress {name} is left out: {why}", markup=False, highlight=False)
    if out is not None:
        console.print(f"written to {out}", markup=False, highlight=False)
