"""The terminal of a command: the lines that it prints for records of Snakemake's log."""

import io
import logging
from types import SimpleNamespace

import pytest
from snakemake.logging import LogEvent

from epochreel.experiment_api import declared_metrics
from epochreel.experiment_api.interface import Metric
from epochreel.film import segments
from epochreel.runtime import signals
from epochreel.runtime.terminal import handler, reasons, reports
from epochreel.runtime.terminal.progress import Progress
from epochreel.runtime.terminal.screen import Screen

RULES = ("train", "evaluate", "encode")


def made_job(
    rule: str,
    block: str | None = None,
    *,
    change: SimpleNamespace | None = None,
    reads: tuple[str, ...] = (),
    record: dict | None = None,
    **reason,
) -> SimpleNamespace:
    """Return a job that reads the files `reads`; `record` has what was recorded of it before."""
    wildcards = {"run": "one"} | ({"block": block} if block else {})
    none = dict.fromkeys(("forced", "nooutput", "noio", "input_changed"))
    none |= dict.fromkeys(("_incomplete_output", "missing_output"))
    reason = none | {"updated_input": (), "updated_input_run": ()} | reason
    return SimpleNamespace(
        rule=SimpleNamespace(name=rule, script=f"{rule}.py"),
        wildcards=type("Wildcards", (dict,), {"__getattr__": dict.__getitem__})(wildcards),
        log=[f"results/one/logs/{rule}/{block}.log"],
        output=["results/one/training.mp4"] if rule == "encode" else [f"{rule}/{block}"],
        input=reads,
        change=change,
        record=record or ({} if change else None),
        reason=SimpleNamespace(**reason),
    )


class Before:
    """The jobs that a job reads: in these tests, the first one."""

    def __init__(self, jobs: tuple[SimpleNamespace, ...]):
        self._jobs = jobs

    def __getitem__(self, job: SimpleNamespace) -> list[SimpleNamespace]:
        return [] if job is self._jobs[0] else [self._jobs[0]]


class Command:
    """A command without a terminal: `log` passes a record to its handler, `end` closes it."""

    def __init__(self, *jobs: SimpleNamespace, dryrun: bool = False):
        self.said = io.StringIO()
        dag = SimpleNamespace(
            jobs=jobs,
            needrun_jobs=lambda: jobs,
            needrun=lambda job: True,
            jobid=jobs.index,
            reason=lambda job: job.reason,
            dependencies=Before(jobs),
        )
        of = {file: job for job in jobs for file in job.output if job.record is not None}
        dag.workflow = SimpleNamespace(
            persistence=SimpleNamespace(
                metadata=of.get,
                params_changed=lambda job, file: job.change,
                input=lambda file: of[file].record.get("input") if file in of else None,
                log=lambda file: of[file].record.get("log"),
            )
        )
        workflow = SimpleNamespace(
            dag=dag, dryrun=dryrun, rules=[SimpleNamespace(name=name) for name in RULES]
        )
        subject = handler.Subject(
            steps=lambda owner: range(13),
            block=lambda run, wildcards: (
                (int(wildcards["block"]) * 10, 3 if wildcards["block"] == "00001" else 10)
                if "block" in wildcards
                else None
            ),
            metric=lambda run, values: f"accuracy {values['accuracy']}",
            metric_so_far=lambda run, block: "",
            whole=lambda wildcards: reasons.Whole("words", total=17, size=10),
            films=lambda paths: sorted(path for path in paths if path.endswith(".mp4")),
        )
        self.handler = handler.TerminalHandler(workflow, subject, Screen(self.said))

    def log(self, event: LogEvent | None = None, text: str = "", level: str = "INFO", **extra):
        """Log a record as Snakemake does."""
        record = logging.makeLogRecord(
            {"msg": text, "levelno": getattr(logging, level), "event": event} | extra
        )
        self.handler.handle(record)

    def fail(
        self, number: int, rule: str, *logs: str, command: str = "", message: str | None = None
    ):
        """Log that a job failed, and how its command ended."""
        if command:
            self.log(LogEvent.ERROR, f"RuleException:\nCommand 'x' {command}", "ERROR")
        about = {"rule_name": rule, "rule_msg": message, "log": list(logs)}
        self.log(LogEvent.JOB_ERROR, "Error", "ERROR", jobid=number, **about)

    def end(self) -> list[str]:
        """Close the handler; return all lines that it has printed."""
        self.handler.close()
        return self.said.getvalue().splitlines()


