"""`planner.report`: the page and the workbook to take into a meeting, in one call."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from planner.errors import PlannerError
from planner.planning.plan import Plan
from planner.reporting.beside_files import read_frontier, read_quotes, read_sweep
from planner.reporting.compare import differences
from planner.reporting.findings import Findings, findings_of_plan, findings_of_run
from planner.reporting.page.page import Beside
from planner.reporting.page.script import Script
from planner.reporting.policies import read_policy_folder, read_replay
from planner.reporting.report_folder import refuse_other_reports, write_report
from planner.reporting.scored import read_scores


@dataclass(frozen=True)
class Report:
    """A report that was written: its folder, the status and NPV of its plan (None without one), bytes by file."""

    folder: Path
    status: str
    npv_usd: float | None
    sizes: dict[str, int]


def report(
    run: Plan | str | Path,
    out: str | Path,
    *,
    case: str | Path | None = None,
    compare: str | Path | None = None,
    scores: str | Path | None = None,
    portfolios: str | Path | None = None,
    sweeps: Sequence[str | Path] = (),
    frontier: str | Path | None = None,
    quotes: Sequence[str | Path] = (),
    policy: str | Path | None = None,
    replay: str | Path | None = None,
    pictures: str | None = None,
    force: bool = False,
    script: Script | None = None,
) -> Report:
    """Write report.html (one file that needs no network) and report.xlsx of a plan, or of the folder of a run, into the
    folder `out`.

    Beside it the report shows what other verbs wrote: another run (compare), a folder of scores with its file of
    portfolios, sweeps, a frontier, quotes, the folder of a policy and that of its replay. case: where the case of a run
    stands if it has moved. pictures: png or svg, each figure as a file too. force: replace a report. script: the page's
    script where it is being made already.
    Raises PlannerError for what does not belong to the run.

    >>> import planner
    >>> from tempfile import TemporaryDirectory
    >>> with TemporaryDirectory() as folder:
    ...     made = planner.report(planner.plan("fixtures/tiny", prices="none"), folder + "/report")
    >>> sorted(made.sizes)
    ['report.html', 'report.xlsx']
    """
    target = Path(out)
    refuse_other_reports(target, force=force)
    moved_to = None if case is None else Path(case)
    if replay is not None and policy is None:
        raise PlannerError("--replay tells how a policy fared; give the policy too, with --policy")
    found = findings_of_plan(run) if isinstance(run, Plan) else findings_of_run(Path(run), moved_to)
    decided = None if policy is None else read_policy_folder(Path(policy), found)
    beside = replace(
        _scored_and_compared(found, moved_to, compare, scores, portfolios),
        sweeps=tuple(read_sweep(Path(folder), found) for folder in sweeps),
        frontier=None if frontier is None else read_frontier(Path(frontier), found),
        quotes=read_quotes([Path(each) for each in quotes], found) if quotes else None, decided=decided,
        replayed=None if decided is None or replay is None else read_replay(Path(replay), found, decided),
    )
    sizes = write_report(found, beside, target, pictures=pictures, force=force, script=script)
    return Report(target, found.summary["status"], found.summary["npv_usd"], sizes)


def _scored_and_compared(
    found: Findings, case: Path | None, compare: str | Path | None, scores: str | Path | None,
    portfolios: str | Path | None
) -> Beside:
    """The other run and the scores shown beside the run; what does not fit it is refused."""
    if portfolios is not None and scores is None:
        raise PlannerError("--portfolios tells what was scored; give the scores too, with --scores")
    before = moved = None
    if compare is not None:
        before = findings_of_run(Path(compare), case)
        if not (before.has_plan and found.has_plan):
            raise PlannerError(
                f"{compare if not before.has_plan else found.name} holds no plan to compare; leave --compare out"
            )
        moved = differences(before, found)
    scored = (
        None if scores is None else read_scores(Path(scores), found, None if portfolios is None else Path(portfolios))
    )
    return Beside(scored=scored, before=before, moved=moved)
