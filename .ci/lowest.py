"""Print constraints that hold every package of pyproject.toml, with the extras named, at its lowest version: lowest.py
test > file."""

from __future__ import annotations

import re
import sys
import tomllib
from pathlib import Path

PROJECT = Path(__file__).resolve().parents[1] / "pyproject.toml"
BOUND = re.compile(r"(?P<name>[A-Za-z0-9._-]+)(?P<extras>\[[^]]*])?>=(?P<lowest>[0-9.]+)(,<[0-9.]+)?")


def constraints(extras: list[str]) -> list[str]:
    """Lines NAME==LOWEST; a requirement without a lower bound ends the script, since nobody could try it."""
    project = tomllib.loads(PROJECT.read_text(encoding="utf-8"))["project"]
    asked = [*project["dependencies"], *(line for extra in extras for line in project["optional-dependencies"][extra])]
    bounds = {line: BOUND.fullmatch(line) for line in asked}
    loose = [line for line, bound in bounds.items() if bound is None]
    if loose:
        raise SystemExit(f"{PROJECT.name}: no lowest version of {', '.join(loose)}")
    return [f"{bound['name']}=={bound['lowest']}" for bound in bounds.values() if bound]


if __name__ == "__main__":
    print("\n".join(constraints(sys.argv[1:])))