@pytest.fixture
def command(monkeypatch):
    """Return the function that makes a `Command`, without its effect on the environment."""
    monkeypatch.delenv(reports.TERMINAL, raising=False)
    monkeypatch.setattr(reports, "announce", lambda is_read: None)
    monkeypatch.setattr(signals, "interrupted", signals.threading.Event())
    return Command


def begun(command, *jobs: SimpleNamespace, **how) -> Command:
    made = command(*jobs, **how)
    made.log(LogEvent.WORKFLOW_STARTED, "Workflow has started!")
    made.log(LogEvent.RUN_INFO, "Job stats: …", stats={})
    return made


# -- The last lines


def test_the_last_line_of_a_successful_command_is_its_film(command):
    made = begun(command, made_job("encode"))
    made.log(text="Complete log(s): x")
    made.log(LogEvent.PROGRESS, done=1, total=1)
    assert made.end() == ["results/one/training.mp4"]


def test_nothing_to_be_done_shows_the_film_too(command):
    made = begun(command, made_job("encode"))
    made.log(text=handler.NOTHING_TO_BE_DONE_MSG)
    assert made.end() == ["nothing to be done", "results/one/training.mp4"]


def test_each_failed_job_is_one_line_with_the_error_in_its_log(command, tmp_path):
    logs = [tmp_path / "1", tmp_path / "2"]
    for number, log in enumerate(logs):
        log.write_text(f"2026-01-01 10:00:00,1 INFO a\n2026-01-01 10:00:01,1 ERROR e{number}: b\n")
    made = begun(command, made_job("train", "00000"), made_job("evaluate", "00000"))
    for number, log in enumerate(logs):
        made.fail(number, RULES[number], str(log), command="returned non-zero exit status 1.")
    made.log(text="Exiting because a job execution failed. Look above", level="ERROR")
    made.log(LogEvent.ERROR, "WorkflowError:\nAt least one job did not complete.", "ERROR")
    assert made.end() == [
        f"error in train of run one, block 00000: e0: b; log: {logs[0]}",
        f"error in evaluate of run one, block 00000: e1: b; log: {logs[1]}",
    ]


@pytest.mark.parametrize(
    "command_ended, words",
    [
        ("died with <Signals.SIGKILL: 9>.", "killed by SIGKILL"),
        ("returned non-zero exit status 7.", "exit status 7"),
        ("", "failed"),
    ],
)
def test_a_job_without_an_error_in_its_log_says_how_it_ended(command, command_ended, words):
    made = begun(command, made_job("encode"))
    made.fail(0, "encode", command=command_ended)
    assert made.end() == [f"error in encode of run one: {words}"]


def test_a_job_on_a_cluster_names_how_it_ended_and_both_logs(command):
    made = begun(command, made_job("train", "00001"))
    words = "SLURM-job '7' failed, SLURM status is: 'TIMEOUT'"
    made.fail(
        0,
        "train",
        "results/one/logs/train/00001.log",
        "/slurm/7.log",
        message=f"{words}. For further error details see the cluster/cloud log.",
    )
    logs = "results/one/logs/train/00001.log, /slurm/7.log"
    assert made.end() == [f"error in train of run one, block 00001: {words}; log: {logs}"]


def test_a_retried_job_is_not_an_error_at_the_end(command):
    made = begun(command, made_job("encode"))
    made.fail(0, "encode")
    made.log(LogEvent.JOB_STARTED, jobs=[0])
    made.log(LogEvent.PROGRESS, done=1, total=1)
    assert made.end() == [
        "error in encode of run one: failed; trying again",
        "results/one/training.mp4",
    ]


def test_an_interrupted_command_ends_with_one_line(command):
    made = begun(command, made_job("encode"))
    signals.interrupted.set()
    made.log(text="Terminating processes on user request, this might take some time.")
    made.fail(0, "encode", command="returned non-zero exit status 143.")
    made.log(LogEvent.ERROR, "WorkflowError:\nAt least one job did not complete.", "ERROR")
    assert made.end() == ["interrupted; the same command resumes"]


