"""`planner quote`: the lowest rate at which to sign a lease, and what it displaces."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

if TYPE_CHECKING:
    from planner.quoting.inquiry import Inquiry
    from planner.quoting.quote import Done


def quote(
    path: Annotated[Path, typer.Argument(help="case: a folder or an .xlsx workbook")],
    gpu: Annotated[str, typer.Option(help="SKUs that may serve it, the first the unit: gb300, or 'gb300; b200=1.1' with GPUs per unit")] = "",
    gpus: Annotated[float | None, typer.Option(min=0.0, help="GPUs asked for")] = None,
    mw: Annotated[float | None, typer.Option(min=0.0, help="MW of critical IT of a powered hall asked for, instead of GPUs")] = None,
    start: Annotated[str | None, typer.Option(help="first month of the term, YYYY-MM")] = None,
    term: Annotated[int | None, typer.Option(min=1, help="months of the term")] = None,
    sites: Annotated[str, typer.Option(help="sites on which it may stand, separated by ; [default: any]")] = "",
    regions: Annotated[str, typer.Option(help="regions in which it may stand, separated by ; [default: any]")] = "",
    customer: Annotated[str, typer.Option(help="a customer of the case [default: one that never defaults]")] = "",
    all_or_nothing: Annotated[bool, typer.Option("--all-or-nothing", help="taken whole or not at all")] = False,
    single_fabric: Annotated[bool, typer.Option("--single-fabric", help="must stand on one fabric")] = False,
    prepay: Annotated[float | None, typer.Option(help="share of its first-rate value paid at the start")] = None,
    take_or_pay: Annotated[float | None, typer.Option("--take-or-pay", help="share paid whether used or not [default: 1]")] = None,
    utilisation: Annotated[float | None, typer.Option(help="share expected to be used [default: 1]")] = None,
    escalator: Annotated[float | None, typer.Option(help="yearly rise of the rate")] = None,
    notice: Annotated[int | None, typer.Option(help="months of notice by which the customer may leave when the market has fallen [default: none]")] = None,
    notice_from: Annotated[int | None, typer.Option("--notice-from", help="months of term before notice can be given")] = None,
    energy_by: Annotated[str | None, typer.Option("--energy-by", help="landlord or tenant")] = None,
    inquiries: Annotated[Path | None, typer.Option("--inquiries", help="CSV of inquiries, instead of one on the command line: columns name, gpu, gpus, mw, start, term_months and others of leases")] = None,
    scenarios: Annotated[int | None, typer.Option(min=2, help="futures over which to find floors too, both plans held")] = None,
    alpha: Annotated[float, typer.Option(help="level of the tail over the futures")] = 0.95,
    risk_weight: Annotated[float, typer.Option("--risk-weight", help="weight of the tail between mean (0) and tail (1)")] = 0.5,
    out: Annotated[Path | None, typer.Option("--out", help="folder to write the quotes into")] = None,
    force: Annotated[bool, typer.Option("--force", help="replace the run that is there")] = False,
    edits: Annotated[list[str] | None, typer.Option("--set", help="change the case: table.column[id]=value, *=factor, +=number")] = None,
    stress: Annotated[str | None, typer.Option(help="quote under a named stress of the case")] = None,
    fixes: Annotated[list[str] | None, typer.Option("--fix", help="sites.open[id]=0|1, leases.size[id]=units, power.contracted_mw[source:phase]=MW")] = None,
    excludes: Annotated[list[str] | None, typer.Option("--exclude", help="sites[id], leases[id], gpus[id] or power[source:phase]")] = None,
    base: Annotated[str, typer.Option(help="expected or announced")] = "expected",
    tail: Annotated[str | None, typer.Option(help="contracted, rented or none [default: the case's]")] = None,
    equity: Annotated[bool, typer.Option("--equity", help="value to equity, after debt service")] = False,
    relax: Annotated[bool, typer.Option("--relax", help="treat 0/1 decisions as continuous")] = False,
    gap: Annotated[float, typer.Option(min=0.0, help="relative gap at which the plan without the inquiry counts as proven")] = 1e-4,
    time_limit: Annotated[float | None, typer.Option("--time-limit", min=0.0, help="seconds for each search")] = None,
    workers: Annotated[int | None, typer.Option(min=1, help="inquiries searched at once [default: all cores]")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="print the quotes as JSON")] = False,
) -> None:
    """Find the lowest rate at which to sign a lease: where the plan with it is worth as much as the plan without it.

    Example: planner quote fixtures/neocloud --gpu gb300 --gpus 20000 --start 2027-07 --term 36
    """
    import json

    from planner.case.read import read_case
    from planner.cli.quote_summary import print_quotes
    from planner.planning import PlanOptions
    from planner.quoting.inquiry import inquiry_of
    from planner.quoting.inquiry_file import read_inquiries
    from planner.quoting.quote import quote_many
    from planner.quoting.quote_files import quote_record, write_quotes
    from planner.quoting.risk import QuoteRisk
    from planner.solver.options import SolverOptions
    from planner.storage.folders import refuse_other_folders

    if out is not None:
        refuse_other_folders(out, force=force)
    choices: dict[str, Any] = {
        "gpu": gpu, "gpus": gpus, "mw": mw, "start": start, "term_months": term, "sites": sites, "regions": regions, "customer": customer,
        "all_or_nothing": all_or_nothing, "single_fabric": single_fabric, "prepay_fraction": prepay, "take_or_pay": take_or_pay,
        "utilisation": utilisation, "escalator": escalator, "notice_months": notice, "notice_from_month": notice_from, "energy_by": energy_by,
    }
    asked = [inquiry_of(None, choices)] if inquiries is None else _only_file(inquiries, choices, read_inquiries)
    options = PlanOptions(
        base=base, tail=tail, equity=equity, edits=tuple(edits or ()), stress=stress, fixes=tuple(fixes or ()), excludes=tuple(excludes or ()),
        solver=SolverOptions(gap=gap, time_limit_s=time_limit, relax=relax),
    )
    risk = None if scenarios is None else QuoteRisk(scenarios, alpha, risk_weight)
    case = read_case(path)
    with _progress(len(asked), quiet=as_json) as done:
        found = quote_many(case, asked, options=options, risk=risk, workers=workers, done=done)
    if out is not None:
        write_quotes(found, case, options, out, force=force)
    if as_json:
        records = [quote_record(each) for each in found]
        typer.echo(json.dumps(records[0] if inquiries is None else records, indent=2, allow_nan=False))
    else:
        print_quotes(found, out)
    if not all(each.proven for each in found):
        raise typer.Exit(4 if all(each.floor == each.floor or each.proven for each in found) else 5)


def _only_file(path: Path, choices: dict[str, Any], read: Any) -> list[Inquiry]:
    """Inquiries from a file; terms given beside it are refused, since nobody could tell to which they belong."""
    from planner.errors import PlannerError

    given = [name for name, value in choices.items() if value not in (None, "", False)]
    if given:
        raise PlannerError(f"--inquiries brings the terms of every inquiry, so {', '.join(given)} cannot be given beside it; put them into the file")
    inquiries: list[Inquiry] = read(path)
    return inquiries


@contextmanager
def _progress(count: int, *, quiet: bool) -> Iterator[Done | None]:
    """How many inquiries are done, on a terminal only."""
    if quiet or not sys.stderr.isatty():
        yield None
        return
    from rich.console import Console

    console = Console(stderr=True)
    answered = 0
    with console.status("planning without the inquiries") as status:

        def show(name: str, answer: object) -> None:
            nonlocal answered
            answered += answer is not None
            last = f", {name}: {getattr(answer, 'value', '')}" if name else ""
            status.update(f"searching plans with an inquiry: {answered} of {count} done{last}")

        yield show
