"""The log handler of a command: a line per run, then its result, errors or interruption.

It replaces Snakemake's handler for the terminal; Snakemake still writes `.snakemake/log/`.
"""

from __future__ import annotations

import contextlib
import logging
import re
import sys
import threading
import time
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

from snakemake.common import NOTHING_TO_BE_DONE_MSG
from snakemake.logging import LogEvent, logger

from epochreel.runtime import signals
from epochreel.runtime.terminal import reports
from epochreel.runtime.terminal.progress import Progress
from epochreel.runtime.terminal.reasons import Whole, Why, dataset_before, why
from epochreel.runtime.terminal.screen import Screen

_NOBODY = "–"  # instead of a run or dataset
_SECONDS_BETWEEN_LINES = 30  # between two lines of one run, in a file or pipe
_INTERRUPTED = "interrupted; the same command resumes"
_PREPARING = ("Building DAG of jobs", "Assuming unrestricted shared filesystem usage")
# Redundant: each failed job has its own line.
_GENERAL = ("Exiting because a job execution failed", "WorkflowError:\nAt least one job did not")
_FATE = re.compile(r"died with <Signals\.(\w+)|non-zero exit status (\d+)")


@dataclass(frozen=True)
class Subject:
    """What the terminal needs to know about the plan; the functions take the name of a run.

    `steps`: a run → the steps of its snapshots; none for a dataset.
    `block`: a job's run and wildcards → its first snapshot and count, or None if it has none.
    `metric`: a run and metrics by name → the text of its main metric.
    `metric_so_far`: a run and a block → the same, from its metric table.
    `whole`: a job's wildcards → that of which it makes a part.
    `films`: the files that a command makes or has → a line for each film among them.
    """

    steps: Callable[[str], Sequence[int]]
    block: Callable[[str, Any], tuple[int, int] | None]
    metric: Callable[[str, dict[str, Any]], str]
    metric_so_far: Callable[[str, str], str]
    whole: Callable[[Any], Whole]
    films: Callable[[set[str]], Iterable[str]]


def install(workflow: Any, subject: Subject) -> None:
    """Replace Snakemake's handler, unless the user requested its output or another logger."""
    settings = workflow.output_settings
    handlers = [each for each in logger.handlers if each.name == "DefaultStreamHandler"]
    if settings.quiet or settings.verbose or settings.printshellcmds or not handlers:
        return
    logger.removeHandler(handlers[0])
    logger.addHandler(
        TerminalHandler(workflow, subject, Screen(handlers[0].stream, settings.nocolor))
    )
    sys.excepthook = _without_interruption(sys.excepthook)


def _without_interruption(show: Callable[..., Any]) -> Callable[..., Any]:
    """Return a hook that prints no traceback for Ctrl-C, which the handler has reported."""

    def hook(kind: type[BaseException], *details: Any) -> None:
        if not issubclass(kind, KeyboardInterrupt):
            show(kind, *details)

    return hook