@pytest.mark.parametrize("text", ["LockException:\nError: Directory", "MissingRuleException:\nNo"])
def test_errors_and_warnings_of_snakemake_are_shown_in_full(command, text):
    made = command()
    made.log(LogEvent.ERROR, text, "ERROR")
    made.log(text="a warning", level="WARNING")
    assert made.end() == [*text.splitlines(), "a warning"]


def test_an_error_that_no_job_explains_is_not_lost(command):
    made = begun(command, made_job("encode"))
    made.log(LogEvent.ERROR, "RuleException:\nreturned non-zero exit status 1.", "ERROR")
    assert made.end() == ["RuleException:", "returned non-zero exit status 1."]


def test_messages_of_commands_that_run_no_jobs_are_shown(command):
    made = command()
    made.log(text="Building DAG of jobs...")
    made.log(text="Unlocked working directory.")
    assert made.end() == ["Unlocked working directory."]


# -- Progress


def test_a_line_follows_the_reports_of_jobs(command):
    made = begun(command, made_job("train", "00001"), made_job("evaluate", "00000"))
    made.log(LogEvent.JOB_STARTED, jobs=[0, 1])
    made.handler._hear(b'\x1e{"log": "results/one/logs/train/00001.log", "snapshot": 11}')
    report = b'"snapshot": 4, "metrics": {"accuracy": 7}}'
    made.handler._hear(b'\x1e{"log": "results/one/logs/evaluate/00000.log", ' + report)
    assert made.handler._lines() == ["one  training · snapshot 11 of 12 · accuracy 7"]


@pytest.mark.parametrize("line", [b"\x1e{", b"\x1e[1]", b'\x1e{"log": "x"}', b"\x1e{}", b"\x1e1"])
def test_a_broken_report_is_harmless(command, line):
    begun(command, made_job("train", "00000")).handler._hear(line)


def progress(clock: list[float], steps: range | list[int] = range(100)) -> Progress:
    """Return the progress of a run of 100 snapshots that are trained, then evaluated."""
    made = Progress("one", steps, clock=lambda: clock[0])
    for stage in ("train", "evaluate"):
        made.plan(stage, 0, len(steps))
    made.start(1, "train", 0, len(steps))
    return made


def reported(made: Progress, clock: list[float], number: int, *reports: tuple[float, int]) -> str:
    """Report snapshots of a job, each at a time; return the time left that is shown then."""
    for clock[0], snapshot in reports:
        made.advance(number, snapshot)
    return (made.line(80).split(" · ")[2:] or [""])[-1]


def test_the_time_left_follows_from_the_snapshots_so_far():
    clock = [0.0]
    made = progress(clock)
    # Fifty snapshots take as long as those before, and their evaluations, by assumption, too.
    assert reported(made, clock, 1, (1, 0), (51, 50)) == "2 min left"
    clock[0] = 100.0
    made.end(1)
    made.start(2, "evaluate", 0, 100)
    assert reported(made, clock, 2, (101, 0), (109, 79)) == "10 s left"


def test_starting_a_job_says_nothing_about_its_snapshots():
    clock = [0.0]
    made = progress(clock)
    assert reported(made, clock, 1, (60, 0)) == ""
    assert reported(made, clock, 1, (61, 10)) == "20 s left"


def test_the_time_left_is_shown_once_the_stage_is_known():
    clock = [0.0]
    made = progress(clock)
    reported(made, clock, 1, (1, 0), (11, 99))
    made.end(1)
    made.start(2, "evaluate", 0, 100)
    assert made.line(80) == "one  evaluating · snapshot 0 of 99"
    assert reported(made, clock, 2, (40, 0)) == ""
    assert reported(made, clock, 2, (41, 9)) == "10 s left"


def test_the_time_left_does_not_jump_up():
    clock = [0.0]
    made = progress(clock)
    assert reported(made, clock, 1, (1, 0), (4, 30)) == "20 s left"
    assert reported(made, clock, 1, (24, 31)) == "30 s left"  # at this pace, minutes
    assert reported(made, clock, 1, (44, 32)) == "70 s left"


