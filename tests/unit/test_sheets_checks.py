"""Contradictory settings of sheets are reported before any job."""

import subprocess
import sys

import pytest
import test_sheets_model

from epochreel.config import schema
from epochreel.experiments.sheets import checks, image_sizes, patch_corners


def told(variant="plain", **network) -> dict[str, str]:
    filled = schema.checked({"name": "local"} | network, test_sheets_model.NETWORKS)
    return dict(checks.contradictions({"data": {"variant": variant}, "network": filled}))


@pytest.mark.parametrize("variant", image_sizes.VARIANTS)
@pytest.mark.parametrize("name", ["local", "tuned", "deep", "cells"])
def test_a_network_fits_its_own_images_by_default(variant, name):
    fits = name == "local" or (name == "cells") == (variant == "cells")
    assert next(iter(told(variant, name=name)), None) == (None if fits else "network.name")


def fits(variant: str, patch: int) -> bool:
    """Check that the patches around all digit positions are inside the image."""
    return all(
        corner.min() >= 0 and corner.max() + patch <= length
        for corner, length in zip(
            patch_corners.corners(variant, patch), image_sizes.image_size(variant), strict=True
        )
    )


@pytest.mark.parametrize("variant", image_sizes.VARIANTS)
def test_the_largest_allowed_patch_is_the_largest_that_fits(variant):
    largest = max(side for side in range(7, 200) if fits(variant, side))
    assert image_sizes.largest_patch(variant) == largest
    if largest < 63:
        assert f"at most {largest}" in told(variant, patch=largest + 1)["network.patch"]
    assert not told(variant, patch=min(largest, 63))


@pytest.mark.parametrize(
    ("variant", "network", "most"),
    [("plain", {"patch": 7}, 2), ("cells", {"name": "cells"}, 4), ("plain", {"name": "deep"}, 8)],
)
def test_the_number_of_convolutions_is_limited_by_the_image_size(variant, network, most):
    assert not told(variant, **network, channels=[1] * most)
    words = told(variant, **network, channels=[1] * (most + 1))["network.channels"]
    assert f"has {most + 1} convolutions; expected at most {most} (" in words


def test_the_checks_need_neither_torch_nor_numpy():
    check = "import sys, epochreel.experiments.sheets.checks;"
    check += "sys.exit(bool({'torch', 'numpy'} & sys.modules.keys()))"
    folder = checks.__file__.split("epochreel")[0]
    subprocess.run([sys.executable, "-c", check], cwd=folder, check=True)
