"""Write the film so far of a run, results/RUN/preview.mp4, also while it is being made."""

from epochreel.artifacts import frames
from epochreel.core.errors import UserError
from epochreel.core.log import NOTICE, log
from epochreel.film.encode import encode_film
from epochreel.film.timing import film_length
from epochreel.plan.plan import Plan
from epochreel.runtime import command


def preview(plan: Plan, name: str) -> None:
    """Encode the frames before the first that is missing or not current, at an even pace.

    Raises `UserError` if the config has no run of this name, or if it has no frame yet.
    """
    run = plan.run(name)
    paths, target = run.files.of("frames"), f"results/{run.name}/preview.mp4"
    size, key_digest = (run.figure["width"], run.figure["height"]), run.key_digest("render")
    film = run.settings["film"] | {"hold_seconds": 0}
    count, wrong = frames.leading(paths, size, key_digest)
    while count:
        sequence = frames.FrameSequence(paths[:count], size, drawn={"render": key_digest})
        try:
            encode_film(sequence, target, film, f"{run.settings['title']} (preview)", key_digest)
            break
        except UserError:
            # A job of the run may have deleted a frame that it is about to draw again.
            previous, (count, wrong) = count, frames.leading(paths[:count], size, key_digest)
            if count == previous:
                raise
    else:
        raise UserError(f"run '{run.name}' has no current frames yet: {wrong}")
    seconds, reason = float(film_length(count, film)), f" ({wrong})" if wrong else ""
    counts = count, len(paths), seconds, reason
    log.log(NOTICE, "%s: %d of %d snapshots, %.1f s%s", target, *counts)


if __name__ == "__main__":
    options = command.options(__doc__, run="name of a run in the config")
    with command.command():
        preview(Plan.read(options.configfile, options.config), options.run)
