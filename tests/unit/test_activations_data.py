"""Images in classes: sketches, digits, clothes, and user folders."""

import gzip
import struct

import numpy as np
import pytest
from PIL import Image
from schema_paths import schema_of

from epochreel.config import schema
from epochreel.core import user_files
from epochreel.core.errors import UserError
from epochreel.experiments.activations import classes, data, idx, sketches

DEFAULTS = schema_of("activations")["data"]


def settings(**own):
    return schema.checked(own, DEFAULTS)


def generated(split="train", indices=range(4), seed=1, **own):
    return list(data.generate(settings(**own), seed, split, indices))


def pictures(folder, names, colour=100, count=4, size=(8, 8), kind="png"):
    """Write `count` pictures into each of these folders, each with its own grey level."""
    for name in names:
        (folder / name).mkdir(parents=True, exist_ok=True)
        for number in range(count):
            image = Image.new("L", size, colour + number)
            image.save(folder / name / f"{number}.{kind}", quality=100)
    return str(folder)


def greys(examples):
    return sorted(int(example["image"][0, 0]) for example in examples)


# -- Sketches ----------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", classes.SKETCHES)
def test_a_sketch_has_dark_lines_on_white(kind):
    image = sketches.draw(kind, np.random.default_rng(1), 64)
    assert image.shape == (64, 64)
    assert image.dtype == np.uint8
    assert 0.005 < (image < 128).mean() < 0.5
    assert np.median(image) == 255


def test_an_example_depends_only_on_seed_split_and_index():
    some, few = generated(indices=range(8), size=32), generated(indices=range(5, 8), size=32)
    assert all(
        (one["image"] == other["image"]).all() for one, other in zip(some[5:], few, strict=True)
    )


@pytest.mark.parametrize("other", [{"seed": 2}, {"split": "test"}, {"indices": range(10, 20)}])
def test_other_seeds_splits_and_indices_give_other_sketches(other):
    first, second = (generated(**{"indices": range(10), "size": 32} | way) for way in ({}, other))
    assert all((a["image"] != b["image"]).any() for a, b in zip(first, second, strict=True))


def test_a_sketch_always_keeps_its_first_stroke():
    for seed in range(60):
        pen = sketches.Pen(np.random.default_rng(seed))
        pen.line((0, 0), (0, 0.3))
        pen.line((0, 0), (1, 1))
        assert len(sketches._distort(pen)[0]) == 5


def test_all_kinds_are_sketched_equally_often():
    labels = [example["label"] for example in generated(indices=range(30), size=16)]
    assert (np.bincount(labels) == 3).all()


def test_sketches_reach_every_edge_and_stay_inside_the_image():
    images = [example["image"] for example in generated(indices=range(60), size=64)]
    ink = np.stack(images) < 128
    assert ink.any((0, 1))[:6].any() and ink.any((0, 2))[:6].any()
    # Nearly all keep a white margin of at least one pixel at the top.
    assert np.mean([image[0].min() == 255 for image in images]) > 0.8


def test_images_have_three_channels_if_colour_is_set():
    assert generated(size=16, colour=True)[0]["image"].shape == (16, 16, 3)


# -- Digits ------------------------------------------------------------------------------------


def test_digits_are_dark_on_white_and_scaled():
    example = generated(source="digits", size=24)[0]
    assert example["image"].shape == (24, 24)
    assert example["image"][:, 0].min() > 180


def test_digit_splits_do_not_overlap_and_cover_all_images():
    counts = {"train": 1079, "validation": 179, "test": 539}
    own = {"source": "digits", "size": 8, "test_share": 0.3, "validation_share": 0.1}
    parts = {split: generated(split, range(count), **own) for split, count in counts.items()}
    known = {example["image"].tobytes() for part in parts.values() for example in part}
    assert len(known) > 1780  # a few digits are identical
    with pytest.raises(UserError, match="539 examples for the split test"):
        generated("test", range(540), **own)


def test_the_test_set_is_stratified_by_class():
    labels = [example["label"] for example in generated("test", range(500), source="digits")]
    assert np.bincount(labels).min() > 35


def test_another_seed_gives_another_split():
    one, other = (generated("test", range(50), seed, source="digits", size=8) for seed in (1, 2))
    same = [(a["image"] == b["image"]).all() for a, b in zip(one, other, strict=True)]
    assert np.mean(same) < 0.2


# -- Fashion-MNIST -----------------------------------------------------------------------------


def write_idx(path, array, packed=False):
    data = struct.pack(">HBB", 0, 8, array.ndim) + struct.pack(f">{array.ndim}I", *array.shape)
    data += array.astype(np.uint8).tobytes()
    path.with_name(path.name + ".gz" * packed).write_bytes(gzip.compress(data) if packed else data)


@pytest.fixture
def clothes(tmp_path):
    for part, count in (("train", 40), ("t10k", 10)):
        images = np.arange(count)[:, None, None] * np.ones((1, 28, 28))
        write_idx(tmp_path / f"{part}-images-idx3-ubyte", images, packed=part == "t10k")
        write_idx(tmp_path / f"{part}-labels-idx1-ubyte", np.arange(count) % 10)
    return tmp_path


