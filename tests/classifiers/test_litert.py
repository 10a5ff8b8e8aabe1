"""The .tflite classifier: what its description promises, and what is refused."""

import hashlib
import json
import threading
import zipfile
from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
import pytest

from smartselfie.classifiers.litert import DEFAULT_NAME, LiteRtClassifier, default_model
from smartselfie.errors import ModelError
from smartselfie.records import CLASSES, Scores
from tests import tiny_network
from tests.shared import ROOT, missing, shared_path
from tests.tiny_network import row_crop

PEER = "peers/mini_xception_fer2013_quantized.tflite"
CROPS = np.stack([row_crop(row) for row in range(7)])


def tops(scores: list[Scores]) -> list[str]:
    """The largest class of each."""
    return [each.top for each in scores]


def numbers(scores: list[Scores]) -> np.ndarray:
    """All probabilities, a row for each crop."""
    return np.array([each.probabilities for each in scores])


@pytest.mark.parametrize(
    "kind",
    [{}, {"softmax": True}, {"quantised": True}, {"quantised": True, "softmax": True}, {"one_only": True}],
    ids=str,
)
def test_each_kind_of_network_names_the_class_of_each_crop(kind: dict[str, bool], tmp_path: Path) -> None:
    """Float and integer networks, with and without softmax, all give the crop's class and sums of 1."""
    scores = LiteRtClassifier(tiny_network.write(tmp_path, **kind))(CROPS)
    assert tops(scores) == list(CLASSES)
    np.testing.assert_allclose(numbers(scores).sum(axis=1), 1, atol=1e-9)
    assert numbers(scores).max(axis=1) == pytest.approx(np.exp(5) / (np.exp(5) + 6), abs=0.02)


def test_the_networks_own_class_order_is_brought_to_ours(tmp_path: Path) -> None:
    """A network whose first output means neutral scores neutral for a crop of its first class."""
    order = tuple(reversed(CLASSES))
    model = tiny_network.write(tmp_path, description={"classes": list(order)})
    assert tops(LiteRtClassifier(model)(CROPS)) == list(order)


def test_pixels_are_scaled_as_the_description_says(tmp_path: Path) -> None:
    """With a scale of 0 every crop looks the same to the network."""
    model = tiny_network.write(tmp_path, description={"input": {"size": [8, 8], "scale": 0, "offset": 1}})
    even = numbers(LiteRtClassifier(model)(CROPS))
    np.testing.assert_allclose(even, 1 / 7, atol=1e-6)


@pytest.mark.parametrize("softmax", [False, True])
def test_temperature_flattens_logits_and_probabilities_alike(softmax: bool, tmp_path: Path) -> None:
    """Dividing by 5 turns the logit 5 into 1, whether the network ends in softmax or not."""
    said = {"outputs": {"fer": 0}, "read": "fer", "temperature": {"fer": 5.0}}
    model = tiny_network.write(tmp_path, softmax=softmax, description=said)
    top = numbers(LiteRtClassifier(model)(CROPS)).max(axis=1)
    assert top == pytest.approx(np.e / (np.e + 6), abs=1e-4)


@pytest.mark.parametrize("head", [1, "head1"])
def test_the_head_to_read_is_chosen_by_index_or_name(head: int | str, tmp_path: Path) -> None:
    """The second head of this network speaks of the next row."""
    said = {"outputs": {"a": 0, "b": head}, "read": "b"}
    model = tiny_network.write(tmp_path, heads=2, description=said)
    assert tops(LiteRtClassifier(model)(CROPS[1:])) == list(CLASSES[:6])


