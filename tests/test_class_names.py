"""Class names in every form in which people keep them, and the class that a target means."""

import json

import numpy as np
import pytest

from tests.networks import SHAPE, dense, small
from xai_utils import load_classifier

NAMES = ["ant", "bee", "cat", "dog"]
INDICES = {"bee": 1, "ant": 0, "dog": 3, "cat": 2}


def classifier_of(*names):
    return load_classifier(small(dense(units=len(names))), "none", list(names))


@pytest.mark.parametrize(
    "given",
    [
        NAMES,
        tuple(NAMES),
        np.array(NAMES),
        {"cat": 2, "bee": 1, "dog": 3, "ant": 0},
        {"3": "dog", "1": "bee", "0": "ant", "2": "cat"},
        {3: "dog", 1: "bee", 0: "ant", 2: "cat"},
    ],
)
def test_class_names_in_every_form_name_the_same_outputs(given):
    assert load_classifier(small(dense()), "none", given).class_names == tuple(NAMES)


@pytest.mark.parametrize("given", [NAMES, INDICES, "labels.txt", "class_indices.json"])
def test_a_description_beside_the_file_names_the_classes(tmp_path, given):
    images = list(np.random.default_rng(0).integers(0, 256, (3, *SHAPE), dtype=np.uint8))
    model = small(dense())
    model.save(tmp_path / "mine.keras")
    (tmp_path / "labels.txt").write_text("ant\n bee\ncat \ndog\n\n", "utf-8")
    (tmp_path / "class_indices.json").write_text(json.dumps(INDICES), "utf-8")
    description = {"preprocessing": "none", "class_names": given}
    (tmp_path / "mine.json").write_text(json.dumps(description), "utf-8")
    classifier = load_classifier(tmp_path / "mine.keras")
    assert classifier.class_names == tuple(NAMES)
    index = classifier.class_index("dog")
    own = np.asarray(model(np.stack(images).astype(np.float32)))
    np.testing.assert_allclose(classifier.probabilities(images)[:, index], own[:, 3], atol=1e-5)


def test_the_saved_class_indices_of_keras_explain_the_class_that_is_asked_for():
    """`{"cat": 1, "dog": 0}`: the cat is the second output."""
    classifier = load_classifier(small(dense(units=2)), "none", {"cat": 1, "dog": 0})
    assert classifier.describe_class(classifier.class_index("cat")) == "1 'cat'"


@pytest.mark.parametrize(
    ("names", "message"),
    [
        ("cats", r"class_names is the text 'cats', and there is no such file"),
        (["ant", "bee"], r"2 class_names given for a model with 4 classes: 'ant', 'bee'; give one"),
        (["ant", "", "cat", "dog"], r"given as number 2: ''"),
        (["ant", "bee", 3, "dog"], r"given as number 3: 3; write numbers in quotes"),
        ({"ant": 0, "bee": 1, "cat": 2, "dog": 4}, r"must hold every index from 0 on once"),
        ({"ant": 0, "bee": 1, "cat": 1, "dog": 2}, r"must hold every index from 0 on once"),
        ({"ant": "0", "bee": "1", "cat": "2", "dog": "3"}, r"must hold every index from 0 on once"),
        ({"classes": NAMES}, r"must hold every index from 0 on once"),
        (set(NAMES), "must be a list of names, a dictionary or the path of a file"),
    ],
)
def test_class_names_in_no_form_are_refused_with_what_was_given(names, message):
    with pytest.raises((ValueError, FileNotFoundError), match=message):
        load_classifier(small(dense()), "none", names)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ('{"classes": ["ant", "bee"]}', r"no key of '.*mine.json' is named 'classes'; did you mean 'class_n"),
        ('["ant", "bee", "cat", "dog"]', r"mine.json' holds a list, not a description"),
        ("{'preprocessing': 'none'}", r"mine.json' is not valid JSON: .*line 1"),
        ("", r"mine.json' is not valid JSON"),
        ('{"class_names": {"ant": 0, "ant": 1}}', r"mine.json' has the key 'ant' twice"),
        ('{"preprocessing": "MobileNetV2"}', r"no preprocessing 'MobileNetV2'; did you mean 'mobilenet_v2'"),
        ('{"preprocessing": "none", "class_names": "two.txt"}', r"class_names from 'two.txt' must be .* number 2: ''"),
        ('{"preprocessing": "none", "class_names": "bad.json"}', r"bad.json' is not valid JSON"),
        ('{"preprocessing": "none", "class_names": "latin.txt"}', r"latin.txt' are not text in UTF-8"),
    ],
)  # fmt: skip
def test_a_slip_in_the_description_is_named_with_its_file(tmp_path, text, message):
    small(dense()).save(tmp_path / "mine.keras")
    (tmp_path / "mine.json").write_text(text)
    (tmp_path / "two.txt").write_text("ant\n\nbee\ncat\n")
    (tmp_path / "bad.json").write_text("{")
    (tmp_path / "latin.txt").write_bytes("café\n".encode("latin1"))
    with pytest.raises(ValueError, match=message):
        load_classifier(tmp_path / "mine.keras")


