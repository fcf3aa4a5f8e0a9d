"""The same option has the same name, sentence and kind of value in every verb."""

from __future__ import annotations

from collections import defaultdict
from typing import Any

import pytest
import typer

from planner.cli.main import app

COMMANDS: dict[str, Any] = typer.main.get_command(app).commands  # type: ignore[attr-defined]
OWN = {
    "--out": "what is written differs",
    "--set": "sweep varies what the others change",
    "--scenarios": "what the futures are for differs",
    "--futures": "plan may be measured over none",
    "--seed": "of the draws, or of a made-up case",
    "--gap": "plan tells two defaults",
    "--alpha": "score has it for VaR and the tails too, plan tells its default",
    "--time-limit": "plan shares it with prices",
    "--threads": "of the solver, or of scoring",
    "--memory": "scoring has a default of its own",
    "--term": "of a lease, or of GPUs standing alone",
    "--pool": "to plan from, or to make",
    "--portfolios": "to score, or what was scored",
    "--workers": "of quote and sweep, which have a default; bench measures them",
    "--sites": "of an inquiry, or of a made-up case",
    "--leases": "of a made-up case, or a question",
    "--months": "with a default of its own",
}
"""Options that verbs do not share word for word, and why."""


def options() -> dict[str, dict[str, Any]]:
    """Each option by its name and the verbs that have it."""
    found: dict[str, dict[str, Any]] = defaultdict(dict)
    for verb, command in COMMANDS.items():
        for option in command.params:
            if option.param_type_name == "option":
                found[option.opts[0]][verb] = option
    return found


def test_no_excuse_is_left_over() -> None:
    differing = {name for name, verbs in options().items() if len({shape(option) for option in verbs.values()}) > 1}
    assert differing == set(OWN)


def shape(option: Any) -> tuple[str, str | None]:
    return option.help, None if option.is_flag else option.metavar


@pytest.mark.parametrize(
    "name", sorted(name for name, verbs in options().items() if len(verbs) > 1 and name not in OWN)
)
def test_what_is_shared_is_said_in_the_same_words(name: str) -> None:
    verbs = options()[name]
    assert len({shape(option) for option in verbs.values()}) == 1, (
        {verb: shape(option) for verb, option in verbs.items()}
    )


@pytest.mark.parametrize("verb", sorted(COMMANDS))
def test_every_option_says_what_it_is_and_which_kind_of_value_it_takes(verb: str) -> None:
    for option in COMMANDS[verb].params:
        if option.param_type_name != "option" or option.opts[0] == "--help":
            continue
        assert option.help, option.opts
        assert option.is_flag or option.metavar, option.opts
        assert not option.help.endswith("."), option.help