def test_a_resumed_training_is_not_faster():
    clock = [0.0]
    made = progress(clock)
    for stage in ("train", "evaluate"):
        made.plan(stage, 0, 100)
    reported(made, clock, 1, (1, 89), (11, 99))
    made.end(1)
    made.start(2, "train", 0, 100)
    # 100 snapshots to train and 200 to evaluate, 1 s each.
    assert reported(made, clock, 2, (11, 0), (12, 1)) == "5 min left"


def test_the_work_of_a_training_is_its_steps():
    clock = [0.0]
    made = progress(clock, [0, 1, 10, 100, 1000])
    made._stages.pop("evaluate")
    assert reported(made, clock, 1, (1, 0), (11, 3)) == "2 min left"


@pytest.mark.parametrize(
    "rule, words",
    [
        ("train_keeping_last", "training"),
        ("render_transitions", "drawing transitions"),
        ("encode_webm_segment", "encoding WebM"),
        ("encode_gif", "encoding the GIF"),
        ("render_closing", "drawing the closing picture"),
        ("save_poster", "saving poster"),
        ("write_report", "writing report"),
        ("sharpness", "running sharpness"),
    ],
)
def test_each_rule_has_a_verb(rule, words):
    made = Progress("one", range(100))
    made.plan(rule, None, 1)
    made.start(1, rule, None, 1)
    assert made.line(80) == f"one  {words}"


@pytest.mark.parametrize("width", range(5, 90))
def test_a_line_fits_into_any_width(width):
    clock = [0.0]
    made = progress(clock)
    reported(made, clock, 1, (1, 0), (50, 49))
    made.measure(49, "digit accuracy 93.1 %")
    assert len(made.line(width)) <= width
    assert width < 34 or "49" in made.line(width)


def test_an_earlier_block_does_not_replace_a_later_metric():
    made = progress([0.0])
    made.measure(-1, "training loss 2")
    made.measure(19, "accuracy 90 %")
    made.measure(9, "accuracy 50 %")
    assert "accuracy 90 %" in made.line(80)


def test_encoding_reports_each_snapshot_whose_pictures_it_has_read(monkeypatch):
    sequence = SimpleNamespace(frames=["a", "b"], first=10, frame=lambda position: b"")
    reported = []
    log = SimpleNamespace(debug=lambda *text, extra: reported.append(extra["progress"]))
    monkeypatch.setattr(segments, "log", log)
    pictures = segments.Segment(0, [segments.Span((), 3)] * 2).pictures(sequence)
    assert (next(pictures), reported) == ((b"", 3), [])
    assert len(list(pictures)) == 1
    assert reported == [{"snapshot": 10}, {"snapshot": 11}]


# -- What jobs report


def job_log(monkeypatch, tmp_path, is_read: bool) -> tuple[logging.Logger, io.StringIO]:
    terminal = io.StringIO()
    log = logging.Logger("job")
    log.addHandler(logging.StreamHandler(terminal))
    monkeypatch.setattr(reports, "log", log)
    monkeypatch.delenv(reports.TERMINAL, raising=False)
    reports.announce(is_read)
    file = logging.FileHandler(tmp_path / "log")
    file.setFormatter(logging.Formatter("%(asctime)s %(levelname)s %(message)s"))
    log.addHandler(file)
    reports.begin(str(tmp_path / "log"))
    return log, terminal


def test_a_job_leaves_its_error_to_the_command(monkeypatch, tmp_path):
    log, terminal = job_log(monkeypatch, tmp_path, is_read=False)
    log.warning("a warning")
    log.error("an error: it ended")
    assert terminal.getvalue() == "a warning\n"
    assert reports.error_in(str(tmp_path / "log")) == "an error: it ended"


def test_an_error_that_cannot_be_logged_is_printed(monkeypatch, tmp_path):
    log, terminal = job_log(monkeypatch, tmp_path, is_read=False)
    log.handlers[0].close()
    log.removeHandler(log.handlers[0])
    log.error("disk full")
    assert terminal.getvalue() == "disk full\n"