def clothes_of(folder, split, count):
    own = {"source": "fashion", "size": 28, "fashion_files": str(folder), "validation_share": 0.25}
    return generated(split, range(count), **own)


def test_clothes_are_read_from_compressed_and_plain_files(clothes):
    assert greys(clothes_of(clothes, "test", 10)) == list(range(246, 256))
    learnt, checked = clothes_of(clothes, "train", 30), clothes_of(clothes, "validation", 10)
    assert greys(learnt + checked) == list(range(216, 256))
    assert all((255 - one["image"][0, 0]) % 10 == one["label"] for one in learnt)


def test_a_missing_file_is_reported(clothes):
    (clothes / "train-labels-idx1-ubyte").unlink()
    with pytest.raises(UserError, match="neither train-labels-idx1-ubyte nor"):
        clothes_of(clothes, "train", 1)


@pytest.mark.parametrize("length", [0, 3, 10, 200])
@pytest.mark.parametrize("name", ["train-images-idx3-ubyte", "t10k-images-idx3-ubyte.gz"])
def test_a_truncated_file_is_reported(name, length, clothes):
    path = clothes / name
    path.write_bytes(path.read_bytes()[: min(length, path.stat().st_size - 1)])
    with pytest.raises(UserError, match=name):
        clothes_of(clothes, "test" if "t10k" in name else "train", 1)


def test_a_file_that_is_not_idx_is_refused(tmp_path):
    (tmp_path / "x").write_bytes(b"\x00\x00\x0d\x01\x00\x00\x00\x01abcd")
    with pytest.raises(UserError, match="not an IDX file"):
        idx.read(tmp_path / "x")


def test_different_numbers_of_labels_and_images_are_refused(clothes):
    write_idx(clothes / "train-labels-idx1-ubyte", np.zeros(39))
    with pytest.raises(UserError, match="do not match"):
        clothes_of(clothes, "train", 1)


# -- User folders ------------------------------------------------------------------------------


def own(folder, names=("cats", "dogs"), **more):
    return {"source": "folder", "size": 8, "folder": str(folder), "classes": list(names), **more}


def test_train_and_test_folders_are_the_splits(tmp_path):
    pictures(tmp_path / "train", ["cats", "dogs"], 100)
    pictures(tmp_path / "test", ["cats", "dogs"], 200)
    how = own(tmp_path, validation_share=0.25)
    assert greys(generated("test", range(8), **how)) == sorted(2 * list(range(200, 204)))
    parts = generated("train", range(6), **how) + generated("validation", range(2), **how)
    assert greys(parts) == sorted(2 * list(range(100, 104)))


def test_a_validation_folder_is_the_validation_set(tmp_path):
    for split, grey in (("train", 50), ("validation", 100), ("test", 200)):
        pictures(tmp_path / split, ["cats", "dogs"], grey)
    assert greys(generated("validation", range(8), **own(tmp_path)))[0] == 100
    assert len(generated("train", range(8), **own(tmp_path))) == 8


def test_one_folder_per_class_is_split_by_the_seed(tmp_path):
    pictures(tmp_path, ["cats"], 0, count=20)
    pictures(tmp_path, ["dogs"], 100, count=20)
    how = own(tmp_path, test_share=0.25, validation_share=0.1)
    counts = {"train": 26, "validation": 4, "test": 10}
    parts = [generated(split, range(count), **how) for split, count in counts.items()]
    assert greys([*parts[0], *parts[1], *parts[2]]) == [*range(20), *range(100, 120)]
    assert sum(example["label"] for example in parts[2]) == 5


def test_labels_are_indices_into_the_list_of_classes(tmp_path):
    pictures(tmp_path, ["cats"], 0)
    pictures(tmp_path, ["dogs"], 100)
    for names in (["cats", "dogs"], ["dogs", "cats"]):
        for example in generated(indices=range(4), **own(tmp_path, names)):
            assert names[example["label"]] == ("dogs" if example["image"][0, 0] >= 100 else "cats")


def test_built_in_sources_have_their_own_classes():
    assert classes.names(settings(source="sketches"))[0] == "bicycle"
    assert len(classes.names(settings(source="fashion"))) == 10
    with pytest.raises(ValueError, match="classes is null"):
        classes.names(settings(source="folder"))


def test_an_empty_class_is_reported(tmp_path):
    pictures(tmp_path, ["cats", "dogs"])
    (tmp_path / "owls").mkdir()
    (tmp_path / "owls" / "notes.txt").write_text("none yet")
    with pytest.raises(UserError, match=r"owls has no images \(\.png"):
        generated(**own(tmp_path, ["cats", "owls"]))


