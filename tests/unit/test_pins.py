"""Pins: the same versions wherever packages are listed."""

import re

import pytest
import yaml
from workflow import REPOSITORY

from epochreel.plan.stages import PROJECTIONS, STAGES, Variant

REQUIREMENTS = (REPOSITORY / "requirements.txt").read_text()
PINNED = dict(re.findall(r"^([\w-]+)==(\S+)$", REQUIREMENTS, re.M))
ENVIRONMENTS = sorted((REPOSITORY / "envs").glob("*.yaml"))


@pytest.mark.parametrize("file", ENVIRONMENTS, ids=lambda file: file.stem)
def test_a_conda_environment_pins_the_versions_of_the_requirements(file):
    (pip,) = (part["pip"] for part in yaml.safe_load(file.read_text())["dependencies"][2:])
    named = dict(pin.split("==") for pin in pip)
    assert named and named == {name: PINNED.get(name) for name in named}


@pytest.mark.parametrize(
    "name", ["requirements.txt", "requirements-cluster.txt", "requirements-dev.txt"]
)
def test_requirements_pin_every_package_and_contain_no_url(name):
    lines = (REPOSITORY / name).read_text().splitlines()
    pins = [line for line in lines if line and not line.startswith("#")]
    assert pins and all(re.fullmatch(r"[\w.-]+==[\w.]+", pin) for pin in pins)


def test_the_environment_of_every_rule_exists():
    rules = "".join(path.read_text() for path in (REPOSITORY / "rules").glob("*.smk"))
    named = set(re.findall(r"\.\./envs/(\w+)\.yaml", rules))
    assert named == {file.stem for file in ENVIRONMENTS}


RULES = "".join(path.read_text() for path in sorted((REPOSITORY / "rules").glob("*.smk")))
ENVIRONMENT_OF = dict(re.findall(r"^rule (\w+):.*?envs/(\w+)\.yaml", RULES, re.M | re.S))


@pytest.mark.parametrize("stage", sorted({s.script or s.rule for s in STAGES.values()}))
def test_the_environment_of_a_rule_has_the_packages_of_its_stage(stage):
    text = (REPOSITORY / "envs" / f"{ENVIRONMENT_OF[stage]}.yaml").read_text()
    variants = [Variant(stream, kind) for stream in (False, True) for kind in PROJECTIONS]
    run = [found for found in STAGES.values() if stage in (found.script, found.rule)]
    needed = {name for found in run for variant in variants for name in found.packages_of(variant)}
    assert needed <= set(re.findall(r"- ([\w-]+)==", text))
