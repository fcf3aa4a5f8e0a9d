"""Options given in Python as one object, or one by one by the names of its fields."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import fields
from typing import Any, TypeVar

from planner.did_you_mean import remedy_for
from planner.errors import PlannerError

T = TypeVar("T")


def chosen(
    kind: type[T], options: T | None, choices: Mapping[str, object], *, verb: str, lists: Collection[str] = ()
) -> T:
    """The options of a verb: those given whole, or made of single choices, never both.

    lists: fields that hold several texts, of which one may be given alone. Raises PlannerError for what is no option,
    with the one that was probably meant.
    """
    if options is not None:
        if not isinstance(options, kind):
            raise PlannerError(
                f"{verb}: options are {type(options).__name__}, not {kind.__name__}; {kind.__name__}(...) makes them"
            )
        if choices:
            raise PlannerError("give either options or single choices, not both")
        return options
    refuse_unknown(choices, _names(kind), verb=verb)
    return kind(**{name: texts_of(value) if name in lists else value for name, value in choices.items()})


def chosen_around(
    kind: type[T], name: str, within: type[Any], options: T | None, choices: Mapping[str, object], *, verb: str,
    lists: Collection[str] = ()
) -> T:
    """As `chosen`, where a field `name` of the options holds other options: single choices may be fields of either."""
    own, theirs = _names(kind), _names(within)
    refuse_unknown(choices, (*own, *theirs), verb=verb)
    mine = {each: value for each, value in choices.items() if each in own}
    inner = {each: value for each, value in choices.items() if each not in own}
    if inner:
        if name in mine:
            raise PlannerError(f"give either {name}={within.__name__}(...) or {', '.join(inner)}, not both")
        mine[name] = chosen(within, None, inner, verb=verb, lists=lists)
    return chosen(kind, options, mine, verb=verb, lists=lists)


def _names(kind: type[Any]) -> list[str]:
    return [entry.name for entry in fields(kind)]


def refuse_unknown(choices: Iterable[str], known: Iterable[str], *, verb: str) -> None:
    """Raise PlannerError for a choice that is no option."""
    names = list(known)
    for name in choices:
        if name not in names:
            raise PlannerError(f"{verb} has no option {name!r}; {remedy_for(name, names)}")


def texts_of(given: Any) -> tuple[str, ...]:
    """Several texts, of which one may be given alone."""
    if isinstance(given, str):
        return (given,)
    if not isinstance(given, (list, tuple)):
        raise PlannerError(f"{given!r} is not a list of changes; give strings such as 'table.column[id]=value'")
    return tuple(str(entry) for entry in given)
