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
