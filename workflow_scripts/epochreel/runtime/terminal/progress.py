"""Progress of a run in one line: the stage, the snapshot, the metric and the time left."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

_TRAINING = ("train", "train_keeping_last")
_DOING = dict.fromkeys(_TRAINING, "training") | {
    "summarize": "evaluating",
    "fit_projection": "projecting",
    "render": "drawing",
    "render_closing": "drawing the closing picture",
    "timeline": "pacing the film",
    "encode_segment": "encoding",
    "encode_closing": "encoding the end",
    "encode": "joining the film",
    "encode_webm_segment": "encoding WebM",
    "encode_webm_closing": "encoding the end as WebM",
    "encode_webm": "joining the WebM film",
    "encode_gif": "encoding the GIF",
}
# The verbs of other rules, whose names go on with what they make.
_VERBS = {
    "generate": "generating",
    "describe": "describing",
    "save": "saving",
    "evaluate": "evaluating",
    "project": "projecting",
    "render": "drawing",
    "draw": "drawing",
    "encode": "encoding",
    "write": "writing",
    "publish": "publishing",
    "predict": "predicting",
    "verify": "verifying",
}
_DOUBLING = 20  # s in which the time left that is shown may double, at most


def _doing(rule: str) -> str:
    """Return what a job of a rule is doing, such as "writing report"."""
    first, *rest = rule.split("_")
    named = " ".join((_VERBS[first], *rest)) if first in _VERBS else f"running {rule}"
    return _DOING.get(rule, named)


@dataclass
class _Job:
    """A running job: its first snapshot, if it makes snapshots, and how many it has made.

    `reports` are the first and the last report: the time, and how many snapshots were made then.
    """

    stage: str
    first: int | None
    count: int
    started: float
    made: int = 0
    reports: list[tuple[float, int]] = field(default_factory=list)


@dataclass
class _Stage:
    """The jobs of one rule: how many snapshots, or files, they make and have made.

    `work` is that of all jobs, `done` that of the ended ones, which took `seconds`.
    """

    total: int = 0
    made: int = 0
    work: float = 0.0
    done: float = 0.0
    seconds: float = 0.0


@dataclass
class Progress:
    """Progress of the jobs of one run; `steps` are those of its snapshots, none for a dataset.

    The work of training is measured in steps, in units of their mean number per snapshot; any other
    work is the number of snapshots.
    """

    name: str
    steps: Sequence[int] = ()
    clock: Callable[[], float] = time.monotonic
    _metric: str = ""
    _measured: int = -1  # the last snapshot with a metric
    _stages: dict[str, _Stage] = field(default_factory=dict)
    _jobs: dict[int, _Job] = field(default_factory=dict)
    _begun: float | None = None
    _left: tuple[float, float] | None = None  # when the time left was shown last, and what it was

    def plan(self, stage: str, first: int | None, count: int) -> None:
        """Add a job of `count` snapshots, or files. Call this in the order of the stages."""
        found = self._stages.setdefault(stage, _Stage())
        found.total += count
        found.work += self._work(stage, first, 0, count)

    def _work(self, stage: str, first: int | None, start: int, end: int) -> float:
        """Return the work of a job from its snapshot number `start` on and before `end`."""
        if first is None or stage not in _TRAINING or not self.steps or not self.steps[-1]:
            return end - start
        before, after = (self.steps[max(first + made - 1, 0)] for made in (start, end))
        return (after - before) * (len(self.steps) - 1) / self.steps[-1]

    def start(self, number: int, stage: str, first: int | None, count: int) -> None:
        """Start the job `number` of a stage."""
        self._begun = self.clock() if self._begun is None else self._begun
        self._jobs[number] = _Job(stage, first, count, self.clock())

    def advance(self, number: int, snapshot: int) -> None:
        """Record that a job has made a snapshot."""
        job = self._jobs.get(number)
        if job and job.first is not None:
            job.made = min(max(snapshot - job.first + 1, 0), job.count)
            job.reports = [*job.reports[:1], (self.clock(), job.made)]

    def measure(self, snapshot: int, metric: str) -> None:
        """Record a snapshot's metric, or the training loss before there is any metric."""
        if metric and snapshot >= self._measured:
            self._metric, self._measured = metric, snapshot

    @property
    def has_metric(self) -> bool:
        """Return whether a snapshot has been evaluated."""
        return self._measured >= 0

    def end(self, number: int, is_made: bool = True) -> None:
        """End a job."""
        job = self._jobs.pop(number, None)
        if job and is_made:
            stage = self._stages.setdefault(job.stage, _Stage(job.count))
            stage.made += job.count
            # A resumed job has not made the snapshots before the first that it reports.
            found = max(job.reports[0][1] - 1, 0) if job.reports else 0
            stage.done += self._work(job.stage, job.first, found, job.count)
            stage.work -= self._work(job.stage, job.first, 0, found)
            stage.seconds += self.clock() - job.started

    @property
    def is_shown(self) -> bool:
        """Return whether a job is running, or a run has begun and waits for its next job."""
        is_begun = bool(self.steps) and self._begun is not None
        is_done = all(stage.made >= stage.total for stage in self._stages.values())
        return bool(self._jobs) or (is_begun and not is_done)

    def line(self, width: int, indent: int = 0) -> str:
        """Return the line, shortened to `width` columns; the name takes at least `indent`."""
        job = self._first_job()
        doing = _doing(job.stage) if job else "waiting"
        snapshot = short = ""
        if job and job.first is not None and self.steps:
            # The untrained network is snapshot 0: a job that has made none yet begins there.
            short = f"{max(job.first + job.made - 1, 0)}/{len(self.steps) - 1}"
            snapshot = f"snapshot {short.replace('/', ' of ')}"
        elif job and (total := self._stages[job.stage].total) > 1:
            short = snapshot = f"{self._stages[job.stage].made} of {total}"
        value = " ".join(self._metric.split()[-2:]) if self._metric.endswith("%") else self._metric
        left = self._time_left()
        for parts in (
            (doing, snapshot, self._metric, left),
            (doing, short, self._metric, left),
            (short or doing, self._metric, left),
            (short or doing, value, left),
            (short or doing, left),
            (short or doing,),
        ):
            line = f"{self.name:<{indent}}  {' · '.join(filter(None, parts))}"
            if len(line) <= width:
                break
        return line[:width]

    def _first_job(self) -> _Job | None:
        """Return the running job of the earliest stage; jobs that make snapshots come first."""
        order, jobs = list(self._stages), list(self._jobs.values())
        return min(
            jobs,
            key=lambda job: (job.first is None, order.index(job.stage), -(job.first or 0)),
            default=None,
        )

    def _time_left(self) -> str:
        """Estimate the time left from the pace so far; empty while there is too little data.

        Only snapshots between two reports and those of ended jobs count, since starting a job takes
        time. A stage that has not begun is assumed to take the average time per snapshot of the
        others. If that was wrong, the time shown grows slowly.
        """
        now, shown, jobs = self.clock(), self._first_job(), list(self._jobs.values())
        left, paces = [], dict[str, tuple[float, float]]()
        for name, stage in self._stages.items():
            done, seconds, unfinished = stage.done, stage.seconds, stage.work - stage.done
            for job in (job for job in jobs if job.stage == name and job.reports):
                (begun, first), (ended, last) = job.reports[0], job.reports[-1]
                done += self._work(name, job.first, first, last)
                seconds += ended - begun
                unfinished -= self._work(name, job.first, 0, last)
            if stage.total > 1:
                left.append((name, unfinished))
                paces |= {name: (done, seconds)} if done else {}
        if not shown or shown.stage not in paces or self._begun is None or now - self._begun < 3:
            return ""
        done, busy = (sum(column) for column in zip(*paces.values(), strict=True))
        seconds_each = {name: seconds / done for name, (done, seconds) in paces.items()}
        work = sum(count * seconds_each.get(name, busy / done) for name, count in left)
        running = sum(now - job.started for job in jobs)
        running += sum(stage.seconds for stage in self._stages.values())
        return _duration(self._calmed(work / max(running / (now - self._begun), 1)))

    def _calmed(self, left: float) -> float:
        """Return a time left that grows slowly from what was shown before."""
        now = self.clock()
        if self._left:
            before, shown = self._left
            left = min(left, max(shown, 10) * 2 ** ((now - before) / _DOUBLING))
        self._left = now, left
        return left


def _duration(seconds: float) -> str:
    """Return a duration, rounded so that it does not change all the time."""
    if seconds < 90:
        return f"{max(10 * round(seconds / 10), 10)} s left"
    minutes = round(seconds / 60)
    return f"{minutes} min left" if minutes < 90 else f"{round(seconds / 3600)} h left"