class TerminalHandler(logging.Handler):
    """Handler that shows the progress and the result of one command."""

    def __init__(self, workflow: Any, subject: Subject, screen: Screen):
        super().__init__()
        self._workflow, self._subject, self._screen = workflow, subject, screen
        self._is_executing = self._is_done = self._is_closed = False
        self._progress: dict[str, Progress] = {}
        self._jobs: dict[int, Any] = {}
        self._by_log: dict[str, int] = {}
        self._failed: dict[int, str] = {}
        self._fates: dict[int, str] = {}
        self._withheld: list[str] = []
        self._printed = defaultdict[str, float](float)

    def emit(self, record: logging.LogRecord) -> None:
        """Handle a record of Snakemake's log."""
        react = _REACTIONS.get(getattr(record, "event", None), TerminalHandler._message)
        try:
            react(self, record)
        except BrokenPipeError:
            pass  # The reader has closed the pipe.
        except Exception:
            self.handleError(record)

    def _message(self, record: logging.LogRecord) -> None:
        text = str(record.msg or "").strip()
        if text == NOTHING_TO_BE_DONE_MSG:
            self._is_done = True
            self._screen.print("nothing to be done")
        elif record.levelno >= logging.ERROR:
            self._error(text)
        elif record.levelno >= logging.WARNING:
            self._screen.print(text, "warning")
        elif record.levelno == logging.INFO and not (
            self._is_executing or text.startswith(_PREPARING) or not text
        ):
            self._screen.print(text)

    def _error(self, text: str) -> None:
        """Show an error of Snakemake, unless it only says that a job failed."""
        if fate := _FATE.search(text):
            # The thread that waited for the job logs the failed command, then the failed job.
            how = f"killed by {fate[1]}" if fate[1] else f"exit status {fate[2]}"
            self._fates[threading.get_ident()] = how
        if fate or text.startswith(_GENERAL):
            self._withheld.append(text)
        elif not signals.interrupted.is_set():
            self._screen.print(text, "error")

    def _begin(self, _: logging.LogRecord) -> None:
        self._is_executing = True

    # -- Jobs

    def _plan(self, _: logging.LogRecord) -> None:
        """Show why jobs run, and start the live display, once Snakemake has planned the jobs."""
        if self._jobs:
            return  # A dry run logs this event twice.
        dag, order = self._workflow.dag, [rule.name for rule in self._workflow.rules]
        jobs = sorted(dag.needrun_jobs(), key=lambda job: order.index(job.rule.name))
        self._jobs = {dag.jobid(job): job for job in jobs}
        self._explain([job for job in jobs if job.output or job.rule.script])
        if self._workflow.dryrun:
            return
        for number, job in self._jobs.items():
            if job.log:
                self._by_log[str(job.log[0])] = number
            if owner := self._owner(job):
                self._progress_of(owner).plan(job.rule.name, *self._extent(job))
        self._screen.begin(self._lines, self._hear)
        reports.announce(is_read=self._screen.is_terminal)

    def _start(self, record: logging.LogRecord) -> None:
        for number in record.jobs:
            if line := self._failed.pop(number, None):
                self._screen.print(f"{line}; trying again", "warning")
            if (job := self._jobs.get(number)) and (owner := self._owner(job)):
                progress = self._progress_of(owner)
                progress.start(number, job.rule.name, *self._extent(job))
                if self._extent(job)[0] is not None:
                    self._print_line(owner)

    def _finish(self, record: logging.LogRecord) -> None:
        job = self._jobs.get(record.job_id)
        if job and (owner := self._owner(job)):
            progress = self._progress_of(owner)
            if job.rule.name == "summarize":
                first, count = self._extent(job)
                metric = self._subject.metric_so_far(owner, job.wildcards.block)
                progress.measure(first + count - 1, metric)
            progress.end(record.job_id)

    def _progressed(self, record: logging.LogRecord) -> None:
        self._is_done = record.done == record.total

    def _fail(self, record: logging.LogRecord) -> None:
        job = self._jobs.get(record.jobid)
        if job and (owner := self._owner(job)):
            self._progress_of(owner).end(record.jobid, is_made=False)
        if signals.interrupted.is_set():
            return
        logs = [str(log) for log in record.log]
        # On a cluster, Snakemake reports how the job ended, and names the cluster's log.
        ended = (record.rule_msg or "").partition(". For further error details")[0]
        fate = self._fates.pop(threading.get_ident(), None)
        said = list(filter(None, (ended, *map(reports.error_in, logs)))) or [fate or "failed"]
        line = f"error in {self._title(record, job)}: {'; '.join(said)}"
        named = [log for log in logs if log == logs[0] or job is None or log not in job.log]
        if named and named[-1] not in line:
            line += f"; log: {', '.join(named)}"
        self._failed[record.jobid] = line

    def _title(self, record: logging.LogRecord, job: Any) -> str:
        """Name a job, such as "train of run sheets, block 00001"."""
        values = [] if job is None else [f"{name} {value}" for name, value in job.wildcards.items()]
        values.sort(key=lambda value: not value.startswith(("run ", "dataset ")))
        return " of ".join(filter(None, (record.rule_name, ", ".join(values))))

    def _owner(self, job: Any) -> str | None:
        """Return the run or dataset that a job belongs to, if any."""
        dataset = job.wildcards.get("dataset")  # It may have the same name as a run.
        return job.wildcards.get("run") or (f"dataset {dataset}" if dataset else None)

    def _progress_of(self, owner: str) -> Progress:
        if owner not in self._progress:
            self._progress[owner] = Progress(owner, self._subject.steps(owner))
        return self._progress[owner]

    def _extent(self, job: Any) -> tuple[int | None, int]:
        """Return a job's first snapshot, or None, and the number of snapshots or files it makes."""
        run = job.wildcards.get("run")
        return (run and self._subject.block(run, job.wildcards)) or (None, 1)

    # -- What is shown

    def _hear(self, line: bytes) -> None:
        """Show a line that a job printed, or the progress that it reports."""
        said = reports.progress_in(line)
        if said is None:
            if not signals.interrupted.is_set():
                self._screen.print(line.decode(errors="replace"))
            return
        with contextlib.suppress(KeyError, TypeError, AttributeError):
            number = self._by_log[said["log"]]
            owner = self._jobs[number].wildcards.run
            progress = self._progress_of(owner)
            progress.advance(number, said["snapshot"])
            if "metrics" in said:
                progress.measure(said["snapshot"], self._subject.metric(owner, said["metrics"]))
            elif "loss" in said and not progress.has_metric:
                progress.measure(-1, f"training loss {said['loss']:.3g}")

    def _lines(self) -> list[str]:
        shown = [each for each in list(self._progress.values()) if each.is_shown]
        indent = max((len(each.name) for each in shown), default=0)
        return [each.line(self._screen.width, indent) for each in shown]

    def _print_line(self, owner: str) -> None:
        """If there is no live display, print the line of a run at most every 30 seconds."""
        now = time.monotonic()
        if not self._screen.is_terminal and now - self._printed[owner] > _SECONDS_BETWEEN_LINES:
            self._printed[owner] = now
            self._screen.print(self._progress_of(owner).line(self._screen.width))

    def _explain(self, jobs: list[Any]) -> None:
        """Print why jobs run: in a dry run a table of all, otherwise only what has changed."""
        dag, before = self._workflow.dag, dict[str, str]()
        reasons = defaultdict[tuple[str, str], list[Why]](list)
        for job in jobs:
            owner = self._owner(job) or _NOBODY
            if owner not in before and (name := dataset_before(dag, job)):
                before[owner] = name  # Of a stage that reads shards; later ones depend on it.
            whole = replace(self._subject.whole(job.wildcards), before=before.get(owner, ""))
            reasons[job.rule.name, owner].append(why(dag, job, whole))
        if self._workflow.dryrun:
            for line in _table(reasons):
                self._screen.print(line[: self._screen.width])
            return
        owners = {owner for _, owner in reasons} - {_NOBODY}
        said = set[tuple[str, str]]()
        for (rule, owner), several in reasons.items():
            all_changes = Why.of(rule, several).changes
            new = tuple(change for change in all_changes if (owner, change) not in said)
            said |= {(owner, change) for change in new}
            if new:
                of = f" of {owner}" if len(owners) > 1 and owner != _NOBODY else ""
                self._screen.print(f"{rule}{of}: {Why(new)}")

    def close(self) -> None:
        """Show the result, or the errors. Snakemake closes its handlers at the end."""
        if not self._is_closed:
            self._is_closed = True
            self._screen.end()
            for line, style in self._last_lines():
                self._screen.print(line, style)
        super().close()

    def _last_lines(self) -> Iterator[tuple[str, str]]:
        if self._withheld and not self._failed and not signals.interrupted.is_set():
            yield from ((text, "error") for text in self._withheld)
        yield from ((line, "error") for line in self._failed.values())
        if signals.interrupted.is_set():
            yield _INTERRUPTED, "warning"
        elif self._is_done and not self._failed and not self._workflow.dryrun:
            made = {str(path) for job in self._workflow.dag.jobs for path in job.output}
            yield from ((line, "result") for line in self._subject.films(made))


