"""A policy replayed over futures that its tree has never seen, beside the plans that it is held against."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import pandas as pd

from kernels.blas_threads import one_blas_thread
from kernels.pieces import usable_cores
from planner.adapting.policy import Policy
from planner.adapting.policy_folder import policy_record_of, read_policy
from planner.adapting.walk import Walked, Walker
from planner.arrays import Floats
from planner.errors import PlannerError
from planner.parallel.processes import Processes
from planner.scenarios.futures import Futures, futures_of
from planner.solver.column_generation.mean_cvar import MeanCvar
from planner.storage.folders import folder_in_place_of, versions, write_record, write_tables
from planner.storage.journal import Journal, begin_journal
from planner.storage.policy_words import REPLAY_RECORD, WAYS
from planner.storage.seals import SEAL
from planner.wording import millions

FORMAT = 1
Progress = Callable[[int, int], None]


@dataclass(frozen=True)
class ReplayOptions:
    """What is replayed.

    futures: how many; seed: of their draws, None for the one after that of the policy. imported: a file of paths and
    weights in place of as many draws. rule: follow the policy's nodes in place of planning again. workers: processes,
    None for one a core.
    """

    futures: int = 200
    seed: int | None = None
    imported: str | None = None
    rule: bool = False
    workers: int | None = None

    def __post_init__(self) -> None:
        if self.futures < 1:
            raise PlannerError(f"{self.futures} futures were asked for; give 1 or more")


@dataclass(frozen=True)
class Task:
    """One future, by its number from 0."""

    number: int


@dataclass(frozen=True)
class ReplayWork:
    """What each worker gets: the folder of the policy, and which futures are walked."""

    folder: str
    case: str | None
    options: ReplayOptions
    noun: ClassVar[str] = "future"

    @property
    def name(self) -> str:
        """What tells it apart."""
        return f"planner-replay-{self.folder}"

    def opened(self, threads: int) -> Callable[[Task], Walked]:
        """A walker of futures."""
        policy = read_policy(self.folder, None if self.case is None else Path(self.case))
        return Walks(policy, self.options)


class Walks:
    """Walks futures of a policy one by one."""

    def __init__(self, policy: Policy, options: ReplayOptions) -> None:
        self.walker = Walker(policy, futures_to_walk(policy, options), options.rule)

    def __call__(self, task: Task) -> Walked:
        """Walk one."""
        with one_blas_thread():  # everywhere the same sums in the same order
            return self.walker(task.number)


def futures_to_walk(policy: Policy, options: ReplayOptions) -> Futures:
    """The futures of a replay: drawn with another seed than the tree's, or from a file."""
    seed = policy.futures.seed + 1 if options.seed is None else options.seed
    if options.imported is None and seed == policy.futures.seed and policy.adapt.imported is None:
        raise PlannerError(
            f"--seed {seed} draws the futures that the policy was made for; give another, to see what it is worth in "
            "those it has not seen"
        )
    calendar = policy.candidates.outlook.calendar
    return futures_of(
        policy.case, calendar, scenarios=options.futures, seed=seed, draws=policy.adapt.draws, file=options.imported
    )


