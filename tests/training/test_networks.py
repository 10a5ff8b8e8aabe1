"""The networks: their shapes, and what they may not import."""

import ast
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from smartselfie.errors import UsageError
from tests.training.faces import make

pytestmark = pytest.mark.filterwarnings("default")  # Keras and its backends warn about each other

TRAINING = Path(__file__).resolve().parents[2] / "smartselfie" / "training"
SMALL: dict[str, dict[str, Any]] = {
    "smile": {"widths": (8, 8), "blocks": (1, 1)},
    "mini_xception": {},
    "cnn4": {},
    "vgg": {"widths": (8, 8, 8, 8), "dense": 16},
    "vgg16_bottleneck": {"weights": None},
}


@pytest.mark.parametrize("name", SMALL)
def test_every_network_gives_seven_logits_a_head(name: str) -> None:
    """From 48x48 gray faces."""
    from smartselfie.training import networks

    network = networks.build(name, ("ferplus", "fer2013"), **SMALL[name])
    assert network.input_shape == (None, 48, 48, 1)
    logits = network(np.zeros((2, 48, 48, 1), np.float32))
    assert {head: tuple(each.shape) for head, each in logits.items()} == {
        "ferplus": (2, 7),
        "fer2013": (2, 7),
    }


def test_an_unknown_network_is_refused_with_the_names_there_are() -> None:
    """Not a KeyError."""
    from smartselfie.training import networks

    with pytest.raises(UsageError, match="mini_xception"):
        networks.build("inception")


@pytest.mark.parametrize("name", ["cnn4", "vgg16_bottleneck"])
def test_faces_that_are_too_small_are_refused_with_their_size(name: str) -> None:
    """Not with an error of Keras'."""
    from smartselfie.training import networks

    options = {"weights": None} if name == "vgg16_bottleneck" else {}
    with pytest.raises(UsageError, match=f"{name} .* 16 pixels"):
        networks.build(name, size=16, **options)


def test_weights_that_cannot_be_had_are_refused_with_a_remedy(tmp_path: Path) -> None:
    """Such as ImageNet's on a machine without a network."""
    from smartselfie.training import networks

    with pytest.raises(UsageError, match="--weights none"):
        networks.build("vgg16_bottleneck", weights=str(tmp_path / "missing.h5"))


def test_only_the_export_imports_tensorflow() -> None:
    """So that Keras' other backends train too."""
    for path in TRAINING.glob("*.py"):
        names = {
            name.split(".")[0]
            for node in ast.walk(ast.parse(path.read_text()))
            if isinstance(node, ast.Import | ast.ImportFrom)
            for name in (
                [a.name for a in node.names] if isinstance(node, ast.Import) else [node.module or ""]
            )
        }
        assert ("tensorflow" in names) == (path.name == "export.py"), path.name


def test_the_commands_load_nothing_heavy() -> None:
    """Their help is quick."""
    program = "import sys, json, smartselfie.training.commands; print(json.dumps(sorted(sys.modules)))"
    found = subprocess.run([sys.executable, "-c", program], check=True, capture_output=True, text=True)
    assert not {"keras", "tensorflow", "matplotlib", "sklearn", "cv2", "numpy"} & set(
        json.loads(found.stdout)
    )


def test_separable_networks_are_kept_off_onednn() -> None:
    """TensorFlow's oneDNN kernels corrupt memory when they train them on AVX-512."""
    program = (
        "import os; from smartselfie.training import backend; backend.choose('smile');"
        "assert 'TF_ENABLE_ONEDNN_OPTS' not in os.environ; backend.choose('mini_xception');"
        "print(os.environ['TF_ENABLE_ONEDNN_OPTS'])"
    )
    found = subprocess.run([sys.executable, "-c", program], check=True, capture_output=True, text=True)
    assert found.stdout.strip() == "0"


def test_a_widened_network_computes_the_same() -> None:
    """Every width may grow by its own factor; not one face is scored otherwise."""
    from smartselfie.training import networks
    from smartselfie.training.widen import widen

    narrow = networks.build("smile", size=24, widths=(8, 16, 24))
    wide = networks.build("smile", size=24, widths=(12, 40, 24))
    rng = np.random.default_rng(1)
    narrow.set_weights([rng.uniform(0.1, 0.5, each.shape) for each in narrow.get_weights()])
    wide.set_weights(widen(narrow.get_weights(), [each.shape for each in wide.get_weights()]))
    faces = make(5).images[:, :24, :24, None].astype(np.float32)
    for head, logits in narrow.predict(faces, verbose=0).items():
        assert wide.predict(faces, verbose=0)[head] == pytest.approx(logits, rel=1e-4), head


def test_channels_that_are_repeated_part() -> None:
    """What reads two copies of a channel does not take the same from both, or they would stay copies."""
    from smartselfie.training.widen import widen

    (made,) = widen([np.ones((2, 1), np.float32)], [(4, 1)])
    assert len(np.unique(made)) == 4


@pytest.mark.parametrize("shape", [(3, 3, 4, 2), (3, 4), (5, 5, 4, 8)])
def test_only_a_wider_network_of_the_same_layers_is_made(shape: tuple[int, ...]) -> None:
    """Narrower ones, and other layers, are refused."""
    from smartselfie.training.widen import widen

    with pytest.raises(ValueError, match=r"channels|layer"):
        widen([np.ones((3, 3, 4, 4), np.float32)], [shape])