def test_progress_is_reported_only_to_a_command_that_reads_it(monkeypatch, tmp_path):
    written = []
    monkeypatch.setattr(reports.os, "write", lambda number, line: written.append(line))
    for is_read in (False, True):
        log, terminal = job_log(monkeypatch, tmp_path, is_read)
        log.log(25, "a notice", extra={"progress": {"snapshot": 3}})
        assert terminal.getvalue() == "" if is_read else "a notice\n"
    (line,) = written
    assert reports.progress_in(line) == {"log": str(tmp_path / "log"), "snapshot": 3}


def test_a_job_whose_output_goes_elsewhere_prints_its_errors(monkeypatch, tmp_path):
    monkeypatch.setenv(reports.TERMINAL, "plain 1:2")
    assert reports._mode() is None


# -- Why jobs run

STAGE = {
    "settings": {"film": {"preset": "veryfast", "crf": 20}, "title": "One"},
    "versions": {"torch": "2.13.0"},
    "code": "a" * 64,
    "reads": {"render": "b" * 64},
    "first": 10,
    "count": 3,
    "sources": "c" * 64,
}
WORDS = reasons.Whole("words", total=17, size=10)


@pytest.mark.parametrize(
    "change, words",
    [
        ({"settings": STAGE["settings"] | {"title": "Two"}}, "title: One → Two"),
        (
            {"settings": {"film": {"preset": "slow", "crf": 20}, "title": "One"}},
            "film.preset: veryfast → slow",
        ),
        ({"versions": {"torch": "2.14.0"}}, "torch 2.13.0 → 2.14.0"),
        ({"versions": {}}, "torch 2.13.0 → –"),
        ({"code": "d" * 64}, "code changed"),
        ({"count": 7}, "13 → 17 snapshots"),
        ({"sources": "d" * 64}, "the user's files changed"),
    ],
)
def test_a_change_is_named(change, words):
    assert reasons.changes(STAGE, STAGE | change, WORDS) == ([words], [])


def test_a_changed_key_of_a_stage_that_is_read_is_listed_apart():
    changed = STAGE | {"reads": {"render": "d" * 64}}
    assert reasons.changes(STAGE, changed, WORDS) == ([], ["render"])


def of_settings(before: dict, after: dict, whole: reasons.Whole = WORDS, **stage) -> list[str]:
    """Return what changed if a stage had the settings `before`, and has `after`."""
    own, _ = reasons.changes(
        *(STAGE | stage | {"settings": each} for each in (before, after)), whole
    )
    return own


@pytest.mark.parametrize(
    "before, after, words",
    [
        ({"film": {"preset": 1}}, {"film": {"preset": 2}}, ["film.preset: 1 → 2"]),
        ({"width": 640}, {"width": 480}, ["figure.width: 640 → 480"]),
        ({"tweens": 0}, {"tweens": 2}, ["figure.tweens: 0 → 2"]),
        ({"batch_size": 2}, {"batch_size": 3}, ["training.batch_size: 2 → 3"]),
        (
            {"data": {"settings": {"noise": 1}}},
            {"data": {"settings": {"noise": 2}}},
            ["datasets.words.settings.noise: 1 → 2"],
        ),
        ({"examples": {"test": 3}}, {"examples": {"test": 4}}, ["datasets.words.test: 3 → 4"]),
        # A stored training set is among the examples, an unbounded one is not.
        (
            {"data": {}, "examples": {"train": 12}},
            {"data": {"train": "unbounded", "seed": 1}, "examples": {}},
            ["datasets.words.train: 12 → unbounded"],
        ),
        ({"snapshots": 13}, {"snapshots": 17}, ["13 → 17 snapshots"]),
        (
            {"snapshots": {"per_epoch": 1}},
            {"snapshots": {"per_epoch": 2}},
            ["snapshots.per_epoch: 1 → 2"],
        ),
        ({"snapshot": 12}, {"snapshot": 16}, ["last snapshot: 12 → 16"]),
        ({"film": {"version": "6"}}, {"film": {"version": "7"}}, ["the system's ffmpeg: 6 → 7"]),
        # The pages of a run show its settings as they are in the config.
        (
            {"title": "One", "snapshots": 2, "shown": {"title": "One", "dataset": {"seed": 0}}},
            {"title": "Two", "snapshots": 2, "shown": {"title": "Two", "dataset": {"seed": 1}}},
            ["title: One → Two", "datasets.words.seed: 0 → 1"],
        ),
    ],
)
def test_a_setting_has_its_config_key(before, after, words):
    assert of_settings(before, after) == words


