"""The page of a run: one HTML file that needs nothing beside it."""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import jinja2
import pandas as pd

from planner.reporting.amounts import dollars, words
from planner.reporting.beside_files import Swept
from planner.reporting.charts.look import CONFIG, Figure
from planner.reporting.compare import Differences
from planner.reporting.figures import figures_of
from planner.reporting.findings import Findings
from planner.reporting.page import sections
from planner.reporting.page.answer import answer_section
from planner.reporting.page.blocks import Drawn, Section, Table
from planner.reporting.page.policy_section import policy_section
from planner.reporting.page.provenance import provenance_section
from planner.reporting.page.script import Script, begin_script
from planner.reporting.policies import Decided, Replayed
from planner.reporting.scored import Scored


@dataclass(frozen=True)
class Beside:
    """What a page may show beside its run: scores, sweeps, a frontier, quotes, a policy with its replay, another run to
    compare with."""

    scored: Scored | None = None
    sweeps: tuple[Swept, ...] = ()
    frontier: pd.DataFrame | None = None
    quotes: pd.DataFrame | None = None
    before: Findings | None = None
    moved: Differences | None = None
    decided: Decided | None = None
    replayed: Replayed | None = None


def page(found: Findings, shown: Sequence[Section], *, script: Script | None = None) -> str:
    """The HTML of a run's page from its sections; `script` as `begin_script` begins it, to have it put together
    meanwhile."""
    script = begin_script() if script is None else script
    specs = {
        block.name: block.figure.spec() for section in shown for block in section.blocks if isinstance(block, Drawn)
    }
    summary = found.summary
    headline = (
        f"{words(summary['status'])}, NPV {dollars(summary['npv_usd'])}" if found.has_plan
        else f"{words(summary['status'])}: no plan"
    )
    return _environment().get_template("page.html").render(
        name=found.case.settings.name, headline=headline, sections=shown, way=sections.names_of(shown), specs=specs,
        config=CONFIG, vega=script.text(),
        is_table=lambda block: isinstance(block, Table), is_figure=lambda block: isinstance(block, Drawn),
    )


def page_sections(found: Findings, beside: Beside, made: dt.datetime) -> list[Section]:
    """The sections that the run has something to say in."""
    figures: dict[str, Figure] = figures_of(
        found, beside.scored, beside.moved, sweeps=beside.sweeps, frontier=beside.frontier, decided=beside.decided
    )
    shown = [sections.decisions_section(found), answer_section(found)] if found.has_plan else [answer_section(found)]
    if beside.decided is not None:
        shown.append(policy_section(found, figures, beside.decided, beside.replayed))
    if found.has_plan:
        shown += [
            sections.sites_section(found, figures), sections.clusters_section(found, figures, beside.quotes),
            sections.money_section(found, figures), sections.prices_section(found, figures),
            sections.risk_section(found, figures, beside.scored),
        ]
    else:
        shown.append(sections.sites_section(found, figures))
    if beside.moved is not None and beside.before is not None:
        shown.append(sections.differences_section(beside.moved, beside.before.name, figures))
    shown.append(provenance_section(found, made))
    return [section for section in shown if section.blocks or section.answers or section.lead]


def _environment() -> jinja2.Environment:
    made = jinja2.Environment(
        loader=jinja2.PackageLoader("planner.reporting.page"), autoescape=True, undefined=jinja2.StrictUndefined,
        trim_blocks=True, lstrip_blocks=True,
    )
    made.policies["json.dumps_function"] = _compact
    made.policies["json.dumps_kwargs"] = {}
    return made


def _compact(value: Any, **_: Any) -> str:
    return json.dumps(value, separators=(",", ":"), allow_nan=False)
