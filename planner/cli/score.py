"""`planner score`: how portfolios fare over many futures."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from planner.cli.options import (
    NUMBER,
    SIZE,
    AsJson,
    Base,
    CasePath,
    Device,
    Draws,
    Edits,
    Force,
    ImportedFutures,
    Resume,
    Scheduler,
    Seed,
    Stress,
    Tail,
    Workers,
    futures_drawn,
    tail_level,
)

if TYPE_CHECKING:
    from planner.scoring.pareto import Leaders
    from planner.scoring.score import ScoredPiece, Scoring

SHOWN = 10


def score(
    path: CasePath,
    portfolios: Annotated[
        str,
        typer.Option(
            "--portfolios", metavar="PATH",
            help="Parquet or CSV of portfolios, a folder of Parquet files, or portfolio.csv of a run; of a store by "
            "its address",
        ),
    ],
    out: Annotated[
        str | None,
        typer.Option(
            "--out", metavar="PATH",
            help="folder to write scores and broken limits into, also in a store; or one file of scores, by a name "
            "that ends in .parquet or .csv",
        ),
    ] = None,
    force: Force = False,
    scenarios: Annotated[int, futures_drawn("over which to score")] = 1000,
    alpha: Annotated[float, tail_level("; of VaR and the tails too")] = 0.95,
    futures: ImportedFutures = None,
    draws: Draws = "independent",
    seed: Seed = None,
    float64: Annotated[bool, typer.Option("--float64", help="measure in float64 instead of float32 in $M")] = False,
    paths: Annotated[
        bool,
        typer.Option(
            "--paths/--no-paths",
            help="peak funding, payback, debt cover, MOIC and IRR, which need monthly cash",
        ),
    ] = True,
    threads: Annotated[
        int | None, typer.Option(min=1, metavar=NUMBER, help="threads that score [default: all cores]"),
    ] = None,
    memory: Annotated[
        str | None,
        typer.Option(
            metavar=SIZE,
            help="memory that may be used, such as 4G, on a GPU of that too [default: half of what is free]",
        ),
    ] = None,
    device: Device = "auto",
    edits: Edits = None,
    stress: Stress = None,
    base: Base = "expected",
    tail: Tail = None,
    workers: Workers = None,
    scheduler: Scheduler = None,
    resume: Resume = False,
    as_json: AsJson = False,
) -> None:
    """Score portfolios over many futures: NPV, VaR, CVaR, peak funding, payback, IRR, capex, EBITDA, CO2 and limits
    broken.

    Portfolios are read, scored and written piece by piece, so their number is not bound by memory. The --fix and
    --exclude of the run that they come from hold here too.

    Example: planner score fixtures/neocloud --portfolios p.parquet --scenarios 1000 --out runs/scores
    """
    from planner.case.edits import changed_case
    from planner.case.read import read_case
    from planner.cli.score_partitions import is_by_partitions, score_in_partitions
    from planner.planning.options import PlanOptions
    from planner.runtime.memory import memory_bytes
    from planner.scoring.files import decisions_of, open_portfolios
    from planner.scoring.pareto import Leaders
    from planner.scoring.score import ScoreOptions, Scoring
    from planner.scoring.score_folder import refuse_other_results, write_scores
    from planner.storage.partitions import How

    by_partitions = is_by_partitions(portfolios, out, apart=resume or workers is not None or scheduler is not None)
    if out is not None and not by_partitions:
        refuse_other_results(Path(out), force=force)
    chosen = PlanOptions(base=base, tail=tail)
    fixes, excludes = decisions_of(portfolios)
    options = ScoreOptions(
        scenarios, alpha, draws, seed, float64, paths, threads, None if memory is None else memory_bytes(memory),
        None if futures is None else str(futures), device, fixes, excludes,
    )
    case = changed_case(read_case(path), edits or (), stress)
    if by_partitions and out is not None:
        how = How(workers, scheduler, resume, force)
        leaders, scoring = score_in_partitions(case, chosen, options, portfolios, out, how, quiet=as_json)
        typer.echo(_json(leaders, scoring)) if as_json else _print(leaders, scoring, out)
        return
    candidates = chosen.candidates(case)
    source = open_portfolios(portfolios, candidates)
    scoring = Scoring(candidates, options)
    pieces: Iterable[ScoredPiece] = scoring.pieces(source)
    if out is not None:
        pieces = write_scores(scoring, pieces, case, Path(out), read_from=portfolios, force=force)
    leaders = Leaders(SHOWN)
    for piece in _shown(pieces, source.count, quiet=as_json):
        leaders.add(piece.table)
    if as_json:
        typer.echo(_json(leaders, scoring))
    else:
        _print(leaders, scoring, out)


def _shown(pieces: Iterable[ScoredPiece], count: int | None, *, quiet: bool) -> Iterator[ScoredPiece]:
    """The pieces, saying how many portfolios are done."""
    from planner.cli.progress import saying
    from planner.wording import plural

    done, of = 0, "" if count is None else f" of {count:,}"
    with saying("scoring", quiet=quiet) as say:
        for piece in pieces:
            done += len(piece.table)
            if say is not None:
                say(f"{done:,}{of} {plural('portfolio', done if count is None else count)}")
            yield piece


def _json(leaders: Leaders, scoring: Scoring) -> str:
    import json
    from dataclasses import asdict

    from planner.scenarios.still import no_price_moves
    from planner.wording import payback_text

    case, imported = scoring.candidates.outlook.case, scoring.futures.imported is not None

    def records(name: str) -> Any:
        table = getattr(leaders, name)
        if "payback_median_months" in table:
            table = table.assign(
                payback_median_month=[
                    payback_text(case.settings.start, months) for months in table["payback_median_months"]
                ]
            )
        return json.loads(table.to_json(orient="records", double_precision=15))

    found = {
        "portfolios": leaders.count, "within_limits": leaders.within, "scenarios": len(scoring.futures),
        "best": records("best"),
        "not_beaten": records("front"), "stresses_left_out": scoring.left_out, "seconds": scoring.seconds,
        "device": scoring.device.why, "not_fused": scoring.not_fused,
        "no_price_moves": no_price_moves(case, imported=imported),
        "draw_gain": None if scoring.gain is None else asdict(scoring.gain), "fixes": scoring.options.fixes,
        "excludes": scoring.options.excludes,
    }
    return json.dumps(found, indent=2)


def _print(leaders: Leaders, scoring: Scoring, out: str | None) -> None:
    """The best by mean NPV, and the portfolios that nothing beats in both mean and tail."""
    from planner.cli.stress_table import stress_table
    from planner.cli.terminal import output, say_written, show, table_of
    from planner.wording import counted

    console, start = output(), scoring.candidates.outlook.case.settings.start
    broken = leaders.count - leaders.within
    spent = sum(scoring.seconds.values())
    breaking = "none breaks a limit" if not broken else f"{broken:,} {'breaks' if broken == 1 else 'break'} a limit"
    console.print(
        f"{counted(leaders.count, 'portfolio')} over {counted(len(scoring.futures), 'future')} in {spent:.1f} s; "
        f"{breaking}"
    )
    for line in _conditions(scoring):
        console.print(line, markup=False, highlight=False)
    shown = [("best by mean NPV", leaders.best), ("not beaten in both mean and tail", leaders.front.head(SHOWN))]
    alike = leaders.front["portfolio"].tolist() == leaders.best["portfolio"].tolist()
    for title, rows in shown[:1] if alike else shown:
        show(console, table_of(title, _HEADERS, (_cells(row, start) for row in rows.to_dict("records"))))
    if broken and out is None:
        console.print(
            "give a folder as --out to have the limits broken, portfolio by portfolio, in its broken.parquet",
            markup=False, highlight=False,
        )
    if scoring.gain is not None:
        console.print(str(scoring.gain), markup=False, highlight=False)
    stresses = stress_table(leaders.best.iloc[0])
    if stresses is not None:
        show(console, stresses)
    for name, why in scoring.left_out.items():
        console.print(f"stress {name} is left out: {why}", markup=False, highlight=False)
    if out is not None:
        say_written(console, out)


def _conditions(scoring: Scoring) -> Iterator[str]:
    """Where the scores were made, what does not move in them, and under which decisions."""
    from planner.scenarios.still import no_price_moves

    yield f"device {scoring.device.why}"
    still = no_price_moves(scoring.candidates.outlook.case, imported=scoring.futures.imported is not None)
    if still is not None:
        yield still
    for what, why in scoring.not_fused.items():
        yield f"{what} without the fused kernel: {why}"
    decided = [
        *(f"--fix {each}" for each in scoring.options.fixes),
        *(f"--exclude {each}" for each in scoring.options.excludes),
    ]
    if decided:
        yield f"limits as decided for the plan: {', '.join(decided)}"


_HEADERS = (
    "portfolio", "mean", "base", "sd", "P(loss)", "CVaR of loss", "peak funding", "payback", "base IRR", "capex",
    "limits broken",
)


def _cells(row: dict[str, Any], start: str) -> tuple[str, ...]:
    from planner.wording import irr_text, millions, payback_text, percent

    funding = payback = rate = ""
    if "peak_funding_mean_usd" in row:
        funding, payback = millions(row["peak_funding_mean_usd"]), payback_text(start, row["payback_median_months"])
        rate = irr_text(row["irr_per_year"], row["irr_status"])
    return (
        str(row["portfolio"]), millions(row["mean_npv_usd"]), millions(row["base_npv_usd"]),
        millions(row["standard_deviation_usd"]),
        percent(row['loss_probability']), millions(row["cvar_usd"]), funding, payback, rate, millions(row["capex_usd"]),
        str(row["limits_broken"]),
    )