def test_a_network_with_that_output_says_whether_a_face_smiles(tmp_path: Path) -> None:
    """Its classes are not smiling, smiling and mouth covered; its temperature is its own."""
    outputs = {"ferplus": 0, "smiling": 1}
    model = tiny_network.write(tmp_path, smiling=True, description={"outputs": outputs, "read": "ferplus"})
    scores = LiteRtClassifier(model)(CROPS)  # head 1 reads row 1 for its first class
    assert tops(scores) == list(CLASSES)
    assert [each.smiling > 0.9 for each in scores[1:4]] == [False, True, False]
    assert [each.covered > 0.9 for each in scores[1:4]] == [False, False, True]
    flat = {"outputs": outputs, "read": "ferplus", "temperature": {"smiling": 1e6}}
    model = tiny_network.write(tmp_path, name="flat", smiling=True, description=flat)
    assert LiteRtClassifier(model)(CROPS)[2].smiling == pytest.approx(1 / 3, abs=1e-3)


def test_a_network_without_that_output_does_not_say(tmp_path: Path) -> None:
    """None is not 0: the trigger then goes by happy."""
    scores = LiteRtClassifier(tiny_network.write(tmp_path))(CROPS)
    assert {(each.smiling, each.covered) for each in scores} == {(None, None)}


def test_an_output_of_other_classes_is_not_taken_for_smiling(tmp_path: Path) -> None:
    """It must have three."""
    model = tiny_network.write(tmp_path, heads=2, description={"outputs": {"smiling": 1}})
    with pytest.raises(ModelError, match=r"expected \[1, 3\]"):
        LiteRtClassifier(model)


def test_many_crops_score_as_each_does_alone(tmp_path: Path) -> None:
    """What a crop scores does not depend on its company."""
    classify = LiteRtClassifier(tiny_network.write(tmp_path))
    crops = np.random.default_rng(0).integers(0, 256, (20, 8, 8)).astype(np.uint8)
    assert classify(crops) == [classify(crop[np.newaxis])[0] for crop in crops]


def test_no_crops_give_no_scores(tmp_path: Path) -> None:
    """N = 0 is a valid question."""
    assert LiteRtClassifier(tiny_network.write(tmp_path))(CROPS[:0]) == []


def test_two_instances_give_the_very_same_numbers(tmp_path: Path) -> None:
    """Scoring is deterministic from run to run."""
    model = tiny_network.write(tmp_path)
    assert LiteRtClassifier(model)(CROPS) == LiteRtClassifier(model)(CROPS)