_REACTIONS: dict[Any, Callable[[TerminalHandler, Any], None]] = {
    LogEvent.WORKFLOW_STARTED: TerminalHandler._begin,
    LogEvent.RUN_INFO: TerminalHandler._plan,
    LogEvent.JOB_STARTED: TerminalHandler._start,
    LogEvent.JOB_FINISHED: TerminalHandler._finish,
    LogEvent.PROGRESS: TerminalHandler._progressed,
    LogEvent.JOB_ERROR: TerminalHandler._fail,
} | dict.fromkeys(
    (
        LogEvent.JOB_INFO,
        LogEvent.SHELLCMD,
        LogEvent.RESOURCES_INFO,
        LogEvent.GROUP_INFO,
        LogEvent.DEBUG_DAG,
        LogEvent.RULEGRAPH,
    ),
    lambda *_: None,
)


def _table(reasons: dict[tuple[str, str], list[Why]]) -> Iterator[str]:
    """Yield the lines of a table: each stage, the number of its jobs, their runs, the reason."""
    grouped = defaultdict[tuple[str, Why], list[str]](list)
    for (rule, owner), several in reasons.items():
        grouped[rule, Why.of(rule, several)] += [owner] * len(several)
    rows = [("stage", "jobs", "run", "reason")]
    for (rule, reason), owners in grouped.items():
        names = list(dict.fromkeys(owners))
        of = ", ".join(names) if len(names) < 3 else f"{names[0]} +{len(names) - 1}"
        rows.append((rule, str(len(owners)), of, str(reason)))
    widths = [max(len(row[column]) for row in rows) for column in range(3)]
    for rule, jobs, of, reason in rows:
        yield f"{rule:<{widths[0]}}  {jobs:>{widths[1]}}  {of:<{widths[2]}}  {reason}"
    count = sum(map(len, reasons.values()))
    yield f"{count} job{'s' * (count != 1)} would run; --verbose lists them"
