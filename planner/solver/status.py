"""What became of a solve: one vocabulary for every solver."""

from __future__ import annotations

from enum import Enum


class Status(Enum):
    """The state of a solve; `text` says what happened, the usual causes and what to try.

    `label` is the word for files, `exit_code` the one the command line ends with. `OPTIMAL` always means proven
    to the gap that was asked for, never merely "the solver stopped".
    """

    OPTIMAL = (
        "optimal",
        0,
        "Solved: no better answer exists beyond the gap that was asked for.",
    )
    FEASIBLE = (
        "feasible",
        4,
        "Stopped at a limit with an answer that keeps every limit but is not proven best. Usual causes: a time limit "
        "too short for the number of 0/1 decisions, or a very small gap. Try a longer time limit, a looser gap, or a "
        "start from an earlier plan; the bound says how much could still be gained.",
    )
    INFEASIBLE = (
        "infeasible",
        3,
        "No answer keeps every limit at once. Usual causes: committed leases that need more GPUs or MW than can be "
        "there in time, a budget smaller than the commitments, or a decision fixed against a limit. Take "
        "back what was fixed or excluded, release commitments (--set 'leases.committed[id]=no'), or raise a limit, one "
        "at a time: the change that makes it feasible names the conflict.",
    )
    UNBOUNDED = (
        "unbounded",
        3,
        "The objective can grow without end, so a limit is missing. Usual causes: an opportunity that earns money "
        "without depth, supply or power behind it, or a cost with the wrong sign. Give it a limit, or correct the "
        "sign.",
    )
    TIME_LIMIT = (
        "time_limit",
        5,
        "Stopped at a limit before any answer that keeps every limit was found; it is not known whether one exists. "
        "Usual causes: a time or iteration limit too short for the size of the model. Try a longer limit, fewer "
        "candidates, the relaxation first, or a start from an earlier plan.",
    )
    ERROR = (
        "error",
        5,
        "The solver failed, or its answer did not survive the check against the model. Usual causes: coefficients of "
        "very different sizes in one row, or a solver of low precision. Try other units, or the default solver.",
    )

    def __init__(self, label: str, exit_code: int, text: str) -> None:
        self.label = label
        self.exit_code = exit_code
        self.text = text

    @property
    def has_values(self) -> bool:
        """Whether an answer with this status holds levels that may be used."""
        return self in (Status.OPTIMAL, Status.FEASIBLE)

    def __str__(self) -> str:
        return f"{self.label}: {self.text}"
