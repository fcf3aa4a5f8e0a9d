"""The page as text: sound for every kind of run, whole in itself, every name only text, every figure that of
plan.json."""

from __future__ import annotations

import datetime as dt
import json
import re
from collections.abc import Callable
from html.parser import HTMLParser
from pathlib import Path

import pandas as pd
import pytest
from at_length import in_tiers
from report_cases import FORMULA, HOSTILE

from planner.quoting.quote_files import QUOTE_COLUMNS
from planner.reporting.compare import differences
from planner.reporting.findings import findings_of_run
from planner.reporting.page.page import Beside, page, page_sections
from planner.reporting.page.script import Script, begin_script
from planner.reporting.scored import read_scores

NAMES = in_tiers(["starting", "no lease", "infeasible", "unicode", "harmful", "one site", "many sites"], 5)
MOST_BYTES = 6_000_000


class Seen(HTMLParser):
    """Elements, their attributes, and the text outside scripts and styles."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.text: list[str] = []
        self.scripts: list[str] = []
        self._within = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))
        if tag in ("script", "style"):
            self._within = tag

    def handle_endtag(self, tag: str) -> None:
        if tag == self._within:
            self._within = ""

    def handle_data(self, data: str) -> None:
        (self.scripts if self._within == "script" else self.text).append(data)

    @property
    def words(self) -> str:
        return " ".join(self.text)


class Kept(Script):
    """The script put together once for all pages."""

    def text(self) -> str:
        found: str = self.__dict__["kept"]
        return found


@pytest.fixture(scope="session")
def script(made_script: str) -> Script:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("planner.reporting.page.script._MAKE", made_script)
        begun = begin_script()
    made = Kept(begun.process)
    made.__dict__["kept"] = begun.text()
    return made


@pytest.fixture(scope="session")
def html(made: Callable[..., tuple[Path, Path, object]], script: Script) -> Callable[[str], str]:
    kept: dict[str, str] = {}

    def of(name: str) -> str:
        if name not in kept:
            folder, run, _ = made(name)
            found = findings_of_run(run, folder)
            kept[name] = page(
                found, page_sections(found, Beside(), dt.datetime(2027, 1, 1, tzinfo=dt.UTC)), script=script
            )
        return kept[name]

    return of


def parsed(text: str) -> Seen:
    seen = Seen()
    seen.feed(text)
    return seen


@pytest.mark.parametrize("name", NAMES)
def test_the_page_is_whole_in_itself(html: Callable[[str], str], name: str) -> None:
    text = html(name)
    assert len(text.encode()) < MOST_BYTES
    seen = parsed(text)
    for tag, attributes in seen.elements:
        assert tag not in ("iframe", "object", "embed", "base", "form")
        for attribute in ("src", "href", "action", "srcset", "poster"):
            target = attributes.get(attribute)
            assert target is None or target.startswith(("#", "data:")), (tag, attribute, target)
        assert not [name for name in attributes if name.startswith("on")]
    (policy,) = [
        attributes["content"] for tag, attributes in seen.elements
        if attributes.get("http-equiv") == "Content-Security-Policy"
    ]
    assert policy is not None
    assert "default-src 'none'" in policy


@pytest.mark.parametrize("name", NAMES)
def test_headline_figures_are_those_of_plan_json(
    html: Callable[[str], str], made: Callable[..., tuple[Path, Path, object]], name: str
) -> None:
    plan = json.loads((made(name)[1] / "plan.json").read_text())
    shown = {
        str(attributes["data-key"]): json.loads(str(attributes["data-exact"]))
        for _, attributes in parsed(html(name)).elements if "data-key" in attributes
    }
    assert shown["status"] == plan["status"]
    expected = {
        "npv_usd", "npv_losses_carried_usd", "equity_npv_usd", "contracted_mw", "gpus_bought", "peak_funding_usd",
        "irr_per_year", "payback_month", "status",
    }
    assert set(shown) == (expected if plan["npv_usd"] is not None else {"status"})
    for key, value in shown.items():
        assert value == plan[key], key


def test_what_is_shown_is_what_is_exact(html: Callable[[str], str]) -> None:
    text = html("starting")
    scales = {"": 1.0, "k": 1e3, "M": 1e6, "B": 1e9}
    found = re.findall(
        r'data-key="(\w+_usd)" data-exact="([^"]+)">\s*<dt>[^<]*</dt>\s*<dd class="value">(-?)\$([\d.,]+)([kMB]?)</dd>',
        text,
    )
    assert len(found) >= 4
    for _, exact, sign, digits, scale in found:
        value = float(digits.replace(",", "")) * scales[scale] * (-1.0 if sign else 1.0)
        assert value == pytest.approx(float(exact), rel=6e-3)


def test_names_meant_to_harm_are_text(html: Callable[[str], str]) -> None:
    text = html("harmful")
    seen = parsed(text)
    assert HOSTILE in seen.words
    assert FORMULA in seen.words
    assert "</table><h1>x</h1>" in seen.words
    assert len([tag for tag, _ in seen.elements if tag == "h1"]) == 1
    assert not [tag for tag, _ in seen.elements if tag in ("img", "b")]
    kinds = [attributes.get("type") for tag, attributes in seen.elements if tag == "script"]
    assert kinds == [None, "application/json", "application/json", None]
    specs = json.loads(seen.scripts[1])
    assert HOSTILE in json.dumps(specs)
    assert "<" not in seen.scripts[1]


def test_names_in_any_script_stand_on_the_page(html: Callable[[str], str]) -> None:
    words = parsed(html("unicode")).words
    for name in ("Þjórsá-Ω", "Übung №5", "Ýmis nöfn 名前"):
        assert name in words


def test_a_run_without_a_plan_says_why(html: Callable[[str], str]) -> None:
    seen = parsed(html("infeasible"))
    assert "There is no plan." in seen.words
    assert "infeasible" in seen.words
    sections = [attributes["id"] for tag, attributes in seen.elements if tag == "section"]
    assert sections == ["answer", "sites", "provenance"]


def test_every_section_of_a_plan_stands(
    made: Callable[..., tuple[Path, Path, object]], scored: Path, script: Script
) -> None:
    folder, run, _ = made("starting")
    changed_folder, changed, _ = made("changed")
    found, before = findings_of_run(run, folder), findings_of_run(changed, changed_folder)
    beside = Beside(
        scored=read_scores(scored, found), before=before, moved=differences(before, found),
        quotes=pd.DataFrame(
            [
                dict.fromkeys(QUOTE_COLUMNS)
                | {
                    "name": "lab_training", "answer": "floor", "size": 8000.0, "unit": "GPUs",
                    "rate_unit": "usd_per_gpu_hour", "floor": 2.5,
                }
            ]
        ),
    )
    sections = page_sections(found, beside, dt.datetime(2027, 1, 1, tzinfo=dt.UTC))
    assert [section.name for section in sections] == [
        "decisions", "answer", "sites", "clusters", "money", "prices", "risk", "differences", "provenance"
    ]
    seen = parsed(page(found, sections, script=script))
    assert "$2.50" in seen.words
    drawn = {attributes["data-spec"] for tag, attributes in seen.elements if attributes.get("class") == "chart"}
    assert {
        "map", "power", "timeline", "gpus", "cash_by_year", "cumulative_cash", "waterfall", "npv_spread", "drivers",
        "stresses", "portfolios", "change_of_npv",
    } <= drawn
    assert drawn == set(json.loads(seen.scripts[1]))


def test_provenance_names_hash_solver_versions_and_sources(
    html: Callable[[str], str], made: Callable[..., tuple[Path, Path, object]]
) -> None:
    record = json.loads((made("starting")[1] / "run.json").read_text())
    words = parsed(html("starting")).words
    for told in (
        record["case_hash"], record["solver"], f"highspy {record['versions']['highspy']}", str(record["seed"])
    ):
        assert told in words
    assert "example" in words


def test_the_same_run_gives_the_same_page(
    made: Callable[..., tuple[Path, Path, object]], script: Script, html: Callable[[str], str]
) -> None:
    folder, run, _ = made("no lease")
    found = findings_of_run(run, folder)
    assert page(
        found, page_sections(found, Beside(), dt.datetime(2027, 1, 1, tzinfo=dt.UTC)), script=script
    ) == html("no lease")
