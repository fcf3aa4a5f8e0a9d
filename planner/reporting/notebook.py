"""A plan in a notebook: a small picture of it without a network, and its figures as charts."""

from __future__ import annotations

from typing import Any

import jinja2

from planner.planning.plan import Plan
from planner.reporting.charts.look import looked
from planner.reporting.figures import OF_RUN, figures_of
from planner.reporting.findings import findings_of_plan
from planner.reporting.page.answer import answer_section
from planner.reporting.pictures import svg

_SHOWN = ("cash_by_year", "power")
_TEMPLATE = jinja2.Environment(autoescape=True).from_string(
    "<div><h4>{{ name }}</h4>{% for note in notes %}<p>{{ note.text }}</p>{% endfor %}"
    "<table><tbody>{% for answer in answers %}<tr><th style='text-align:left'>{{ answer.name }}</th><td "
    "style='text-align:right'>{{ answer.shown }}</td>"
    "<td style='text-align:left'>{{ answer.rests_on }}</td></tr>{% endfor %}</tbody></table>{% for picture in pictures "
    "%}<div style='background:white'>{{ picture|safe }}</div>{% endfor %}</div>"
)


def charts_of(plan: Plan) -> dict[str, Any]:
    """The figures of a plan by name, as Altair charts with their titles."""
    return {name: looked(figure) for name, figure in figures_of(findings_of_plan(plan)).items()}


def plan_html(plan: Plan) -> str:
    """Headline figures with what they rest on, cash by year and power at work, as HTML with drawn SVG."""
    found = findings_of_plan(plan)
    section = answer_section(found)
    drawn = [OF_RUN[name](found) for name in _SHOWN] if found.has_plan else []
    pictures = [svg(figure) for figure in drawn if figure is not None]
    return _TEMPLATE.render(
        name=found.case.settings.name, answers=section.answers, notes=section.blocks, pictures=pictures
    )