@dataclass(frozen=True, eq=False)
class Replay:
    """What a replay found. policy_seal: of the record of the policy's folder. walked: the futures walked so far, by
    number; interrupted: whether Ctrl-C came first."""

    policy: Policy
    options: ReplayOptions
    futures: Futures
    walked: tuple[Walked, ...]
    interrupted: bool
    seconds: float
    policy_seal: str

    @property
    def ways(self) -> tuple[str, ...]:
        """The ways of deciding that were walked."""
        return tuple(way for way in WAYS if not (self.options.rule and way in ("policy", "base_again", "known")))

    @cached_property
    def table(self) -> pd.DataFrame:
        """One row for each future: its weight, and what each way of deciding brings in it."""
        rows = [
            {
                "future": self.futures.names[each.future], "weight": float(self.futures.weights[each.future]),
                **{f"{way}_npv_usd": getattr(each, f"{way}_usd") for way in self.ways}, "stopped": each.stopped,
            }
            for each in self.walked
        ]
        return pd.DataFrame(rows)

    @property
    def weights(self) -> Floats:
        """Weight of each future walked, adding to 1."""
        weights = self.table["weight"].to_numpy(np.float64)
        return np.asarray(weights / weights.sum())

    def npv(self, way: str) -> Floats:
        """NPV of one way by future walked, dollars."""
        return self.table[f"{way}_npv_usd"].to_numpy(np.float64)

    @property
    def leading(self) -> str:
        """The way of the policy: planned again, or by its nodes."""
        return "rule" if self.options.rule else "policy"

    @cached_property
    def summary(self) -> pd.DataFrame:
        """One row for each way: mean, standard error, CVaR, chance of loss, and what the policy is worth beside it."""
        measure = MeanCvar(self.policy.adapt.weight, self.policy.adapt.alpha, self.weights)
        rows = []
        for way in self.ways:
            npv = self.npv(way)
            gain, error = self.gain(way)
            rows.append({
                "way": way, "mean_npv_usd": measure.mean(npv), "standard_error_usd": _error(npv, self.weights),
                "cvar_usd": measure.cvar(npv), "loss_probability": float(self.weights @ (npv < 0.0)),
                "policy_less_usd": gain, "policy_less_error_usd": error,
            })
        return pd.DataFrame(rows)

    def gain(self, way: str) -> tuple[float, float]:
        """What the policy brings beyond a way, in the mean of the same futures, and its standard error."""
        difference = self.npv(self.leading) - self.npv(way)
        return float(self.weights @ difference), _error(difference, self.weights)

    @cached_property
    def signs(self) -> pd.DataFrame:
        """One row for each thing left open: how often it was taken, and how often its sign said what was done."""
        choices = [choice for choice in self.policy.choices if choice.sign is not None]
        rows = []
        for at, choice in enumerate(choices):
            says = np.array([each.says[at] for each in self.walked])
            took = np.array([each.took[at] for each in self.walked])
            assert choice.sign is not None
            rows.append({
                "sort": str(choice.thing.sort), "name": choice.thing.name, "sign": choice.sign.words,
                "accuracy_in_tree": choice.sign.accuracy, "sign_said_yes": float(self.weights @ says),
                "taken": float(self.weights @ took), "sign_was_right": float(self.weights @ (says == took)),
            })
        columns = ["sort", "name", "sign", "accuracy_in_tree", "sign_said_yes", "taken", "sign_was_right"]
        return pd.DataFrame(rows, columns=columns)

    @property
    def verdict(self) -> str:
        """Whether the policy was better than the plan that never changes, beyond its standard error."""
        gain, error = self.gain("steady")
        said = f"the policy brings {millions(gain)} +- {millions(error)} more than the plan that never changes"
        if gain > 2.0 * error:
            return said
        if gain > error:
            return f"{said}: more than one standard error, less than two"
        return f"{said}: not better beyond its standard error"


def _error(values: Floats, weights: Floats) -> float:
    """Standard error of a weighted mean."""
    if len(values) < 2:
        return float("inf")
    draws = 1.0 / float(weights @ weights)
    spread = float(np.sqrt(weights @ (values - weights @ values) ** 2))
    return spread / np.sqrt(max(draws - 1.0, 1e-12))


def replay(
    folder: str | Path, options: ReplayOptions | None = None, *, case: str | Path | None = None,
    out: str | Path | None = None, resume: bool = False, force: bool = False, progress: Progress | None = None,
) -> Replay:
    """Walk futures that a policy has never seen; folder: of the policy.

    out: a folder for the tables; while the replay runs, every future that is walked is kept beside it, and `resume`
    goes on with an interrupted one. Ctrl-C ends the replay with what is done.
    """
    chosen, began = options or ReplayOptions(), time.perf_counter()
    where = None if case is None else str(case)
    sealed = str(policy_record_of(Path(folder))[SEAL])
    policy = read_policy(folder, None if where is None else Path(where))
    futures = futures_to_walk(policy, chosen)
    journal = None if out is None else begin_journal(
        str(out), _asked(sealed, chosen), resume=resume, force=force, what="replay", record=REPLAY_RECORD
    )
    work = ReplayWork(str(Path(folder).resolve()), where, chosen)
    run = _Run(policy, chosen, len(futures), work, journal, progress or (lambda done, of: None))
    interrupted = run.all()
    walked = tuple(run.found[number] for number in sorted(run.found))
    result = Replay(policy, chosen, futures, walked, interrupted, time.perf_counter() - began, sealed)
    if out is not None and journal is not None and not interrupted:
        write_replay(result, out, force=force)
        journal.end()
    return result


