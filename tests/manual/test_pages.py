"""The pages of the manual: their size, their links, and what stands in them once."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
import typer
from readme_blocks import README, ROOT

from planner.cli.main import app
from planner.errors import PlannerError
from planner.manual.pages import FOLDER, PAGES, is_made, source, text, title
from planner.manual.tables_made import MADE
from planner.solver.status import Status

LEAST, MOST = 4_000, 8_192
"""Bytes of a page without the blocks of output, which are as long as what a command prints."""
OTHER_SIZES = {"limits": "a list that is as long as what is left out"}
"""Pages of another size, with the reason; those made from declarations are as long as those."""
OUTPUT = re.compile(r"^```text\n.*?^```\n", re.DOTALL | re.MULTILINE)
LINK = re.compile(r"!?\[[^\]]*\]\(([^)\s]+)\)")
OPTION = re.compile(r"`(--[a-z0-9-]+)")
VERB = re.compile(r"`([a-z]+)`")


def options_told() -> list[tuple[str, str, str]]:
    """Verb, option and page of every row of the tables of options."""
    found = []
    for name in PAGES:
        within = False
        for line in source(name).splitlines():
            if line.startswith("| option | of |"):
                within = True
            elif not line.startswith("|"):
                within = False
            elif within and not line.startswith("|---"):
                options, verbs = line.split(" | ")[:2]
                found += [
                    (verb, option, name) for option in dict.fromkeys(OPTION.findall(options))
                    for verb in VERB.findall(verbs)
                ]
    return found


def options_taken() -> list[tuple[str, str]]:
    """Verb and option of the command line, a pair for each name of it."""
    commands = typer.main.get_command(app).commands  # type: ignore[attr-defined]
    return [
        (verb, name) for verb, command in commands.items() for parameter in command.params
        if parameter.param_type_name == "option" for name in (*parameter.opts, *parameter.secondary_opts)
    ]


def test_every_option_stands_on_one_page() -> None:
    told = [(verb, option) for verb, option, _ in options_told()]
    taken = options_taken()
    assert sorted(set(taken) - set(told)) == []
    assert sorted(set(told) - set(taken)) == []
    assert sorted(pair for pair in set(told) if told.count(pair) > 1) == []


def test_every_page_is_listed() -> None:
    assert {path.stem for path in FOLDER.glob("*.md")} == set(PAGES)
    assert len({title(name) for name in PAGES}) == len(PAGES)


@pytest.mark.parametrize("name", PAGES)
def test_page_is_of_a_size_to_read(name: str) -> None:
    assert source(name).startswith("# ")
    size = len(OUTPUT.sub("", source(name)).encode())
    if name in OTHER_SIZES:
        assert not LEAST <= size <= MOST, f"{name} is of the usual size: it needs no reason"
    elif is_made(name):
        assert size <= MOST
    else:
        assert LEAST <= size <= MOST


@pytest.mark.parametrize("path", [README, *(FOLDER / f"{name}.md" for name in PAGES)], ids=lambda path: path.stem)
def test_links_lead_somewhere(path: Path) -> None:
    for address in LINK.findall(path.read_text(encoding="utf-8")):
        assert ":" not in address, f"{path.name} leads out of the repository: {address}"
        assert (path.parent / address).is_file(), f"{path.name}: {address}"


def test_the_readme_leads_to_every_page() -> None:
    led = {(ROOT / address).stem for address in LINK.findall(README.read_text(encoding="utf-8"))}
    assert set(PAGES) <= led


def test_every_page_is_led_to_by_another() -> None:
    led = {address.removesuffix(".md") for name in PAGES for address in LINK.findall(source(name))}
    assert set(PAGES) - led == {"first-plan"}


def test_what_is_made_is_filled_in_and_all_of_it_used() -> None:
    used = [what for name in PAGES for what in re.findall(r"<!-- made of: ([a-z ]+) -->", source(name))]
    assert sorted(used) == sorted(MADE)
    assert all("<!-- made of" not in text(name) for name in PAGES)


def test_every_exit_code_stands_on_one_page() -> None:
    rows = {name: re.findall(r"^\| (\d+) \| (.+) \|$", source(name), re.MULTILINE) for name in PAGES}
    page = "when-things-go-wrong"
    codes = {int(code): told for code, told in rows.pop(page)}
    assert set(codes) == {0, 1, 2, 3, 4, 5, 130}
    assert all(f"`{status.label}`" in codes[status.exit_code] for status in Status)
    assert not any("| code |" in source(name) for name in rows)


def test_what_is_misspelt_is_told_what_was_meant() -> None:
    with pytest.raises(PlannerError, match='did you mean "what-if"'):
        text("wat-if")
