"""`planner manual`: the list, a page, all pages as one file."""

from __future__ import annotations

import re
from html.parser import HTMLParser
from pathlib import Path

import pytest

from planner.cli.main import main
from planner.manual.pages import PAGES

Captured = pytest.CaptureFixture[str]


def ran(arguments: list[str], monkeypatch: pytest.MonkeyPatch) -> int:
    monkeypatch.setattr("sys.argv", ["planner", "manual", *arguments])
    with pytest.raises(SystemExit) as end:
        main()
    return int(end.value.code or 0)


def test_without_a_topic_pages_are_listed(monkeypatch: pytest.MonkeyPatch, capsys: Captured) -> None:
    assert ran([], monkeypatch) == 0
    lines = capsys.readouterr().out.splitlines()[1:]
    assert [line.split()[0] for line in lines] == list(PAGES)
    assert all(len(line) <= 118 for line in lines)


@pytest.mark.parametrize("name", PAGES)
def test_a_page_is_plain_text_in_a_pipe(name: str, monkeypatch: pytest.MonkeyPatch, capsys: Captured) -> None:
    assert ran([name], monkeypatch) == 0
    said = capsys.readouterr().out
    assert said.startswith("# ")
    assert "\x1b" not in said
    assert "<!--" not in said


def test_a_page_is_laid_out_on_a_terminal(monkeypatch: pytest.MonkeyPatch, capsys: Captured) -> None:
    monkeypatch.setenv("FORCE_COLOR", "1")
    monkeypatch.setenv("COLUMNS", "100")
    assert ran(["glossary"], monkeypatch) == 0
    said = capsys.readouterr().out
    assert "\x1b" in said
    assert "planner manual case-columns" in re.sub(r"\x1b\[[0-9;]*m", "", said)


def test_an_unknown_topic_is_told_what_was_meant(monkeypatch: pytest.MonkeyPatch, capsys: Captured) -> None:
    assert ran(["glosary"], monkeypatch) == 2
    assert 'did you mean "glossary"?' in capsys.readouterr().err


class Links(HTMLParser):
    """Places within a page, links to them, and whatever is fetched."""

    def __init__(self) -> None:
        super().__init__()
        self.places: set[str] = set()
        self.links: set[str] = set()
        self.fetched: set[str] = set()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        for name, value in attrs:
            if name == "id":
                self.places.add(f"#{value}")
            elif name == "href":
                self.links.add(str(value))
            elif name == "src":
                self.fetched.add(str(value)[:5])


def test_all_pages_are_one_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Captured) -> None:
    """Links stay within it, and nothing is fetched."""
    target = tmp_path / "manual.html"
    assert ran(["--html", str(target)], monkeypatch) == 0
    page = target.read_text(encoding="utf-8")
    found = Links()
    found.feed(page)
    assert {f"#{name}" for name in PAGES} == found.places
    assert found.links == found.places
    assert found.fetched == {"data:"}
    assert "http" not in re.sub(r"<pre>.*?</pre>", "", page, flags=re.DOTALL)
    assert ran(["--html", str(target)], monkeypatch) == 2
    assert "--force" in capsys.readouterr().err
    assert ran(["--html", str(target), "--force"], monkeypatch) == 0
    assert target.read_text(encoding="utf-8") == page
    assert [path.name for path in tmp_path.iterdir()] == ["manual.html"]


@pytest.mark.parametrize("arguments", [["what-if", "--html", "x.html"], ["--force"], ["--html", "."]])
def test_what_does_not_belong_together_is_refused(arguments: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    assert ran(arguments, monkeypatch) == 2
