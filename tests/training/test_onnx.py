"""ONNX out and in: written layer by layer, checked, and run by the program's classifier."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from smartselfie.errors import ModelError, UsageError
from smartselfie.records import CLASSES
from smartselfie.training import datasets
from tests.training.faces import make
from tests.training.test_commands import run
from tests.training.test_model import MODEL

pytestmark = pytest.mark.filterwarnings("default")  # Keras and its backends warn about each other
onnx_classifier = pytest.importorskip("smartselfie.classifiers.onnx")


def scored(network: Any, folder: Path, faces: np.ndarray) -> list[np.ndarray]:
    """What the ONNX form of a Keras network makes of faces."""
    from smartselfie.classifiers import onnx_files
    from smartselfie.training import onnx_convert

    session = onnx_files.load(folder / "n.onnx", onnx_convert.convert(network), 1)
    return session.run(None, {"face": faces})


@pytest.mark.parametrize(
    ("name", "options"),
    [("smile", {"widths": (8, 16), "blocks": (1, 1)}), ("mini_xception", {}), ("cnn4", {}),
     ("vgg", {"widths": (8, 8, 8, 8), "dense": 8}), ("vgg16_bottleneck", {"weights": None})],
)  # fmt: skip
def test_every_network_computes_the_same(tmp_path: Path, name: str, options: dict[str, Any]) -> None:
    """Convolutions of all kinds, pooling, normalisation, and a network within a network."""
    from smartselfie.training import networks

    network = networks.build(name, ("ferplus", "fer2013"), 48, **options)
    faces = make(7).images[..., None].astype(np.float32)
    made = dict(zip(network.output_names, scored(network, tmp_path, faces), strict=True))
    for head, expected in network.predict(faces, verbose=0).items():
        assert made[head] == pytest.approx(expected, abs=2e-3 * max(1.0, float(np.abs(expected).max())))


def test_the_shipped_network_goes_out_and_in(tmp_path: Path) -> None:
    """`export --format onnx` of it decides as it and as its .tflite do; kind: onnx runs the file."""
    from smartselfie.classifiers.litert import LiteRtClassifier

    datasets.save(make(280), tmp_path / "faces.npz")
    for ending in (".tflite", ".json"):
        (tmp_path / f"net{ending}").write_bytes(MODEL.with_suffix(ending).read_bytes().replace(
            b"expression.tflite", b"net.tflite"))  # fmt: skip
    out = tmp_path / "net.onnx"
    words = ("--data", tmp_path / "faces.npz", "--format", "onnx", "--out", out)
    printed = run("export", MODEL.with_suffix(".keras"), *words)
    assert "otherwise than net.tflite" in printed
    told = json.loads((tmp_path / "net.onnx.json").read_text())
    assert max(told["differs"].values()) == 0
    crops = make(14, seed=5).images
    mine = onnx_classifier.OnnxClassifier(out)(crops)
    theirs = LiteRtClassifier(MODEL)(crops)
    near = [abs(one.happy - two.happy) for one, two in zip(mine, theirs, strict=True)]
    assert max(near) < 0.15  # the .tflite computes in integers
    assert run("evaluate", out, "--data", tmp_path / "faces.npz", "--no-latency", "--json")


def channels_first(path: Path, classes: int = 7, batch: object = "N") -> Path:
    """A network as PyTorch writes them: (N, 1, 8, 8) in 0..1, row k of the face speaks for class k."""
    from onnx import TensorProto, helper, numpy_helper

    weights = np.zeros((64, classes), np.float32)
    for row in range(classes):
        weights[row * 8 : row * 8 + 8, row] = 5 / 8
    nodes = [
        helper.make_node("Flatten", ["x"], ["flat"]),
        helper.make_node("MatMul", ["flat", "w"], ["logits"]),
        helper.make_node("Softmax", ["logits"], ["y"]),
    ]
    graph = helper.make_graph(
        nodes,
        "theirs",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, [batch, 1, 8, 8])],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, [batch, classes])],
        [numpy_helper.from_array(weights, "w")],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=9)
    path.write_bytes(model.SerializeToString())
    return path


@pytest.mark.parametrize("batch", ["N", 1, 4])
def test_a_network_of_others_runs(tmp_path: Path, batch: object) -> None:
    """Channels first, any number of faces at once or only so many; its scaling must be said."""
    from tests.tiny_network import row_crop

    path = channels_first(tmp_path / "theirs.onnx", batch=batch)
    with pytest.raises(ModelError, match=r"set classifier\.scaling"):
        onnx_classifier.OnnxClassifier(path)
    crops = np.stack([row_crop(row) for row in range(7)])
    scores = onnx_classifier.OnnxClassifier(path, scaling="0..1")(crops)
    assert [each.top for each in scores] == list(CLASSES)


@pytest.mark.parametrize(
    ("make_file", "match"),
    [
        (lambda path: path.with_name("none.onnx"), "No such file"),
        (lambda path: (path.write_bytes(b"no network"), path)[1], "cannot be loaded"),
        (lambda path: channels_first(path, classes=8), r"expected \(N, 7\); name its classes"),
    ],
)
def test_a_bad_file_is_refused_in_one_line(tmp_path: Path, make_file: Any, match: str) -> None:
    """It names the file and what to do."""
    with pytest.raises(ModelError, match=match) as refused:
        onnx_classifier.OnnxClassifier(make_file(tmp_path / "net.onnx"), scaling="0..1")
    assert "\n" not in str(refused.value)


def test_an_onnx_file_is_float32(tmp_path: Path) -> None:
    """Another number format is refused before anything is computed."""
    with pytest.raises(UsageError, match="an ONNX file is float32"):
        run("export", "network.keras", "--format", "onnx", "--kind", "int8")