def test_folders_named_by_numbers_are_not_taken_for_indices():
    """Classes "1" to "12", as folders: papermill's `-p target 2` gives the number 2."""
    classifier = classifier_of(*(str(i) for i in range(1, 13)))
    with pytest.raises(
        ValueError, match=r"2 has 2 meanings: the class named '2' \(index 1\), .*-r target '2'"
    ):
        classifier.class_index(2)
    assert classifier.class_index("2") == 1
    assert classifier.class_index(12) == 11  # there is no index 12
    assert classifier.class_index(np.int64(0)) == 0  # and no class named "0"
    assert classifier.describe_class(1) == "1 '2'"


@pytest.mark.parametrize("names", [("01", "02", "03"), ("level 1", "level 2", "level 3")])
def test_a_number_in_the_name_of_another_class_is_refused(names):
    """Papermill makes the number 2 of `-p target 02` too."""
    classifier = classifier_of(*names)
    with pytest.raises(ValueError, match=rf"2 meanings: the class named '{names[1]}' \(index 1\)"):
        classifier.class_index(2)
    assert classifier.class_index(names[1]) == 1


def test_a_sign_is_no_punctuation():
    with pytest.raises(ValueError, match="no target class '-1'"):
        load_classifier(small(dense()), "none").class_index("-1")


def test_classes_without_names_are_their_indices():
    classifier = load_classifier(small(dense()), "none")
    assert [classifier.class_index(2), classifier.class_index("2")] == [2, 2]


@pytest.mark.parametrize("target", ["tabby cat", "Tabby_cat", "tabby", "TABBY-CAT", 1])
def test_a_class_is_found_however_it_is_spelled(target):
    assert classifier_of("tiger cat", "tabby cat", "cat", "dog").class_index(target) == 1


def test_a_whole_name_comes_before_part_of_another():
    assert classifier_of("tiger cat", "tabby cat", "cat", "dog").class_index("cat") == 2


@pytest.mark.parametrize(
    ("target", "error", "message"),
    [
        ("cat", ValueError, r"fits 2 classes: 'tiger cat' \(index 0\), 'tabby cat' \(index 1\)"),
        ("tabbi cat", ValueError, "did you mean 'tabby cat'"),
        (4, ValueError, "has 4 classes, 0 to 3"),
        (-1, ValueError, "has 4 classes, 0 to 3"),
        (True, TypeError, r"given: True \(bool\); if that is a name, give it as text"),
        (1.0, TypeError, "by its name, or its index"),
        ("", ValueError, "no target class ''"),
    ],
)
def test_a_target_that_fits_no_class_or_several_is_refused(target, error, message):
    classifier = classifier_of("tiger cat", "tabby cat", "ant", "dog")
    with pytest.raises(error, match=message):
        classifier.class_index(target)
