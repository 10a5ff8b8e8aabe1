"""The Keras classifier: every format that people have, and clear words where one does not fit."""

import json
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from smartselfie.classifiers.keras import KerasClassifier
from smartselfie.classifiers.litert import LiteRtClassifier
from smartselfie.errors import ModelError
from smartselfie.records import CLASSES
from tests.shared import shared_path
from tests.tiny_network import GAIN, row_crop

PEERS = ("peers/fer2013_mini_XCEPTION.102-0.66.hdf5", "peers/mini_xception_fer2013_quantized.tflite")
# Of TensorFlow with NumPy 2, while networks are saved.
pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning")
CROPS = np.stack([row_crop(row) for row in range(7)])


def description(**changes: object) -> str:
    """The JSON of a network that wants pixels from 0 to 1."""
    said = {"name": "tiny", "classes": list(CLASSES), "input": {"scale": 1 / 255}, "activation": "logits"}
    return json.dumps(said | changes)


@pytest.fixture(scope="module")
def keras() -> Any:
    """Keras, imported as the classifier does it."""
    pytest.importorskip("tensorflow", reason="pip install 'smartselfie[train]'")
    from smartselfie.classifiers.keras_files import import_keras

    return import_keras(threads=1)


@pytest.fixture(scope="module")
def network(keras: Any) -> Any:
    """The tiny network: row k of an 8x8 crop speaks for class k."""
    weights = np.zeros((8, 8, 7), np.float32)
    for k in range(7):
        weights[k, :, k] = GAIN / 8
    layers = keras.layers
    made = keras.Sequential([layers.Input((8, 8, 1)), layers.Flatten(), layers.Dense(7, name="dense")])
    made.layers[-1].set_weights([weights.reshape(64, 7), np.zeros(7, np.float32)])
    return made


