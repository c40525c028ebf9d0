"""The proposal of a cast: easy, medium and still wrong examples."""

import numpy as np
import pytest
import yaml

from epochreel.narration import cast
from epochreel.narration.grades import grade

NAN = np.nan


def groups(grades) -> dict[str, list[int]]:
    found = cast.propose(np.array(grades, float))
    return {g: [p.number for p in found if p.group == g] for g in cast.GROUPS}


def test_easy_medium_and_wrong_examples_are_proposed():
    grades = [0.6, 0.99, 0.1, 0.55, 0.98, 0.4, 0.97, 0.7, 0.0, NAN, 0.58]
    found = groups(grades)
    assert found["easy"] == [1, 6] and set(found["medium"]) <= {0, 3, 10}
    assert len(found["still wrong"]) == 2 and set(found["still wrong"]) <= {2, 5, 8}


@pytest.mark.parametrize("grades", [[], [NAN], [1], [0.2], [1, 1], [0.9, 0.1], [1, 1, 1, 0, 0]])
def test_small_test_sets_give_as_many_as_there_are(grades):
    found = groups(grades)
    numbers = [number for group in found.values() for number in group]
    assert len(numbers) == len(set(numbers)) <= np.isfinite(grades).sum()
    assert len(found["still wrong"]) == min(2, sum(np.array(grades) < 0.5))


def test_the_first_line_can_be_copied_into_the_config():
    text = cast.text(cast.propose(np.array([1.0, 0.2, 0.9, 0.8, 0.6, 0.7])))
    lines = text.splitlines()
    numbers = yaml.safe_load(lines[0])["figure"]["examples"]
    assert [int(line.split()[0]) for line in lines[3:]] == numbers == [0, 2, 5, 4, 1]
    assert lines[3].split() == ["0", "easy", "1.00"]
    assert lines[-1].split() == ["1", "still", "wrong", "0.20"]


def test_a_network_without_mistakes_has_no_wrong_example():
    assert cast.text(cast.propose(np.ones(9))).endswith("\nnone is still wrong\n")


def test_a_wrong_answer_has_a_grade_below_a_half():
    found = grade(np.array([1, 1, 0.99, 0]), np.array([1, 0.2, 1, 1]))
    assert found.tolist() == [1, 0.6, 0.495, 0]
