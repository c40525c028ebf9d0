"""Films: which inputs are refused, what the file guarantees, and what the decoded film shows."""

import os
import re
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import psutil
import pytest
from PIL import Image
from tools import install_ffmpeg, refusal

from epochreel.artifacts import frames as frame_files
from epochreel.core.errors import UserError
from epochreel.film import encode, ffmpeg, timing
from epochreel.formats import png, video

SIZE = (64, 48)
FILM = {
    "seconds_per_snapshot": 1 / 24,
    "opening_seconds": 0,
    "hold_seconds": 0.5,
    "closing_seconds": 0,
    "crf": 12,
    "preset": "veryfast",
    "threads": 2,
    "keyframe_seconds": 1,
    "pace": "even",
    "ffmpeg": "bundled",
    "webm_codec": "vp9",
    "gif_width": 32,
    "gif_frames_per_second": 12,
    "poster": 1.0,
}
TITLE = "The sheet transcriber"
MADE = "0f" * 32
COUNT = 6


def picture(number: int, size=SIZE) -> np.ndarray:
    """Return a flat grey that encodes the number, with a stripe of colour."""
    pixels = np.full((size[1], size[0], 3), 20 + 30 * number, np.uint8)
    pixels[: size[1] // 4] = (200, 30, 60)
    return pixels


@pytest.fixture
def frames(tmp_path) -> list[Path]:
    paths = [tmp_path / "frames" / f"{k:06d}.png" for k in range(COUNT)]
    paths[0].parent.mkdir()
    for number, path in enumerate(paths):
        path.write_bytes(png.encode(picture(number)))
    return paths


@pytest.fixture
def transitions(tmp_path) -> list[Path]:
    """Write two pictures that lead to each frame, in the greys of numbers 6 and 7."""
    paths = [tmp_path / "transitions" / f"{k:06d}.png" for k in range(COUNT)]
    paths[0].parent.mkdir()
    for path in paths:
        path.write_bytes(png.encode_series([picture(6), picture(7)], timing.RATE))
    return paths


def sequence(frames, transitions=()) -> frame_files.FrameSequence:
    return frame_files.FrameSequence(frames, SIZE, transitions)


def film(frames, target, title=TITLE, transitions=(), times=None, **changes) -> Path:
    shown = sequence(frames, transitions), times or even(frames, changes)
    encode.encode_film(*shown, target, FILM | changes, title, MADE)
    return target


def webm(frames, target, transitions=(), times=None, **changes) -> Path:
    shown = sequence(frames, transitions), times or even(frames, changes)
    encode.encode_film(*shown, target, FILM | changes, TITLE, MADE, "webm")
    return target


def gif(frames, target, transitions=(), times=None, **changes) -> Path:
    shown = sequence(frames, transitions), times or even(frames, changes)
    encode.encode_gif(*shown, target, FILM | changes)
    return target


def even(frames, changes) -> timing.Timeline | None:
    return timing.even(len(frames), FILM | changes) if frames else None


def ask(*words: str | Path) -> subprocess.CompletedProcess:
    return subprocess.run([ffmpeg.ffmpeg_path(FILM), "-hide_banner", *words], capture_output=True)


def about(path: Path) -> str:
    return ask("-i", path).stderr.decode()


def decoded(path: Path, size=SIZE) -> np.ndarray:
    """Return the pictures of a film as RGB, decoded by BT.709: (frames, H, W, 3)."""
    matrix = "scale=in_color_matrix=bt709:in_range=tv:flags=accurate_rnd+full_chroma_int"
    pixels = ask("-i", path, "-vf", matrix, "-f", "rawvideo", "-pix_fmt", "rgb24", "-").stdout
    return np.frombuffer(pixels, np.uint8).reshape(-1, size[1], size[0], 3)


def shown(pictures: np.ndarray) -> list[int]:
    """Return the numbers that the pictures' greys encode."""
    height = pictures.shape[1]
    greys = pictures[:, height // 2 :, :, :].mean((1, 2, 3))
    return [round((grey - 20) / 30) for grey in greys]


# What the film shows


@pytest.mark.parametrize("seconds", ["1/24", "2/24", "7/24", 1])
@pytest.mark.parametrize("hold", [0, 0.5])
def test_each_snapshot_is_shown_for_its_time_and_the_last_one_is_held(
    frames, tmp_path, seconds, hold
):
    made = film(frames, tmp_path / "a.mp4", seconds_per_snapshot=seconds, hold_seconds=hold)
    each = timing.frames_per_snapshot({"seconds_per_snapshot": seconds})
    expected = [k for k in range(COUNT) for _ in range(each)] + [COUNT - 1] * round(24 * hold)
    assert shown(decoded(made)) == expected


@pytest.mark.parametrize("make", [film, webm])
def test_transitions_use_the_end_of_the_previous_snapshots_time(
    frames, transitions, tmp_path, make
):
    made = make(
        frames, tmp_path / "a", transitions=transitions, seconds_per_snapshot=5 / 24, hold_seconds=0
    )
    last = COUNT - 1
    expected = [n for k in range(last) for n in (k, k, k, 6, 7)] + [last] * 5
    assert shown(decoded(made)) == expected


def test_the_gif_shows_transitions_too(frames, transitions, tmp_path):
    pace = {"seconds_per_snapshot": 4 / 24, "hold_seconds": 0}
    made = gif(frames, tmp_path / "a.gif", transitions=transitions, **pace)
    assert {6, 7} & set(shown(decoded(made, (32, 24))))


@pytest.mark.parametrize(
    ("harm", "words"),
    [
        (lambda path: path.unlink(), "transitions 3, .*000003.png, is missing: run: snakemake"),
        (lambda path: path.write_bytes(path.read_bytes()[:99]), "is truncated: delete it and run"),
    ],
)
def test_a_bad_transition_is_reported_with_the_command_that_repairs_it(
    frames, transitions, tmp_path, harm, words
):
    harm(transitions[3])
    with pytest.raises(UserError, match=words):
        film(frames, tmp_path / "a.mp4", transitions=transitions, seconds_per_snapshot=0.25)


@pytest.mark.parametrize("make", [film, webm])
def test_each_snapshot_has_its_own_time_with_the_tweens_that_fit(
    frames, transitions, tmp_path, make
):
    times = timing.Timeline([4, 1, 2, 3, 1, 5])
    made = make(frames, tmp_path / "a", transitions=transitions, times=times)
    expected = [0, 0, 6, 7, 1, 2, 7, 3, 6, 7, 4, 5, 5, 5, 5, 5]
    assert shown(decoded(made)) == expected


def test_the_film_has_the_announced_length(frames, tmp_path):
    made = film(frames, tmp_path / "a.mp4", seconds_per_snapshot=0.25, hold_seconds=1)
    assert "Duration: 00:00:02.50, start: 0.000000" in about(made)


def test_a_film_may_have_a_single_snapshot(frames, tmp_path):
    assert shown(decoded(film(frames[:1], tmp_path / "a.mp4", hold_seconds=0))) == [0]


@pytest.mark.parametrize("colour", [(200, 30, 60), (0, 114, 178), (213, 94, 0), (255, 255, 255)])
def test_colours_are_preserved(frames, tmp_path, colour):
    frames[0].write_bytes(png.encode(np.full((48, 64, 3), colour, np.uint8)))
    pixels = decoded(film(frames[:1], tmp_path / "a.mp4")).astype(int)
    assert np.abs(pixels - colour).max() <= 2


def test_the_luma_is_that_of_bt709_in_limited_range(frames, tmp_path):
    frames[0].write_bytes(png.encode(np.full((48, 64, 3), (0, 255, 0), np.uint8)))
    made = film(frames[:1], tmp_path / "a.mp4")
    luma = ask("-i", made, "-f", "rawvideo", "-pix_fmt", "yuv420p", "-").stdout[: 64 * 48]
    assert abs(np.frombuffer(luma, np.uint8) - (16 + 219 * 0.7152)).max() <= 1


# What the file guarantees


@pytest.mark.parametrize("preset", ["ultrafast", "veryfast", "slow"])
def test_the_film_is_in_the_format_that_players_expect(frames, tmp_path, preset):
    said = about(film(frames, tmp_path / "a.mp4", preset=preset))
    assert "h264 (High) (avc1" in said
    assert "yuv420p(tv, bt709, progressive), 64x48" in said
    assert "24 fps" in said


def test_the_index_comes_before_the_pictures(frames, tmp_path):
    data = film(frames, tmp_path / "a.mp4").read_bytes()
    assert 0 < data.index(b"moov") < data.index(b"mdat")


def test_the_film_ends_with_its_checksum_in_a_box_that_players_skip(frames, tmp_path):
    made = film(frames, tmp_path / "a.mp4")
    data, kinds, at = made.read_bytes(), [], 0
    while at < len(data):
        kinds.append(data[at + 4 : at + 8])
        at += int.from_bytes(data[at : at + 4])
    assert at == len(data) and kinds[-1] == b"free"
    video.check(made, MADE)


def test_ffmpeg_ignores_the_checksum_and_decodes_the_same_without_it(frames, tmp_path):
    made = film(frames, tmp_path / "a.mp4")
    video.copy_without(made, tmp_path / "bare.mp4")
    read = ("-v", "warning", "-i", made, "-c", "copy", "-movflags", "+faststart")
    copied = ask(*read, "-f", "mp4", tmp_path / "copy.mp4")
    sealed, bare, again = (
        ask("-v", "warning", "-i", tmp_path / name, "-f", "framemd5", "-")
        for name in ("a.mp4", "bare.mp4", "copy.mp4")
    )
    assert sealed.stdout == bare.stdout == again.stdout and sealed.stdout.count(b"\n0,") == 18
    assert not (copied.stderr + sealed.stderr)


def test_matrix_primaries_and_transfer_are_each_recorded(frames, tmp_path):
    data = film(frames, tmp_path / "a.mp4").read_bytes()
    at = data.index(b"colrnclx") + 8
    assert data[at : at + 7] == bytes([0, 1, 0, 1, 0, 1, 0])


@pytest.mark.parametrize("codec", ["av1", "vp9"])
def test_webm_has_the_same_colours_size_and_tags(frames, tmp_path, codec):
    said = about(webm(frames, tmp_path / "a.webm", webm_codec=codec))
    assert re.search(rf"{codec} .*, yuv420p\(tv, bt709, progressive\), 64x48", said)
    assert re.search(rf"title +: {TITLE}\n", said) and re.search(rf"COMMENT +: {MADE}\n", said)


@pytest.mark.parametrize("codec", ["av1", "vp9"])
def test_webm_shows_the_same_snapshots(frames, tmp_path, codec):
    made = webm(frames, tmp_path / "a.webm", webm_codec=codec, seconds_per_snapshot="3/24")
    assert shown(decoded(made)) == [k for k in range(COUNT) for _ in range(3)] + [COUNT - 1] * 12


def test_the_gif_shows_every_snapshot_at_half_the_rate(frames, tmp_path):
    with Image.open(gif(frames, tmp_path / "a.gif", seconds_per_snapshot="2/24")) as image:
        lasted = [image.seek(k) or image.info["duration"] for k in range(image.n_frames)]
        assert (image.size, image.info["loop"], sum(lasted)) == ((32, 24), 0, 1000)
    pixels = decoded(tmp_path / "a.gif", (32, 24))
    assert shown(pixels) == [0, 1, 2, 3, 4, 5, 5, 5, 5, 5, 5, 5]


@pytest.mark.parametrize("make", [film, webm, gif])
def test_the_same_frames_give_the_same_bytes_even_on_one_core(frames, tmp_path, make):
    first = make(frames, tmp_path / "a").read_bytes()
    cores = os.sched_getaffinity(0)
    os.sched_setaffinity(0, {min(cores)})
    try:
        assert make(frames, tmp_path / "elsewhere" / "b").read_bytes() == first
    finally:
        os.sched_setaffinity(0, cores)


def test_the_settings_and_not_the_machine_set_the_threads_of_x264(frames, tmp_path):
    assert b" threads=3 " in film(frames, tmp_path / "a.mp4", threads=3).read_bytes()


@pytest.mark.parametrize("make", [film, webm, gif])
def test_the_film_contains_no_time_and_no_version(frames, tmp_path, make):
    made = make(frames, tmp_path / "a")
    assert not re.search("creation_time|[12][0-9]{3}-[01][0-9]-", about(made))
    assert not re.search(rb"Lav[cf]\d", made.read_bytes())


@pytest.mark.parametrize(
    "title",
    [
        TITLE,
        'it\'s "so": a=b, [c];d|e',
        "-i /etc/passwd",
        "Zürich → 数字 🎬",
        "one\ntwo\\",
        "$(id) `id` %d",
        "",
    ],
)
def test_any_title_is_preserved(frames, tmp_path, title):
    made = film(frames, tmp_path / "a.mp4", title=title)
    data = made.read_bytes()
    assert title.encode() in data and MADE.encode() in data[data.index(b"ilst") :]
    assert shown(decoded(made))[:COUNT] == list(range(COUNT))


def test_characters_that_no_argument_can_contain_are_replaced(frames, tmp_path):
    assert b"a ?b" in film(frames, tmp_path / "a.mp4", title="a\0\ud800b").read_bytes()


@pytest.mark.parametrize("name", ["-y.mp4", "http:x.mp4", "%06d.mp4", "a b'c.mp4", "pipe:1"])
@pytest.mark.parametrize("make", [film, gif])
def test_any_file_name_works_and_no_other_file_is_written(
    frames, tmp_path, monkeypatch, name, make
):
    monkeypatch.chdir(tmp_path)
    make(frames, Path(name))
    assert sorted(os.listdir()) == sorted([name, "frames"])


# Refused inputs


def remove(frames):
    frames[3].unlink()


def leave_out(frames):
    del frames[3]


def empty(frames):
    frames[3].write_bytes(b"")


def truncate(frames):
    frames[3].write_bytes(frames[3].read_bytes()[:-20])


def resize(frames):
    frames[3].write_bytes(png.encode(picture(3, (64, 50))))


def reorder(frames):
    frames[3], frames[4] = frames[4], frames[3]


def repeat(frames):
    frames.insert(3, frames[2])


def make_grey(frames):
    frames[3].write_bytes(png.encode(picture(3)[..., 0]))


def make_text(frames):
    frames[3].write_text("not found")


def lengthen(frames):
    frames[3].write_bytes(frames[3].read_bytes() * 2)


def swap(frames):
    for path, other in ((frames[3], 4), (frames[4], 3)):
        path.write_bytes(numbered(other))


def numbered(number: int) -> bytes:
    """Return a frame with its number in its metadata, as drawn frames have it."""
    data = png.encode(picture(number))
    return data[:33] + png._chunk(b"tEXt", b"Snapshot\0%d" % number) + data[33:]


@pytest.mark.parametrize(
    "harm",
    [
        remove,
        leave_out,
        empty,
        truncate,
        resize,
        reorder,
        repeat,
        make_grey,
        make_text,
        lengthen,
        swap,
    ],
)
@pytest.mark.parametrize("make", [film, webm, gif])
def test_a_bad_frame_is_reported_with_its_repair_and_no_film_is_left(frames, tmp_path, harm, make):
    mend, target = f"run: snakemake {frames[3]}", tmp_path / "a.film"
    harm(frames)
    with pytest.raises(UserError, match=r"^frame 3\b.*000003.png") as refused:
        make(frames, target)
    assert str(refused.value).endswith(mend) and "\n" not in str(refused.value)
    assert os.listdir(tmp_path) == ["frames"]


def test_a_frame_with_its_own_number_is_accepted(frames, tmp_path):
    for number, path in enumerate(frames):
        path.write_bytes(numbered(number))
    assert shown(decoded(film(frames, tmp_path / "a.mp4")))[:COUNT] == list(range(COUNT))


def test_every_flipped_byte_of_a_frame_is_detected(frames):
    whole = frames[3].read_bytes()
    for at in range(len(whole)):
        frames[3].write_bytes(whole[:at] + bytes([whole[at] ^ 0x10]) + whole[at + 1 :])
        with pytest.raises(UserError, match=r"^frame 3, .*: delete it and run: "):
            frame_files.check_frames(frames, SIZE)


def test_a_frame_truncated_anywhere_is_detected(frames):
    whole = frames[3].read_bytes()
    for length in range(len(whole)):
        frames[3].write_bytes(whole[:length])
        with pytest.raises(UserError, match=r"^frame 3, "):
            frame_files.check_frames(frames, SIZE)


@pytest.mark.parametrize("make", [film, webm, gif])
@pytest.mark.parametrize("harm", [lambda body: body[:-30], lambda body: body[:-1] + b"?"])
def test_a_valid_png_whose_pixels_do_not_decompress_is_refused(frames, tmp_path, make, harm):
    data = png.encode(picture(3))
    body = png._chunk(b"IDAT", harm(data[41:-16]))
    frames[3].write_bytes(data[:33] + body + png._END)
    with pytest.raises(UserError, match=r"^frame 3, .*, has damaged pixels: delete it and run: "):
        make(frames, tmp_path / "a.mp4")
    assert os.listdir(tmp_path) == ["frames"]


def test_a_film_without_frames_is_refused(tmp_path):
    with pytest.raises(UserError, match="at least one frame"):
        film([], tmp_path / "a.mp4")


def test_an_odd_size_is_refused(frames):
    with pytest.raises(UserError, match="the film is 63 × 48 px; expected an even width"):
        frame_files.check_frames(frames, (63, 48))


def test_a_film_with_an_unexpected_number_of_frames_is_refused(frames, tmp_path, monkeypatch):
    monkeypatch.setattr(encode, "count_frames", lambda *_: 17)
    with pytest.raises(UserError, match="decodes to 17 frames; expected 18"):
        film(frames, tmp_path / "a.mp4")
    assert os.listdir(tmp_path) == ["frames"]


def test_counting_the_frames_of_a_damaged_film_fails(frames, tmp_path):
    made = film(frames, tmp_path / "a.mp4")
    data = bytearray(made.read_bytes())
    at = data.index(b"mdat")
    data[at + 800 :: 7] = bytes(len(data[at + 800 :: 7]))
    made.write_bytes(data)
    with pytest.raises(UserError, match=r"a\.mp4"):
        encode.count_frames(made, FILM)


def test_an_older_film_survives_a_failed_attempt(frames, tmp_path):
    made = film(frames, tmp_path / "a.mp4")
    before = made.read_bytes()
    frames[0].unlink()
    with pytest.raises(UserError):
        film(frames, made)
    assert made.read_bytes() == before


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs /dev/full")
def test_a_full_disk_is_reported(frames, tmp_path):
    command = [ffmpeg.ffmpeg_path(FILM), "-v", "error", "-y", "-f", "image2pipe", "-i", "pipe:0"]
    with pytest.raises(UserError, match=r"^a.mp4: ffmpeg stopped: .*No space left"):
        ffmpeg.run(
            [*command, "-f", "rawvideo", "/dev/full"],
            "a.mp4",
            [path.read_bytes() for path in frames],
        )


def test_a_killed_ffmpeg_is_reported_with_its_signal():
    with pytest.raises(UserError, match=r"^a\.mp4: ffmpeg stopped: killed by SIGXFSZ$"):
        ffmpeg.run(["sh", "-c", "kill -XFSZ $$"], "a.mp4")


@pytest.mark.skipif(sys.platform != "linux", reason="the kernel's help is Linux's")
def test_ffmpeg_ends_with_the_process_that_started_it():
    endless = "from epochreel.film import ffmpeg; ffmpeg.run(['sleep', '600'], 'a')"
    path = os.pathsep.join(sys.path)
    job = subprocess.Popen([sys.executable, "-c", endless], env=os.environ | {"PYTHONPATH": path})
    while not (children := psutil.Process(job.pid).children()):
        assert job.poll() is None
        time.sleep(0.02)
    job.kill()
    job.wait()
    assert ends(children[0])


def ends(process: psutil.Process) -> bool:
    """Check that `process` ends by itself; kill it after ten seconds."""
    for _ in range(500):
        if not process.is_running() or process.status() == psutil.STATUS_ZOMBIE:
            return True
        time.sleep(0.02)
    process.kill()
    return False


# ffmpeg succeeds by its exit status and its film


@pytest.fixture
def install(tmp_path, monkeypatch):
    """Return the function that installs a system's ffmpeg."""
    monkeypatch.setenv("PATH", f"{tmp_path / 'bin'}:/usr/bin:/bin")
    ffmpeg._version_line.cache_clear()
    ffmpeg._missing.cache_clear()
    return lambda *words, **more: install_ffmpeg(tmp_path / "bin/ffmpeg", *words, **more)


def when_encoding(commands: str) -> str:
    """Return shell commands that run only in the ffmpeg that encodes; $film is its target."""
    last = 'for film; do :; done; film="${film#file:}"'
    return f'case "$*" in *pipe:0*) {last}; {commands};; esac'


NOISE = "printf 'ld.so: cannot be preloaded: ignored\\n\\377\\033[2J\\n' >&2"


@pytest.mark.parametrize("make", [film, webm, gif])
def test_other_lines_on_standard_error_are_one_warning(frames, tmp_path, install, caplog, make):
    install("9.9", NOISE)
    ffmpeg._warn_once.cache_clear()
    made = make(frames, tmp_path / "a", ffmpeg="system").read_bytes()
    assert made == make(frames, tmp_path / "b").read_bytes()
    (warning,) = (record for record in caplog.records if record.levelname == "WARNING")
    assert "ffmpeg: ld.so: cannot be preloaded" in warning.getMessage()
    assert "\033" not in caplog.text


@pytest.mark.parametrize(
    ("commands", "words"),
    [
        ('cat short > "$film"', "the film decodes to 5 frames; expected 18"),
        ('head -c 1000 good > "$film"', "ffmpeg stopped: "),
        ('head -c -300 good > "$film"', "ffmpeg stopped: "),
        (':> "$film"', "ffmpeg stopped: "),
        (":", "ffmpeg stopped: "),
        ('cat small > "$film"', "it is 32 × 24 px; expected 64 × 48 px"),
    ],
)
def test_a_film_that_is_not_as_asked_is_refused(
    frames, tmp_path, install, monkeypatch, commands, words
):
    monkeypatch.chdir(tmp_path)
    film(frames, tmp_path / "good")
    film(frames[:5], tmp_path / "short", hold_seconds=0)
    ask("-i", "good", "-vf", "scale=32:24", "-f", "mp4", "small")
    complaint = 'echo "[x @ 0x5] [error] all is lost" >&2'
    install("9.9", f"{NOISE}; {when_encoding(f'{complaint}; {commands}; exit 0')}")
    line = refusal(film, frames, tmp_path / "a.mp4", ffmpeg="system")
    assert words in line and " (ffmpeg: all is lost): run again: snakemake " in line
    assert not (tmp_path / "a.mp4").exists()


@pytest.mark.parametrize(
    ("commands", "reason"),
    [
        ("exit 3", "exit status 3"),
        (f"{NOISE}; exit 3", "exit status 3 (ld.so: cannot be preloaded: ignored)"),
        (f"{NOISE}; echo '[a @ 0x5] [error] no space' >&2; exit 3", "no space"),
        ("kill -9 $$", "killed by SIGKILL"),
        ("kill -40 $$", "killed by signal 40"),
        (f"{NOISE}; kill -9 $$", "killed by SIGKILL (ld.so: cannot be preloaded: ignored)"),
    ],
)
def test_a_failure_is_reported_with_its_reason(commands, reason):
    command = ["sh", "-c", commands]
    assert refusal(ffmpeg.run, command, "a.mp4") == f"a.mp4: ffmpeg stopped: {reason}"


def test_an_ffmpeg_that_cannot_be_started_is_refused(tmp_path):
    (tmp_path / "ffmpeg").write_bytes(b"\x7fELF")
    (tmp_path / "ffmpeg").chmod(0o755)
    line = refusal(ffmpeg.run, [str(tmp_path / "ffmpeg")], "a.mp4")
    assert (
        line == f"{tmp_path / 'ffmpeg'} cannot be started (Exec format error): install ffmpeg again"
    )


def test_colours_in_messages_are_switched_off(monkeypatch):
    monkeypatch.setenv("AV_LOG_FORCE_COLOR", "1")
    command = [ffmpeg.ffmpeg_path(FILM), *ffmpeg.LOG_LEVEL, "-i", "none", "-f", "null", "-"]
    assert refusal(ffmpeg.run, command, "a").endswith(": No such file or directory")


FORMATS = [{}, {"crf": 16}, {"webm_codec": "vp9"}, {"webm_codec": "av1"}, {"gif_width": 64}]


@pytest.mark.parametrize("format_settings", FORMATS)
@pytest.mark.parametrize(
    "version",
    ["n4.4.2-0ubuntu0.22.04.1", "7.1", "N-109542-gabcdef", "2024-06-01-git-4d2bbc6-full_build"],
)
def test_any_ffmpeg_with_all_parts_is_accepted(install, version, format_settings):
    install(version, "echo a word on standard output; " + NOISE)
    line = ffmpeg.ffmpeg_version({"ffmpeg": "system", **format_settings})
    assert line == f"ffmpeg version {version} Copyright"


@pytest.mark.parametrize(
    ("lacks", "format_settings", "words"),
    [
        ("libx264", {"crf": 16}, "no encoder libx264; expected ffmpeg 4.4 or newer with it"),
        ("x264-params", {"crf": 16}, "no option x264-params of libx264; expected ffmpeg 4.4"),
        ("libvpx-vp9", {"webm_codec": "vp9"}, "no encoder libvpx-vp9"),
        ("svtav1-params", {"webm_codec": "av1"}, "no option svtav1-params of libsvtav1; "),
        (" trim", {"crf": 16}, "no filter trim; expected ffmpeg 4.4 or newer with it"),
        ("setts", {}, "no bitstream filter setts; expected ffmpeg 4.4 or newer with it"),
        (" palette", {"gif_width": 64}, "no filter palettegen, filter paletteuse; "),
    ],
)
def test_an_ffmpeg_that_lacks_a_part_is_refused(install, tmp_path, lacks, format_settings, words):
    install("4.1.9", after=f"grep -v -- '{lacks}'")
    line = refusal(ffmpeg.ffmpeg_version, {"ffmpeg": "system", **format_settings})
    assert line.startswith(f"{tmp_path / 'bin/ffmpeg'} (ffmpeg version 4.1.9) has {words}")
    assert line.endswith("install that, or set film.ffmpeg to bundled")


def test_parts_of_other_formats_are_not_needed(install):
    install("4.4.2", after="grep -v -- 'svtav1-params'")
    assert all(
        ffmpeg.ffmpeg_version({"ffmpeg": "system", **settings})
        for settings in FORMATS
        if settings != {"webm_codec": "av1"}
    )


@pytest.mark.parametrize("make", [film, webm, gif])
def test_films_use_no_option_that_ffmpeg_4_lacks(frames, tmp_path, install, make):
    install("4.4.2", 'case "$*" in *fps_mode*|*-vsync*) exit 1;; esac')
    make(frames, tmp_path / "a", ffmpeg="system")


# Poster and ffmpeg


@pytest.mark.parametrize(("place", "number"), [(0, 0), (0.5, 2), (1, 5)])
def test_the_poster_is_a_copy_of_its_frame(frames, tmp_path, place, number):
    encode.save_poster(sequence(frames), tmp_path / "poster.png", FILM | {"poster": place})
    assert (tmp_path / "poster.png").read_bytes() == frames[number].read_bytes()


def test_a_poster_position_beyond_the_film_is_refused(frames, tmp_path):
    with pytest.raises(UserError, match=r"poster is 1\.5"):
        encode.save_poster(sequence(frames), tmp_path / "a.png", FILM | {"poster": 1.5})


def test_a_damaged_poster_is_refused(frames, tmp_path):
    truncate(frames)
    with pytest.raises(UserError, match=r"frame 3, .* is truncated"):
        encode.save_poster(sequence(frames), tmp_path / "a.png", FILM | {"poster": 0.6})


def test_the_bundled_ffmpeg_is_used_whatever_the_environment_says(monkeypatch):
    before = ffmpeg.ffmpeg_path(FILM)
    monkeypatch.setenv("IMAGEIO_FFMPEG_EXE", "/bin/false")
    monkeypatch.setenv("PATH", "")
    assert ffmpeg.ffmpeg_path(FILM) == before
    assert "imageio_ffmpeg" in before and "/bin/false" not in before


def test_the_system_ffmpeg_is_the_one_in_path(monkeypatch, tmp_path):
    own = tmp_path / "ffmpeg"
    own.symlink_to(ffmpeg.ffmpeg_path(FILM))
    monkeypatch.setenv("PATH", str(tmp_path))
    assert ffmpeg.ffmpeg_path({"ffmpeg": "system"}) == str(own)
    assert ffmpeg.ffmpeg_version({"ffmpeg": "system"}).startswith("ffmpeg version ")


def test_a_missing_system_ffmpeg_is_reported_in_one_line(monkeypatch):
    monkeypatch.setenv("PATH", "")
    with pytest.raises(UserError, match=r"^ffmpeg: not found in PATH.*bundled$"):
        ffmpeg.ffmpeg_path({"ffmpeg": "system"})


def test_the_versions_of_ffmpeg_are_reported():
    assert ffmpeg.ffmpeg_line(FILM).startswith("ffmpeg version ")
    assert re.fullmatch(r"imageio-ffmpeg \d+\.\d+\.\d+", ffmpeg.ffmpeg_version(FILM))