@pytest.mark.parametrize(
    "before, after, words",
    [
        (
            {"training": {"optimizer": {"name": "adam", "eps": 1e-8}}},
            {"training": {"optimizer": {"name": "sgd", "momentum": 0.9}}},
            ["training.optimizer.name: adam → sgd"],
        ),
        (
            {"snapshots": {"schedule": "log", "per_decade": 3}},
            {"snapshots": {"schedule": "uniform", "per_epoch": 3}},
            ["snapshots.schedule: log → uniform"],
        ),
        # Only an object's own name selects its other keys.
        (
            {"training": {"schedule": {"name": "constant"}, "batch_size": 2}},
            {"training": {"schedule": {"name": "plateau", "steps": 5}, "batch_size": 3}},
            ["training.schedule.name: constant → plateau", "training.batch_size: 2 → 3"],
        ),
        # Keys that a stage reads only because of another setting.
        (
            {"film": {"pace": "even", "seconds_per_snapshot": 1, "crf": 20}},
            {"film": {"pace": "change", "seconds": 20, "crf": 21}, "data": {"experiment": "words"}},
            ["film.pace: even → change", "film.crf: 20 → 21"],
        ),
        # They are named if nothing else explains them, and if they are the user's.
        ({"film": {}}, {"film": {"crf": 21}}, ["film.crf: – → 21"]),
        (
            {"network": {"name": "own", "a": 1}},
            {"network": {"name": "own", "a": 2, "b": 3}},
            ["network.a: 1 → 2", "network.b: – → 3"],
        ),
    ],
)
def test_what_follows_from_another_setting_is_not_named(before, after, words):
    assert of_settings(before, after) == words


def test_segments_paced_by_change_depend_on_the_number_of_snapshots():
    stages = STAGE | {"snapshots": 13}, STAGE | {"snapshots": 17}
    assert reasons.changes(*stages, WORDS) == (["13 → 17 snapshots"], [])


def test_another_dataset_is_one_change():
    settings = ({"data": {"settings": {"noise": n}}, "examples": {"test": n}} for n in (1, 2))
    whole = reasons.Whole("words", before="digits")
    assert of_settings(*settings, whole) == ["dataset: digits → words"]


@pytest.mark.parametrize(
    "part, total, words",
    [
        ((0, 3, 4), 4, "datasets.words.test: 3 → 4"),
        ((0, 4, 3), 3, "datasets.words.test: 4 → 3"),
        ((8, 3, 8), 30, "datasets.words.test: 11 → 30"),
        # A full shard may have been followed by others.
        ((0, 8, 3), 3, "datasets.words.test: … → 3"),
        ((0, 6, 4), 12, "datasets.words.examples_per_shard changed"),
    ],
)
def test_the_size_of_a_shard_is_not_one_of_snapshots(part, total, words):
    first, *counts = part
    stages = ({**STAGE, "first": first, "count": count, "split": "test"} for count in counts)
    assert reasons.changes(*stages, reasons.Whole("words", total, size=8)) == ([words], [])


def changed(**settings) -> SimpleNamespace:
    both = (
        {"settings": value, "versions": {}, "code": "", "reads": {}} for value in settings.values()
    )
    before, after = ({repr(reasons.json.dumps(each))} for each in both)
    return SimpleNamespace(only_old=before, only_new=after)


def reasons_of(command, *jobs: SimpleNamespace) -> list[str]:
    """Return the last column of the table of a dry run."""
    return [
        line.split("one", 1)[1].strip() for line in begun(command, *jobs, dryrun=True).end()[1:-1]
    ]


