"""Write a run's film so far, results/RUN/preview.mp4, even while Snakemake is running."""

from collections.abc import Mapping
from typing import Any

from epochreel.artifacts import frames
from epochreel.core.errors import UserError
from epochreel.core.log import NOTICE, log
from epochreel.film.encode import encode_film
from epochreel.film.timing import RATE, Timeline, frames_per_snapshot, frames_to_share
from epochreel.plan.plan import Plan
from epochreel.runtime import command


def preview(plan: Plan, name: str) -> None:
    """Encode the frames before the first one that is missing or stale, at an even pace.

    Raises `UserError` if the config has no run of this name, if the run has no frame yet, or if its
    list of steps has changed.
    """
    run = plan.run(name)
    run.check_steps()
    paths, target = run.files.of("frames"), f"results/{run.name}/preview.mp4"
    size, key_digest = (run.figure["width"], run.figure["height"]), run.key_digest("render")
    film, pace = run.settings["film"], _film_frames(run.settings["film"], len(paths))
    count, wrong = frames.leading(paths, size, key_digest)
    while count:
        sequence = frames.FrameSequence(paths[:count], size, drawn={"render": key_digest})
        try:
            times, title = Timeline([pace] * count), f"{run.settings['title']} (preview)"
            encode_film(sequence, times, target, film, title, key_digest)
            break
        except UserError:
            # A job of the run may have deleted a frame that it is about to draw again.
            previous, (count, wrong) = count, frames.leading(paths[:count], size, key_digest)
            if count == previous:
                raise
    else:
        raise UserError(f"run '{run.name}' has no current frames yet: {wrong}")
    counts = count, len(paths), times.length / RATE, f" ({wrong})" if wrong else ""
    log.log(NOTICE, "%s: %d of %d snapshots, %.1f s%s", target, *counts)


def _film_frames(film: Mapping[str, Any], snapshots: int) -> int:
    """Return the number of film frames for which the preview shows each snapshot.

    A film with `pace: change` can be timed only after its last snapshot, so the preview divides its
    length equally.
    """
    if film["pace"] == "even":
        return frames_per_snapshot(film)
    most = round(RATE * film["max_seconds_per_snapshot"])
    return max(min(frames_to_share(film) // snapshots, most), 1)


if __name__ == "__main__":
    options = command.options(__doc__, run="name of a run in the config")
    with command.command():
        preview(Plan.read(options.configfile, options.config), options.run)
