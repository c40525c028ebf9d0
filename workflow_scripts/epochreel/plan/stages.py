"""Declarations of the stages: what each runs, reads and makes, and what its result depends on.

Cache keys (`fingerprints`), the paths of a run (`run_files`), the manifest and the checks of
`verify` are derived from these declarations. A new stage requires a rule in rules/ (with its
`include` in the Snakefile), a script, an entry here with a function in `stage_settings` that
selects its settings, and a line in each cluster profile.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from operator import attrgetter
from pathlib import Path
from typing import Any

from epochreel.core.errors import UserError, shown
from epochreel.experiment_api import source_checks
from epochreel.experiment_api.loader import Experiment
from epochreel.plan import stage_settings
from epochreel.plan.run_settings import CLOSING, RunSettings
from epochreel.provenance.code_digest import LIBRARY

SCRIPTS = LIBRARY.parent
Condition = Callable[[RunSettings], bool]


@dataclass(frozen=True)
class Variant:
    """The settings of a run that decide which code and packages a stage loads."""

    is_stream: bool = False
    projection: str | None = None
    has_own_figure: bool = True

    @classmethod
    def of(cls, run: RunSettings) -> Variant:
        """Return the variant of a run."""
        return cls(run.dataset.is_stream, run.projection["name"], run.has_own_figure)


@dataclass(frozen=True)
class Dependencies:
    """What a stage loads besides its script.

    Files of the experiment, which must exist or are `optional`, packages, and modules of the
    library that are loaded by name.
    """

    files: tuple[str, ...] = ()
    optional: tuple[str, ...] = ()
    packages: tuple[str, ...] = ()
    modules: tuple[Path, ...] = ()


def _always(_run: RunSettings) -> bool:
    return True


@dataclass(frozen=True)
class Artifact:
    """Files made by a stage: one per snapshot, per block or per run.

    `path` is the path of the rule's output, with `{run}` and `{snapshot}` or `{block}`. Manifests
    list the files of runs for which `in_manifest` is true. Files with `carries_key` contain their
    cache key in their metadata.
    """

    kind: str
    path: str
    in_manifest: Condition = _always
    carries_key: bool = False


@dataclass(frozen=True)
class Stage:
    """One stage, named after its rule.

    rule          the rule in rules/
    settings      the settings of a run that the result depends on; None for a stage that only
                  copies, and for `generate_dataset`, which does not belong to a run
    needs         what the script loads for every run
    also          what it loads in addition, by the variant of the run
    reads         the stages whose artifacts it reads, if the run has them; reading the previous
                  block of the same stage does not count
    conditions    for a stage in `reads` that only some runs read: which runs these are
    makes         its artifacts; none for datasets and for results made on request
    exists        the runs that have this stage
    script        the script in workflow_scripts/, if it is not named after the rule
    function      an optional function of experiments, in the first of `needs.files`, that the stage
                  calls
    """

    rule: str
    settings: Callable[[RunSettings], dict[str, Any]] | None = None
    needs: Dependencies = Dependencies()
    also: Callable[[Variant], Dependencies] = lambda _variant: Dependencies()
    reads: tuple[str, ...] = ()
    conditions: Mapping[str, Condition] = field(default_factory=dict)
    makes: tuple[Artifact, ...] = ()
    exists: Condition = _always
    script: str = ""
    function: str | None = None

    def reads_if(self, stage: str) -> Condition:
        """Return a function that says for which runs this stage reads another."""
        return self.conditions.get(stage, _always)

    def files_of(self, experiment: Experiment, variant: Variant) -> list[Path]:
        """Return the stage's entry points: script, the experiment's files, modules loaded by name.

        Raises `UserError` if the experiment lacks a file or the function.
        """
        also = self.also(variant)
        experiment_files = [experiment.file(name) for name in (*self.needs.files, *also.files)]
        optional = [experiment.file(name) for name in self.needs.optional]
        files = [SCRIPTS / f"{self.script or self.rule}.py", *experiment_files]
        for file in files:
            if not file.is_file():
                what = f"its function {self.function}" if self.function else "it"
                raise UserError(
                    f"{shown(str(file), 500)} is missing: '{self.rule}' requires {what}"
                )
        if self.function and not source_checks.defines(experiment_files[0], self.function):
            raise UserError(
                f"{shown(str(experiment_files[0]), 500)} does not define {self.function}: "
                f"'{self.rule}' requires it"
            )
        return [*files, *(file for file in optional if file.is_file()), *also.modules]

    def packages_of(self, variant: Variant) -> tuple[str, ...]:
        """Return the packages whose versions the result depends on."""
        return self.needs.packages + self.also(variant).packages


_DRAWING = ("numpy", "pillow", "deflate", "isal", "pyarrow", "matplotlib")
_SAID = ("narration",)
_PROJECTING = ("numpy", "pyarrow", "numba", "llvmlite")
_TORCH = ("torch", "numpy", "safetensors", "pillow", "pyarrow")
_FFMPEG = ("imageio-ffmpeg", "ffmpeg-python")
_UMAP = ("scipy", "scikit-learn", "umap-learn", "pynndescent")
PROJECTIONS = {"causal": (), "linear": (), "umap_each": _UMAP, "aligned_umap": _UMAP}
"""The packages of each projection method, in addition to those of `project`."""


def _unbounded_data(variant: Variant) -> Dependencies:
    """Return the dependencies of an unbounded training set, which is drawn during training."""
    return (
        Dependencies(("data",), packages=("deflate", "isal", "matplotlib"))
        if variant.is_stream
        else Dependencies()
    )


def _method(variant: Variant) -> Dependencies:
    """Return the dependencies of the projection method, whose module is loaded by name."""
    if variant.projection is None:
        return Dependencies()
    module = LIBRARY / "projection" / "methods" / f"{variant.projection}.py"
    return Dependencies(packages=PROJECTIONS[variant.projection], modules=(module,))


def _figure(variant: Variant) -> Dependencies:
    """Return what arranges the panels: figure.py, or a module that is loaded by name."""
    if variant.has_own_figure:
        return Dependencies(("figure",))
    return Dependencies(modules=(LIBRARY / "drawing" / "panels" / "arrangement.py",))


def _never(_run: RunSettings) -> bool:
    return False


_FRAMES = ("generate_dataset", "train", "evaluate", "summarize", "project")
_SHOWN = {"train": attrgetter("shows_training")}
_FILM = ("render", "render_transitions", "timeline")
_CLOSING = ("render", "render_closing", "timeline")
_QUALITY = ("crf", "preset")
_PACE = {"timeline": attrgetter("is_paced_by_change")}
_DECLARED = (
    Stage("generate_dataset", needs=Dependencies(("data",), packages=_DRAWING)),
    Stage(
        "train",
        settings=stage_settings.train,
        needs=Dependencies(("model",), packages=_TORCH),
        also=_unbounded_data,
        reads=("generate_dataset",),
        conditions={
            "generate_dataset": lambda run: any(stage_settings.stored_examples(run).values())
        },
        makes=(
            Artifact(
                "checkpoints",
                "results/{run}/checkpoints/{snapshot}.safetensors",
                attrgetter("keeps_all"),
            ),
            Artifact(
                "checkpoint_index",
                "results/{run}/checkpoint_index/{block}.json",
                attrgetter("keeps_all"),
            ),
            Artifact("training", "results/{run}/training/{block}.parquet", carries_key=True),
        ),
    ),
    Stage(
        "describe_network",
        settings=stage_settings.describe_network,
        needs=Dependencies(("model",), packages=_TORCH),
        also=_unbounded_data,
        reads=("generate_dataset",),
        conditions={"generate_dataset": lambda run: not run.dataset.is_stream},
        makes=(Artifact("layers", "results/{run}/layers.parquet", carries_key=True),),
    ),
    Stage(
        "save_network",
        reads=("train",),
        makes=(Artifact("network", "results/{run}/network.safetensors"),),
    ),
    Stage(
        "evaluate",
        settings=stage_settings.evaluate,
        needs=Dependencies(("evaluation", "model"), packages=_TORCH),
        reads=("generate_dataset", "train"),
        makes=(
            Artifact(
                "evaluations", "results/{run}/evaluations/{snapshot}.parquet", carries_key=True
            ),
        ),
    ),
    Stage(
        "summarize",
        settings=stage_settings.summarize,
        needs=Dependencies(optional=_SAID, packages=("numpy", "pyarrow")),
        reads=("evaluate",),
        makes=(Artifact("metrics", "results/{run}/metrics/{block}.parquet", carries_key=True),),
    ),
    Stage(
        "fit_projection",
        settings=stage_settings.project,
        needs=Dependencies(("projection",), packages=_PROJECTING),
        also=_method,
        reads=("evaluate",),
        makes=(Artifact("fit", "results/{run}/projection.parquet", in_manifest=_never),),
        exists=attrgetter("has_fit"),
    ),
    Stage(
        "project",
        settings=stage_settings.project,
        needs=Dependencies(("projection",), packages=_PROJECTING),
        also=_method,
        reads=("evaluate", "fit_projection"),
        makes=(
            Artifact(
                "projections", "results/{run}/projections/{snapshot}.parquet", carries_key=True
            ),
        ),
        exists=attrgetter("projects"),
    ),
    Stage(
        "render",
        settings=stage_settings.render,
        needs=Dependencies((), _SAID, _DRAWING),
        also=_figure,
        reads=_FRAMES,
        conditions=_SHOWN,
        makes=(Artifact("frames", "results/{run}/frames/{snapshot}.png", carries_key=True),),
    ),
    Stage(
        "render_transitions",
        settings=stage_settings.render_transitions,
        needs=Dependencies((), _SAID, _DRAWING),
        also=_figure,
        reads=_FRAMES,
        conditions=_SHOWN,
        makes=(
            Artifact("transitions", "results/{run}/transitions/{snapshot}.png", carries_key=True),
        ),
        exists=attrgetter("has_transitions"),
    ),
    Stage(
        "render_closing",
        settings=stage_settings.render_closing,
        needs=Dependencies((), (*_SAID, "figure"), _DRAWING),
        reads=("generate_dataset", "evaluate", "summarize"),
        makes=(Artifact("closing", "results/{run}/closing.png", carries_key=True),),
        exists=attrgetter("has_closing"),
    ),
    Stage(
        "timeline",
        settings=stage_settings.timeline,
        needs=Dependencies(packages=("numpy", "pyarrow")),
        reads=("summarize",),
        conditions={"summarize": attrgetter("is_paced_by_change")},
        makes=(Artifact("timeline", "results/{run}/timeline.parquet", carries_key=True),),
    ),
    Stage(
        "encode_segment",
        settings=stage_settings.encode_segment(*_QUALITY),
        needs=Dependencies(packages=_FFMPEG),
        reads=_FILM,
        conditions=_PACE,
        makes=(Artifact("segments", "results/{run}/segments/{segment}.mp4"),),
    ),
    Stage(
        "encode_closing",
        settings=stage_settings.encode_closing(*_QUALITY),
        needs=Dependencies(packages=_FFMPEG),
        reads=_CLOSING,
        conditions=_PACE,
        makes=(Artifact("closing_segment", f"results/{{run}}/segments/{CLOSING}.mp4"),),
        exists=attrgetter("has_end_segment"),
        script="encode_segment",
    ),
    Stage(
        "encode",
        settings=stage_settings.encode,
        needs=Dependencies(packages=_FFMPEG),
        reads=("encode_segment", "encode_closing", "summarize", "timeline"),
        makes=(Artifact("film", "results/{run}/training.mp4"),),
    ),
    Stage(
        "save_poster",
        settings=stage_settings.film("poster"),
        reads=("render",),
        makes=(Artifact("report", "results/{run}/poster.png", _never),),
    ),
    Stage(
        "write_report",
        settings=stage_settings.write_report,
        needs=Dependencies(packages=("numpy", "pyarrow")),
        reads=("encode", "summarize"),
        makes=tuple(
            Artifact("report", f"results/{{run}}/report/{page}.html", _never)
            for page in ("film", "metrics", "settings")
        ),
    ),
    # The stages below run on request.
    Stage(
        "encode_webm_segment",
        settings=stage_settings.encode_segment("webm_codec"),
        needs=Dependencies(packages=_FFMPEG),
        reads=_FILM,
        conditions=_PACE,
        script="encode_segment",
    ),
    Stage(
        "encode_webm_closing",
        settings=stage_settings.encode_closing("webm_codec"),
        needs=Dependencies(packages=_FFMPEG),
        reads=_CLOSING,
        conditions=_PACE,
        exists=attrgetter("has_end_segment"),
        script="encode_segment",
    ),
    Stage(
        "encode_webm",
        settings=stage_settings.encode,
        needs=Dependencies(packages=_FFMPEG),
        reads=("encode_webm_segment", "encode_webm_closing", "summarize", "timeline"),
        script="encode",
    ),
    Stage(
        "encode_gif",
        settings=stage_settings.encode_gif,
        needs=Dependencies(packages=_FFMPEG),
        reads=(*_FILM, "render_closing"),
    ),
    Stage(
        "write_captions",
        settings=stage_settings.write_captions,
        needs=Dependencies(packages=("numpy", "pyarrow")),
        reads=("summarize", "timeline"),
    ),
    Stage(
        "cast",
        settings=stage_settings.cast,
        needs=Dependencies(("narration",), packages=("numpy", "pyarrow")),
        reads=("evaluate",),
        function="grades",
    ),
    Stage(
        "draw_loop",
        settings=stage_settings.picture,
        needs=Dependencies(("figure",), _SAID, _DRAWING),
        reads=("generate_dataset", "evaluate"),
        function="loops",
    ),
    Stage(
        "predict",
        settings=stage_settings.predict,
        needs=Dependencies(("inference", "model"), packages=(*_TORCH, "pandas")),
        reads=("train",),
    ),
    Stage(
        "draw_prediction",
        settings=stage_settings.predict,
        needs=Dependencies(
            ("inference", "model"), packages=(*_TORCH, "deflate", "isal", "matplotlib")
        ),
        reads=("train",),
        function="draw_prediction",
    ),
)
STAGES = {stage.rule: stage for stage in _DECLARED}


def artifacts_of(run: RunSettings) -> list[tuple[Stage, Artifact]]:
    """Return the artifacts in a run's manifest, each with its stage."""
    return [
        (stage, artifact)
        for stage in STAGES.values()
        if stage.exists(run)
        for artifact in stage.makes
        if artifact.in_manifest(run)
    ]


def stages_of(run: RunSettings) -> list[Stage]:
    """Return the stages that contribute to a run's artifacts, except those that only copy."""
    return [
        stage for stage in STAGES.values() if stage.makes and stage.settings and stage.exists(run)
    ]