def _asked(policy_seal: str, options: ReplayOptions) -> dict[str, Any]:
    """What two replays share whose futures may stand side by side: the policy with its case and options, and which
    futures are walked how."""
    return {"policy": policy_seal, "versions": versions(), "options": {**asdict(options), "workers": None}}


@dataclass
class _Run:
    """A replay while it runs."""

    policy: Policy
    options: ReplayOptions
    count: int
    work: ReplayWork
    journal: Journal | None
    progress: Progress
    found: dict[int, Walked] = field(default_factory=dict)

    def all(self) -> bool:
        """Walk every future that is not kept already; says whether Ctrl-C came first."""
        if self.journal is not None:
            for name in self.journal.names():
                notes = self.journal.kept(name)
                if notes is not None:
                    one = _walked(notes)
                    self.found[one.future] = one
        left = [Task(number) for number in range(self.count) if number not in self.found]
        self.progress(len(self.found), self.count)
        try:
            for one in self._outcomes(left):
                self.found[one.future] = one
                if self.journal is not None:
                    self.journal.keep(f"future-{one.future:06d}", {}, _notes(one))
                self.progress(len(self.found), self.count)
        except KeyboardInterrupt:
            return True
        return False

    def _outcomes(self, left: list[Task]) -> Iterator[Walked]:
        workers = min(self.options.workers or usable_cores(), len(left))
        if workers < 2 or self.options.rule:
            yield from map(Walks(self.policy, self.options), left)
            return
        with Processes(self.work, workers) as processes:
            yield from processes.results(left)


def _notes(one: Walked) -> dict[str, Any]:
    return {
        name: value.tolist() if isinstance(value, np.ndarray) else (None if value != value else value)
        for name, value in vars(one).items()
    }


def _walked(notes: dict[str, Any]) -> Walked:
    given: dict[str, Any] = {name: float("nan") if value is None else value for name, value in notes.items()}
    given |= {name: np.array(given[name], dtype=bool) for name in ("says", "took")}
    return Walked(**given)


def write_replay(found: Replay, folder: str | Path, *, force: bool = False) -> Path:
    """Write replay.csv, ways.csv, signs.csv and replay.json, whole or not at all."""
    target = Path(folder).resolve()
    with folder_in_place_of(target, force=force, what="replay", record=REPLAY_RECORD) as scratch:
        write_tables(scratch, {"replay.csv": found.table, "ways.csv": found.summary, "signs.csv": found.signs})
        write_record(scratch / REPLAY_RECORD, replay_record(found))
    return target


def replay_record(found: Replay) -> dict[str, Any]:
    """What replay.json holds."""
    gain, error = found.gain("steady")
    return {
        "format": FORMAT, "command": "replay", "case": found.policy.case.settings.name,
        "case_hash": found.policy.case.source_hash, "policy_seal": found.policy_seal, "versions": versions(),
        "futures": len(found.walked),
        "futures_asked": len(found.futures), "seed": found.futures.seed, "rule": found.options.rule,
        "interrupted": found.interrupted, "verdict": found.verdict,
        "policy_less_never_changes_usd": gain, "standard_error_usd": error if np.isfinite(error) else None,
        "value_of_adapting_in_tree_usd": found.policy.value_of_adapting_usd,
        "replans_without_answer": int(sum(each.stopped for each in found.walked)), "seconds": found.seconds,
        "ways": {
            row["way"]: {name: value for name, value in row.items() if name != "way" and np.isfinite(value)}
            for row in found.summary.to_dict("records")
        },
    }