def test_a_change_is_named_of_jobs_that_follow_others(command):
    first = made_job("train", "00000", change=changed(before={"seed": 1}, after={"seed": 2}))
    of_film = changed(before={"title": "One"}, after={"title": "Two"})
    later = made_job("encode", change=of_film)
    assert reasons_of(command, first, later) == ["seed: 1 → 2", "title: One → Two"]


def test_the_time_of_an_input_that_a_setting_adds_says_nothing(command):
    pace = changed(before={"film": {"pace": "even"}}, after={"film": {"pace": "change"}})
    job = made_job("train", "00000", change=pace, reads=("metrics",), updated_input=("metrics",))
    assert reasons_of(command, job) == ["film.pace: even → change"]


@pytest.mark.parametrize(
    "before, words", [(["metrics"], "metrics changed"), ([], "inputs: + metrics")]
)
def test_an_input_that_no_setting_explains_is_named(command, before, words):
    record = {"input": before}
    job = made_job("train", record=record, reads=("metrics",), updated_input=("metrics",))
    assert reasons_of(command, job) == [words]


def test_an_added_input_that_is_made_now_is_followed(command):
    train = made_job("train", "00000", missing_output=["x"])
    later = made_job("encode", record={"input": []}, reads=tuple(train.output), input_changed=True)
    assert reasons_of(command, train, later) == ["missing", "follows train"]


def test_different_reasons_of_one_stage_are_all_shown(command):
    jobs = made_job("evaluate", "00000", missing_output=["x"]), made_job("evaluate", "00001")
    train = made_job("train", "00000", missing_output=["x"])
    assert reasons_of(command, train, *jobs) == ["missing", "missing; follows train"]


def test_blocks_of_another_size_are_one_change(command):
    change = changed(before={"title": "One"}, after={"title": "One"})
    record = {"log": ["results/one/logs/train/00000.log"]}
    job = made_job("train", "0000", change=change, record=record)
    assert reasons_of(command, job) == ["snapshots_per_block: 10 → 100"]


def test_a_command_says_once_what_changed(command):
    change = changed(before={"seed": 1}, after={"seed": 2})
    blocks = [made_job("train", block, change=change) for block in ("00000", "00001")]
    made = begun(command, *blocks, made_job("encode", missing_output=["x"]))
    assert made.end() == ["train: seed: 1 → 2"]


def test_a_command_says_a_change_of_several_stages_once(command):
    first = changed(before={"title": "One"}, after={"title": "Two"})
    second = changed(
        before={"title": "One", "film": {"crf": 20}}, after={"title": "Two", "film": {"crf": 21}}
    )
    made = begun(command, made_job("train", change=first), made_job("encode", change=second))
    assert made.end() == ["train: title: One → Two", "encode: film.crf: 20 → 21"]


def test_a_first_run_explains_nothing(command):
    assert begun(command, made_job("train", "00000", missing_output=["x"])).end() == []


def test_a_dry_run_is_a_table_of_stages_and_reasons(command):
    change = changed(before={"seed": 1}, after={"seed": 2})
    jobs = made_job("train", "00000", change=change), made_job("encode")
    assert begun(command, *jobs, dryrun=True).end() == [
        "stage   jobs  run  reason",
        "train      1  one  seed: 1 → 2",
        "encode     1  one  follows train",
        "2 jobs would run; --verbose lists them",
    ]


# -- Metrics in words


@pytest.mark.parametrize(
    "metric, values, words",
    [
        (Metric("Digit accuracy", unit="%"), (0.099, 0.998), "digit accuracy 9.9 → 99.8 %"),
        (Metric("MAE", unit="px"), (2.0,), "MAE 2 px"),
        (Metric("Loss"), (2.3456, 0.1234), "loss 2.35 → 0.123"),
    ],
)
def test_a_metric_in_words(metric, values, words):
    assert declared_metrics.in_words(metric, *values) == words


def test_the_main_metric_is_the_accuracy_or_the_first():
    declared = declared_metrics.Metrics({"error": Metric("Error")})
    assert declared_metrics.main_metric(["loss", "accuracy"], declared) == "accuracy"
    assert declared_metrics.main_metric(["loss", "error"], declared) == "error"
    assert declared_metrics.main_metric(["loss"], declared) == "loss"
    assert declared_metrics.main_metric([], declared) is None
