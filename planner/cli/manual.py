"""`planner manual`: the manual on the terminal, or as one page of HTML."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Annotated

import typer

from planner.cli.options import FILE, Force

_LINK = re.compile(r"\[([^\]]+)\]\(([a-z-]+)\.md\)")


def manual(
    topic: Annotated[
        str | None, typer.Argument(help="page to read, such as first-plan or case-columns [default: the list of pages]")
    ] = None,
    html: Annotated[
        Path | None,
        typer.Option("--html", metavar=FILE, help="file to write all pages into, as HTML that needs no network")
    ] = None,
    force: Force = False,
) -> None:
    """Read the manual: without a topic the list of its pages, with one that page.

    Examples: planner manual; planner manual what-if; planner manual --html manual.html
    """
    from planner.errors import PlannerError
    from planner.manual.pages import PAGES

    if html is not None:
        if topic is not None:
            raise PlannerError("--html writes all pages; leave out the topic")
        _write(html, force=force)
        typer.echo(f"written to {html}")
    elif force:
        raise PlannerError("--force belongs to --html; leave it out, or give --html")
    elif topic is not None:
        _show(topic)
    else:
        width = max(map(len, PAGES))
        typer.echo("pages of the manual; read one with planner manual NAME")
        for name, line in PAGES.items():
            typer.echo(f"  {name:<{width}}  {line}")


def _show(topic: str) -> None:
    """A page: laid out on a terminal, elsewhere as plain text."""
    from planner.cli.terminal import output
    from planner.manual.html_page import without_notes
    from planner.manual.pages import text

    page = without_notes(text(topic))
    console = output()
    if not console.is_terminal:
        typer.echo(page, nl=False)
        return
    from rich.markdown import Markdown

    console.print(Markdown(_LINK.sub(r"\1 (`planner manual \2`)", page), hyperlinks=False))


def _write(target: Path, *, force: bool) -> None:
    """All pages as one file, whole or not at all."""
    from planner.errors import PlannerError
    from planner.manual.html_page import html_page

    if target.is_dir():
        raise PlannerError(f"{target} is a folder; give the name of a file, such as {target / 'manual.html'}")
    if target.exists() and not force:
        raise PlannerError(f"{target} exists already; choose another name, or replace it with --force")
    page = html_page()
    scratch = target.parent / f".{target.name}.part"
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        scratch.write_text(page, encoding="utf-8")
        scratch.replace(target)
    except OSError as error:
        raise PlannerError(f"{target} could not be written: {error.strerror or error}; nothing was changed") from error
    finally:
        scratch.unlink(missing_ok=True)
