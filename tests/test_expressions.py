"""Pictures of other expressions than smiles, and networks with other classes than FER2013's."""

from pathlib import Path

import numpy as np
import pytest

from smartselfie import settings as s
from smartselfie.classifiers.litert import LiteRtClassifier
from smartselfie.daemon.parts import build_classifier, build_rules
from smartselfie.deciding.trigger import Trigger
from smartselfie.errors import ConfigError, ModelError
from smartselfie.records import Box, Face, Scores
from smartselfie.replaying.scores import Recording, ScoredFrame, as_lines, from_lines
from tests import tiny_network
from tests.tiny_network import row_crop

OWN = ("wink", "neutral", "happy")
"""A network's own order; ours begins with those of FER2013."""


def own_network(folder: Path) -> Path:
    """A network that tells winks, neutral faces and smiles apart, by the first three rows of a crop."""
    return tiny_network.write(folder, outputs=3, description={"classes": list(OWN)})


def configured(model: Path, *expression: str) -> s.Settings:
    """Settings with this network and what a picture is wanted of."""
    return s.load(None, [f"classifier.model={model}", f"trigger.expression=[{', '.join(expression)}]"])


def test_a_network_with_other_classes_scores_them(tmp_path: Path) -> None:
    """In FER2013's order as far as it has them, then its own."""
    crops = np.stack([row_crop(row) for row in range(3)])
    scores = LiteRtClassifier(own_network(tmp_path))(crops)
    assert tuple(scores[0]) == ("happy", "neutral", "wink")
    assert [each.top for each in scores] == list(OWN)


@pytest.mark.parametrize(("expression", "fires"), [(("wink",), [0]), (("happy", "wink"), [0, 2])])
def test_what_is_wanted_fires(tmp_path: Path, expression: tuple[str, ...], fires: list[int]) -> None:
    """A class of one's own, alone or in a list."""
    configuration = configured(own_network(tmp_path), *expression)
    classify = build_classifier(configuration.classifier, threads=1, expression=expression)
    fired = []
    for row in range(3):
        trigger = Trigger(build_rules(configuration.trigger.model_copy(update={"rule": "frames"})))
        (scores,) = classify(row_crop(row)[np.newaxis])
        face = Face(Box(100, 100, 200, 200), 1, scores)
        decisions = [trigger.update([face], at=frame / 30, size=(640, 480)) for frame in range(20)]
        fired += [row] * any(decision.fire for decision in decisions)
        if row not in fires:
            assert " or ".join(expression) in decisions[-1].why
    assert fired == fires


def test_an_expression_that_the_network_does_not_tell_is_refused(tmp_path: Path) -> None:
    """With those that it tells."""
    configuration = configured(own_network(tmp_path), "surprise")
    with pytest.raises(ConfigError, match=r"does not tell 'surprise'; it tells happy, neutral, wink"):
        build_classifier(configuration.classifier, threads=1, expression=configuration.trigger.expression)


def test_one_expression_needs_no_list() -> None:
    """trigger.expression: surprise."""
    assert s.load(None, ["trigger.expression=surprise"]).trigger.expression == ("surprise",)


@pytest.mark.parametrize("classes", [["happy"], ["wink", "wink"], ["happi", "neutral"]])
def test_classes_that_make_no_sense_are_refused(tmp_path: Path, classes: list[str]) -> None:
    """One alone, one twice, one misspelt."""
    path = tiny_network.write(tmp_path, outputs=len(classes), description={"classes": classes})
    with pytest.raises(ModelError, match=r"two classes or more|did you mean 'happy'"):
        LiteRtClassifier(path)


def test_recorded_scores_keep_classes_and_what_was_wanted() -> None:
    """`tune` sweeps over winks as over smiles."""
    scores = Scores((0.25, 0.25, 0.5), classes=("happy", "neutral", "wink"), expression=("wink",))
    frame = ScoredFrame(0.0, (Face(Box(1, 2, 3, 4), 1, scores),))
    (again,) = from_lines(as_lines(Recording("clip.mp4", (640, 480), [frame])))
    assert again.frames[0].faces[0].scores == scores
