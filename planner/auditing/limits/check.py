"""One limit at one time: what is used, and the most or the least that may be."""

from __future__ import annotations

from dataclasses import dataclass

TOLERANCE = 1e-6
"""Share of a limit within which a solver keeps it; the use itself is known to 1e-9."""


@dataclass(frozen=True)
class Check:
    """A limit: `use` may be at most `limit`, or with `least` at least it; `month` is the first in which it holds so,
    None where it has none; `of` is the size of what it is a part of, where that is more."""

    family: str
    name: str
    month: int | None
    use: float
    limit: float
    least: bool = False
    of: float = 0.0

    @property
    def room(self) -> float:
        """What is left before the limit; negative where it is broken."""
        return self.use - self.limit if self.least else self.limit - self.use

    @property
    def scale(self) -> float:
        """Size of the figures, against which room is judged."""
        return max(abs(self.use), abs(self.limit), self.of)

    @property
    def broken(self) -> bool:
        """Whether more is used than may be, beyond the tolerance of a solver."""
        return self.room < -TOLERANCE * max(self.scale, TOLERANCE)
