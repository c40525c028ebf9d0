"""Progress of a run in one line: the stage, the snapshot, the metric and the time left."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field

_DOING = {
    "generate_dataset": "generating",
    "train": "training",
    "train_keeping_last": "training",
    "evaluate": "evaluating",
    "summarize": "evaluating",
    "fit_projection": "projecting",
    "project": "projecting",
    "render": "drawing",
    "encode_segment": "encoding",
    "render_transitions": "drawing transitions",
}


@dataclass
class _Job:
    """A running job: its first snapshot, if it makes snapshots, and how many it has made."""

    stage: str
    first: int | None
    count: int
    started: float
    made: int = 0


@dataclass
class _Stage:
    """The jobs of one rule: `total` snapshots or files, of which `made` were made in `seconds`."""

    total: int = 0
    made: int = 0
    seconds: float = 0.0


@dataclass
class Progress:
    """Progress of the jobs of one run; `last` is its last snapshot, None for a dataset."""

    name: str
    last: int | None
    clock: Callable[[], float] = time.monotonic
    _metric: str = ""
    _measured: int = -1  # the last snapshot with a metric
    _stages: dict[str, _Stage] = field(default_factory=dict)
    _jobs: dict[int, _Job] = field(default_factory=dict)
    _begun: float | None = None

    def plan(self, stage: str, count: int) -> None:
        """Add a job that makes `count` snapshots or files. Call this in the order of the stages."""
        self._stages.setdefault(stage, _Stage()).total += count

    def start(self, number: int, stage: str, first: int | None, count: int) -> None:
        """Start the job `number` of a stage."""
        self._begun = self.clock() if self._begun is None else self._begun
        self._jobs[number] = _Job(stage, first, count, self.clock())

    def advance(self, number: int, snapshot: int) -> None:
        """Record that a job has made a snapshot."""
        job = self._jobs.get(number)
        if job and job.first is not None:
            job.made = min(max(snapshot - job.first + 1, 0), job.count)

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
            stage.seconds += self.clock() - job.started

    @property
    def is_shown(self) -> bool:
        """Return whether a job is running, or a run has begun and waits for its next job."""
        is_begun = self.last is not None and self._begun is not None
        is_done = all(stage.made >= stage.total for stage in self._stages.values())
        return bool(self._jobs) or (is_begun and not is_done)

    def line(self, width: int, indent: int = 0) -> str:
        """Return the line, shortened to `width` columns; the name takes at least `indent`."""
        job = self._first_job()
        doing = _DOING.get(job.stage, job.stage.replace("_", " ")) if job else "waiting"
        snapshot = short = ""
        if job and job.first is not None and self.last is not None:
            # A run starts at snapshot 0, even if its job has made no snapshot yet.
            short = f"{max(job.first + job.made - 1, 0)}/{self.last}"
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

        A stage that has not begun is assumed to take the average time per snapshot of the others.
        """
        now, measured, left = self.clock(), [], []
        for name, stage in self._stages.items():
            jobs = [job for job in self._jobs.values() if job.stage == name]
            made = stage.made + sum(job.made for job in jobs)
            seconds = stage.seconds + sum(now - job.started for job in jobs if job.made)
            if stage.total > 1:
                left.append((stage.total - made, seconds / made if made else None))
                measured += [(made, seconds)] * bool(made)
        made, busy = (sum(column) for column in zip(*measured, strict=True)) if measured else (0, 0)
        if made < 3 or self._begun is None or now - self._begun < 3:
            return ""
        mean = busy / made
        work = sum(count * (mean if each is None else each) for count, each in left)
        parallel = max(busy / (now - self._begun), 1)
        return _duration(work / parallel)


def _duration(seconds: float) -> str:
    """Return a duration, rounded so that it does not change all the time."""
    if seconds < 90:
        return f"{max(10 * round(seconds / 10), 10)} s left"
    minutes = round(seconds / 60)
    return f"{minutes} min left" if minutes < 90 else f"{round(seconds / 3600)} h left"