@pytest.fixture(scope="module")
def folder(network: Any, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The network in each format; the pairs are what Keras 2 wrote, which Keras 3 cannot write any more."""
    import h5py

    folder = tmp_path_factory.mktemp("networks")
    network.save(folder / "new.keras")
    network.save(folder / "old.h5")
    (folder / "old.hdf5").write_bytes((folder / "old.h5").read_bytes())
    with h5py.File(folder / "old.h5") as whole, h5py.File(folder / "pair.h5", "w") as weights:
        for name in whole["model_weights"]:
            whole["model_weights"].copy(name, weights)
        for name, value in whole["model_weights"].attrs.items():
            weights.attrs[name] = value
    layers = [
        {"class_name": "Flatten", "config": {"name": "flatten", "batch_input_shape": [None, 8, 8, 1]}},
        {"class_name": "Dense", "config": {"name": "dense", "units": 7, "activation": "linear"}},
    ]
    legacy = {"class_name": "Sequential", "config": {"name": "s", "layers": layers}, "keras_version": "2.4.0"}
    (folder / "pair.json").write_text(json.dumps(legacy))
    (folder / "new.json").write_text(network.to_json())
    network.save_weights(folder / "new.weights.h5")
    for name in ("new.keras", "old.h5", "old.hdf5", "pair.h5", "new.weights.h5"):
        (folder / f"{name}.json").write_text(description())
    return folder


@pytest.mark.parametrize(
    ("name", "architecture"),
    [
        ("new.keras", None),
        ("old.h5", None),
        ("old.hdf5", None),
        ("pair.h5", None),
        ("pair.h5", "pair.json"),
        ("new.weights.h5", "new.json"),
    ],
)
def test_each_format_scores_alike(name: str, architecture: str | None, folder: Path) -> None:
    """Whole files of Keras 2 and 3, and pairs of architecture and weights, name the class of each crop."""
    classify = KerasClassifier(folder / name, architecture=architecture and folder / architecture)
    assert classify.input_size == (8, 8)
    scores = classify(CROPS)
    assert [each.top for each in scores] == list(CLASSES)
    assert scores[0].probabilities[0] == pytest.approx(np.exp(5) / (np.exp(5) + 6), abs=1e-4)
    assert classify(CROPS[:0]) == []


def test_color_networks_get_the_gray_three_times(keras: Any, tmp_path: Path) -> None:
    """A network of three channels and no description is scored with the scaling given by hand."""
    layers = keras.layers
    network = keras.Sequential([layers.Input((8, 8, 3)), layers.Flatten(), layers.Dense(7, "softmax")])
    weights = np.zeros((8, 8, 3, 7), np.float32)
    weights[3, :, 2, 3] = 5.0
    network.layers[-1].set_weights([weights.reshape(192, 7), np.zeros(7, np.float32)])
    network.save(tmp_path / "color.keras")
    classify = KerasClassifier(tmp_path / "color.keras", scaling="0..1")
    assert [scores.top for scores in classify(CROPS[3:5])] == ["happy", "angry"]


def test_one_of_several_heads_is_read_by_name(keras: Any, tmp_path: Path) -> None:
    """A network with a dictionary of outputs is asked for the one that the description names."""
    pixels = keras.Input((8, 8, 1))
    flat = keras.layers.Flatten()(pixels)
    heads = {name: keras.layers.Dense(7, name=name) for name in ("a", "b")}
    network = keras.Model(pixels, {name: head(flat) for name, head in heads.items()})
    for name, top in (("a", 0), ("b", 3)):
        heads[name].set_weights([np.zeros((64, 7), np.float32), np.eye(7, dtype=np.float32)[top] * 5])
    network.save(tmp_path / "two.keras")
    for read, top in (("a", "angry"), ("b", "happy")):
        (tmp_path / "two.json").write_text(description(read=read))
        assert KerasClassifier(tmp_path / "two.keras")(CROPS[:1])[0].top == top
    (tmp_path / "two.json").write_text(description(read="c"))
    with pytest.raises(ModelError, match="no output 'c', its outputs are a, b"):
        KerasClassifier(tmp_path / "two.keras")


def test_the_usual_mini_xception_loads_and_agrees_with_its_tflite(keras: Any) -> None:
    """A Keras 2.0 file of 2017 gives the probabilities of the quantised copy within a few per cent."""
    crops = np.random.default_rng(0).integers(0, 256, (3, 64, 64)).astype(np.uint8)
    old, small = (
        kind(shared_path(path), scaling="-1..1")
        for kind, path in zip((KerasClassifier, LiteRtClassifier), PEERS, strict=True)
    )
    for one, other in zip(old(crops), small(crops), strict=True):
        np.testing.assert_allclose(one.probabilities, other.probabilities, atol=0.05)


def test_crops_of_another_size_are_refused(folder: Path) -> None:
    """The message says what was expected and what came."""
    with pytest.raises(ValueError, match=r"need crops of shape \(N, 8, 8\), got \(1, 48, 48\)"):
        KerasClassifier(folder / "new.keras")(np.zeros((1, 48, 48), np.uint8))


def test_another_shape_is_refused(keras: Any, folder: Path, tmp_path: Path) -> None:
    """Found against expected, for the crop's size and for the number of classes."""
    path = tmp_path / "new.keras"
    path.write_bytes((folder / "new.keras").read_bytes())
    path.with_suffix(".json").write_text(description(input={"size": [48, 48]}))
    with pytest.raises(ModelError, match=r"\(None, 8, 8, 1\), expected \(None, 48, 48, "):
        KerasClassifier(path)
    layers = keras.layers
    keras.Sequential([layers.Input((8, 8, 1)), layers.Flatten(), layers.Dense(8)]).save(path)
    path.with_suffix(".json").unlink()
    with pytest.raises(ModelError, match=r"has shape \(None, 8\), expected \(None, 7\)"):
        KerasClassifier(path, scaling="0..1")
    keras.Sequential([layers.Input((64,)), layers.Dense(7)]).save(path)
    with pytest.raises(ModelError, match=r"input has shape \(None, 64\), expected"):
        KerasClassifier(path, scaling="0..1")


def test_any_size_needs_a_size_in_the_description(keras: Any, tmp_path: Path) -> None:
    """A fully convolutional network does not say how large its crops were."""
    layers = keras.layers
    path = tmp_path / "any.keras"
    keras.Sequential(
        [layers.Input((None, None, 1)), layers.Conv2D(7, 3), layers.GlobalAveragePooling2D()]
    ).save(path)
    with pytest.raises(ModelError, match=r"write input.size into the JSON"):
        KerasClassifier(path, scaling="0..1")
    path.with_suffix(".json").write_text(description(input={"size": [24, 16]}))
    assert KerasClassifier(path).input_size == (24, 16)


def test_weights_without_an_architecture_are_refused(folder: Path, tmp_path: Path) -> None:
    """The message says where the architecture is looked for."""
    path = tmp_path / "lonely.h5"
    path.write_bytes((folder / "pair.h5").read_bytes())
    with pytest.raises(ModelError, match=r"weights only; put its architecture beside it as lonely.json"):
        KerasClassifier(path, scaling="0..1")
    (tmp_path / "arch.json").write_text("[1]")
    with pytest.raises(ModelError, match=r"arch.json: is no architecture"):
        KerasClassifier(path, scaling="0..1", architecture=tmp_path / "arch.json")
    with pytest.raises(ModelError, match=r"none.json: No such file"):
        KerasClassifier(path, scaling="0..1", architecture=tmp_path / "none.json")


@pytest.mark.parametrize("name", ["new.keras", "old.h5"])
def test_a_damaged_file_is_refused_in_one_line(name: str, folder: Path, tmp_path: Path) -> None:
    """Whatever Keras raises for it, the reader gets one line with the file's name."""
    path = tmp_path / name
    path.write_bytes((folder / name).read_bytes()[:2000])
    with pytest.raises(ModelError, match=f"{name}: ") as refusal:
        KerasClassifier(path, scaling="0..1")
    assert "\n" not in str(refusal.value)


def test_a_missing_file_is_refused(tmp_path: Path) -> None:
    """Named, with what to set; Keras is not even imported for that."""
    with pytest.raises(ModelError, match=r"none.keras: No such file.*set classifier.model"):
        KerasClassifier(tmp_path / "none.keras")


def test_another_kind_of_file_is_refused(tmp_path: Path) -> None:
    """A text file with a network's ending is not handed to Keras."""
    (tmp_path / "text.h5").write_text("text")
    with pytest.raises(ModelError, match=r"need a .keras, .h5 or .hdf5 file"):
        KerasClassifier(tmp_path / "text.h5")


def test_without_keras_the_error_names_what_to_install(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A machine without TensorFlow is told how to get it, or to do without."""
    monkeypatch.setitem(sys.modules, "keras", None)
    (tmp_path / "a.keras").write_bytes(b"PK\x03\x04")
    with pytest.raises(ModelError, match=r"pip install 'smartselfie\[train\]', or set classifier.kind"):
        KerasClassifier(tmp_path / "a.keras", scaling="0..1")