def test_threads_may_share_a_classifier(tmp_path: Path) -> None:
    """Four threads at once each get the scores of their own crop."""
    classify = LiteRtClassifier(tiny_network.write(tmp_path))
    wrong: list[str] = []

    def work(row: int) -> None:
        for _ in range(200):
            top = classify(CROPS[row : row + 1])[0].top
            if top != CLASSES[row]:
                wrong.append(top)

    threads = [threading.Thread(target=work, args=(row,)) for row in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert not wrong


def test_crops_of_another_size_are_refused(tmp_path: Path) -> None:
    """The message says what was expected and what came."""
    classify = LiteRtClassifier(tiny_network.write(tmp_path))
    assert classify.input_size == (8, 8)
    with pytest.raises(ValueError, match=r"need crops of shape \(N, 8, 8\), got \(1, 48, 48\)"):
        classify(np.zeros((1, 48, 48), np.uint8))


def test_loading_writes_nothing_to_the_terminal(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    """The interpreter's greeting stays out of stderr."""
    LiteRtClassifier(tiny_network.write(tmp_path))(CROPS)
    assert capfd.readouterr() == ("", "")


def test_arguments_stand_in_for_a_missing_description(tmp_path: Path) -> None:
    """Without a JSON, scaling and class order given by hand are enough."""
    model = tmp_path / "bare.tflite"
    model.write_bytes(tiny_network.build(softmax=True))
    order = tuple(reversed(CLASSES))
    classify = LiteRtClassifier(model, scaling="0..1", classes=order)
    assert tops(classify(CROPS)) == list(order)
    assert classify.description.label == "bare"


def bare(folder: Path) -> Path:
    """A network with no description."""
    path = folder / "bare.tflite"
    path.write_bytes(tiny_network.build())
    return path


def cut_off(folder: Path) -> Path:
    """A network whose file ends early."""
    path = tiny_network.write(folder)
    path.write_bytes(path.read_bytes()[:600])
    return path


def other_file(folder: Path) -> Path:
    """Something else with the ending .tflite."""
    path = tiny_network.write(folder)
    path.write_bytes(b"\x89HDF\r\n\x1a\n" * 100)
    return path


def describe(folder: Path, text: str) -> Path:
    """A network with this text as its description."""
    path = tiny_network.write(folder)
    path.with_suffix(".json").write_text(text)
    return path


def changed(folder: Path) -> Path:
    """A network that is not the one that was described."""
    return tiny_network.write(folder, description={"sha256": hashlib.sha256(b"another").hexdigest()})


REFUSED: dict[str, tuple[Callable[[Path], Path], str]] = {
    "missing": (lambda folder: folder / "none.tflite", "none.tflite: No such file"),
    "a folder": (lambda folder: folder, "Is a directory"),
    "another kind": (other_file, "is no .tflite network"),
    "cut off": (cut_off, "cannot be loaded"),
    "changed": (changed, "changed file"),
    "no description": (bare, "write bare.json beside it"),
    "no JSON": (lambda folder: describe(folder, "{not json"), "tiny.json: cannot be read as JSON"),
    "a list": (lambda folder: describe(folder, "[]"), "need a JSON object"),
    "8 outputs": (
        lambda folder: tiny_network.write(folder, outputs=8),
        r"shape \[1, 8\], expected \[1, 7\]; name its classes",
    ),
    "another size": (
        lambda folder: tiny_network.write(folder, description={"input": {"size": [48, 48]}}),
        r"shape \[1, 8, 8, 1\], its description says \[1, 48, 48, 1\]",
    ),
    "another channel count": (
        lambda folder: tiny_network.write(folder, description={"input": {"channels": 3}}),
        r"its description says \[1, 8, 8, 3\]",
    ),
    "an unknown class": (
        lambda folder: tiny_network.write(folder, description={"classes": ["anger", *CLASSES[1:]]}),
        "unknown class 'anger', did you mean 'angry'",
    ),
    "a class twice": (
        lambda folder: tiny_network.write(folder, description={"classes": ["fear", *CLASSES[1:]]}),
        "need two classes or more, each once.*got 7: fear, disgust, fear",
    ),
    "an unknown head": (
        lambda folder: tiny_network.write(folder, description={"read": "ferplus"}),
        "no output 'ferplus', its outputs are head0",
    ),
    "a wrong activation": (
        lambda folder: tiny_network.write(folder, description={"activation": "relu"}),
        "tiny.json: activation: .*'softmax' or 'logits'",
    ),
    "a wrong temperature": (
        lambda folder: tiny_network.write(folder, description={"temperature": {"a": 0}}),
        "temperature.a: .*greater than 0",
    ),
}


@pytest.mark.parametrize("case", REFUSED)
def test_a_bad_model_is_refused_in_one_line(case: str, tmp_path: Path) -> None:
    """Each wrong file or description is a ModelError of one line that names the file and the matter."""
    make, message = REFUSED[case]
    path = make(tmp_path)
    with pytest.raises(ModelError, match=message) as refusal:
        LiteRtClassifier(path)
    assert "\n" not in str(refusal.value)
    assert str(tmp_path) in str(refusal.value)


def test_an_unknown_scaling_is_refused(tmp_path: Path) -> None:
    """The message lists the known ones."""
    with pytest.raises(ModelError, match=r"unknown scaling '0..2' \(known: 0..255, 0..1, -1..1\)"):
        LiteRtClassifier(bare(tmp_path), scaling="0..2")


def test_outputs_that_are_no_probabilities_are_refused(tmp_path: Path) -> None:
    """Logits declared as softmax are not silently taken for probabilities."""
    classify = LiteRtClassifier(tiny_network.write(tmp_path, description={"activation": "softmax"}))
    with pytest.raises(ModelError, match='"activation": "logits"'):
        classify(CROPS)


def test_outputs_that_are_no_numbers_are_refused(tmp_path: Path) -> None:
    """A network that overflows does not become seven probabilities."""
    said = {"input": {"size": [8, 8], "scale": 1.3e36, "offset": 0}}
    classify = LiteRtClassifier(tiny_network.write(tmp_path, description=said))
    with pytest.raises(ModelError, match="not a number"):
        classify(CROPS)


def test_the_hash_is_that_of_the_named_file(tmp_path: Path) -> None:
    """Several hashes in one description: only the file's own counts, and it must fit."""
    data = tiny_network.build()
    hashes = {"tiny.tflite": hashlib.sha256(data).hexdigest(), "tiny.keras": "0" * 64}
    model = tiny_network.write(tmp_path, description={"sha256": hashes})
    assert len(LiteRtClassifier(model)(CROPS)) == 7
    model.with_suffix(".json").write_text(
        model.with_suffix(".json").read_text().replace(hashes["tiny.tflite"], "0" * 64)
    )
    with pytest.raises(ModelError, match="changed file"):
        LiteRtClassifier(model)


@pytest.mark.parametrize(
    ("accuracy", "words"), [(None, ""), (0.661, "66.1 % right"), ({"fer2013": 0.661}, "fer2013 66.1 %")]
)
def test_the_description_says_its_accuracy_in_words(accuracy: object, words: str, tmp_path: Path) -> None:
    """For `check` and people."""
    model = tiny_network.write(tmp_path, description={"accuracy": accuracy})
    description = LiteRtClassifier(model).description
    assert (description.label, description.accuracy_in_words) == ("tiny 1", words)


def test_the_default_model_is_the_first_that_is_there(tmp_path: Path) -> None:
    """An installed package has it in one place, a checkout in another; neither is an error that says so."""
    installed, checkout = tmp_path / "installed", tmp_path / "checkout"
    with pytest.raises(ModelError, match=f"{DEFAULT_NAME}.* not in {installed} nor in {checkout}"):
        default_model([installed, checkout])
    checkout.mkdir()
    (checkout / DEFAULT_NAME).touch()
    assert default_model([installed, checkout]) == checkout / DEFAULT_NAME
    installed.mkdir()
    (installed / DEFAULT_NAME).touch()
    assert default_model([installed, checkout]) == installed / DEFAULT_NAME


def test_the_network_that_ships_loads_and_is_the_one_described() -> None:
    """`default_model` finds it, and its description has a name, a version and a matching hash."""
    if not (ROOT / "model" / DEFAULT_NAME).exists():
        missing(f"model/{DEFAULT_NAME} is not there; `smartselfie train` and `export` make it")
    classify = LiteRtClassifier(default_model())
    width, height = classify.input_size
    assert classify.description.input.size == (width, height)
    assert classify.description.name
    assert classify.description.sha256
    even = np.full((1, height, width), 128, np.uint8)
    assert sum(classify(even)[0].probabilities) == pytest.approx(1)


def test_the_usual_mini_xception_is_as_good_as_published(tmp_path: Path) -> None:
    """On 300 test faces the network of most hobby projects is right about two times in three."""
    (tmp_path / "peer.tflite").write_bytes(shared_path(PEER).read_bytes())
    said = {"classes": list(CLASSES), "input": {"size": [64, 64], "scale": 2 / 255, "offset": -1}}
    (tmp_path / "peer.json").write_text(json.dumps(said))
    classify = LiteRtClassifier(tmp_path / "peer.tflite")
    crops, truth = [], []
    with zipfile.ZipFile(shared_path("data/fer2013.zip")) as archive:
        rows = archive.read("labels.csv").decode().splitlines()[1:]
        for row in [row for row in rows if ",PrivateTest," in row][:300]:
            name, _, emotion = row.split(",")[:3]
            member = name if name.startswith("images/") else f"images/{name}"
            data = np.frombuffer(archive.read(member), np.uint8)
            crops.append(cv2.resize(cv2.imdecode(data, cv2.IMREAD_GRAYSCALE), (64, 64)))
            truth.append(emotion)
    right = np.mean([top == said for top, said in zip(tops(classify(np.stack(crops))), truth, strict=True)])
    assert 0.58 < right < 0.75