def test_a_class_without_a_folder_is_reported_with_the_folders_found(tmp_path):
    pictures(tmp_path, ["cats", "dogs"])
    with pytest.raises(UserError, match=r"no folder for class 'owls' \(it has: cats, dogs\)"):
        generated(**own(tmp_path, ["cats", "owls"]))


def test_every_split_contains_every_class_even_with_few_images(tmp_path):
    pictures(tmp_path, ["cats"], 0, count=40)
    pictures(tmp_path, ["dogs"], 100, count=3)
    how = own(tmp_path, test_share=0.1, validation_share=0.1)
    for split, count in (("train", 33), ("validation", 5), ("test", 5)):
        labels = [example["label"] for example in generated(split, range(count), **how)]
        assert labels.count(1) == 1


@pytest.mark.parametrize("parts", ["", "train test"])
def test_a_class_with_too_few_images_for_the_splits_is_reported(tmp_path, parts):
    for part in parts.split() or [""]:
        pictures(tmp_path / part, ["cats"], 0, count=40)
        pictures(tmp_path / part, ["owls"], 100, count=1 if parts else 2)
    with pytest.raises(UserError, match=r"'owls' has [12] image\(s\), too few"):
        generated(**own(tmp_path, ["cats", "owls"], test_share=0.2))


def test_the_first_examples_of_a_split_keep_the_class_proportions(tmp_path):
    pictures(tmp_path, ["cats"], 0, count=60)
    pictures(tmp_path, ["dogs", "owls"], 100, count=20)
    how = own(tmp_path, ["cats", "dogs", "owls"], test_share=0.5, validation_share=0)
    for count in range(3, 51):
        labels = [example["label"] for example in generated("test", range(count), **how)]
        shares = np.array([labels.count(label) for label in range(3)]) / count
        assert (np.abs(shares - (0.6, 0.2, 0.2)) <= 1 / count + 1e-9).all()


def test_the_first_digits_of_a_split_cover_all_classes():
    labels = [example["label"] for example in generated("test", range(75), source="digits")]
    assert set(np.bincount(labels)) <= {7, 8}


def test_a_missing_folder_is_reported(tmp_path):
    with pytest.raises(UserError, match="nowhere"):
        generated(**own(tmp_path / "nowhere"))


def test_training_images_without_test_images_are_refused(tmp_path):
    pictures(tmp_path / "train", ["cats", "dogs"])
    with pytest.raises(UserError, match="a folder train/ but no test/"):
        generated(**own(tmp_path))


def test_a_class_may_be_called_train(tmp_path):
    pictures(tmp_path, ["train", "bus"], count=10)
    assert len(generated(indices=range(12), **own(tmp_path, ["train", "bus"]))) == 12


@pytest.mark.parametrize("damage", [b"", b"no image", b"\x89PNG\r\n\x1a\n"])
def test_an_unreadable_image_is_reported(tmp_path, damage):
    pictures(tmp_path, ["cats", "dogs"])
    for path in tmp_path.rglob("*.png"):
        path.write_bytes(damage)
    with pytest.raises(UserError, match=r"[0-3]\.png"):
        generated(**own(tmp_path))


def test_a_request_for_too_many_examples_is_refused_with_the_maximum(tmp_path):
    pictures(tmp_path, ["cats", "dogs"], count=10)
    with pytest.raises(UserError, match=r"has 12 examples for the split train; .* at most 12"):
        generated(indices=range(10, 20), **own(tmp_path))


@pytest.mark.parametrize("kind", user_files.IMAGES)
def test_images_of_all_file_formats_are_read(tmp_path, kind):
    pictures(tmp_path, ["cats", "dogs"], kind=kind[1:].upper())
    assert 95 <= generated(**own(tmp_path))[0]["image"][2, 2] <= 108


def wide_picture():
    image = np.full((40, 80), 255, np.uint8)
    image[:, 20:60] = 0
    image[:, :4] = 100
    return image


@pytest.mark.parametrize(
    ("fit", "top", "left", "middle"),
    [("pad", 255, 100, 0), ("crop", 0, 0, 0), ("stretch", 255, 100, 0)],
)
def test_images_are_padded_cropped_or_stretched_to_squares(fit, top, left, middle):
    image = data.fit_image(wide_picture(), settings(size=20, fit=fit))
    assert image.shape == (20, 20)
    where = 0 if fit != "stretch" else 3
    assert abs(int(image[0, where]) - top) < 20
    assert abs(int(image[10, 0]) - left) < 20
    assert abs(int(image[10, 10]) - middle) < 12


def test_a_photograph_keeps_its_colours_only_if_colour_is_set():
    photo = np.zeros((9, 9, 3), np.uint8)
    photo[..., 0] = 200
    assert data.fit_image(photo, settings(size=9, colour=True))[4, 4].tolist() == [200, 0, 0]
    assert data.fit_image(photo, settings(size=9)).shape == (9, 9)


def test_an_image_one_pixel_high_is_fitted_too():
    assert data.fit_image(np.zeros((1, 4000), np.uint8), settings(size=8)).shape == (8, 8)
