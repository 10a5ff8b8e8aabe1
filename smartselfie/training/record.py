"""What a run was made with: versions, commit, fingerprints of its data."""

from __future__ import annotations

import json
import platform
import subprocess
from importlib import metadata
from pathlib import Path
from typing import Any

import keras
import numpy as np

from smartselfie._version import __version__
from smartselfie.training import datasets
from smartselfie.training.datasets import Faces

PACKAGES = ("keras", "tensorflow", "torch", "jax", "numpy", "opencv-python")


def write_about(run: Path, faces: Faces, network: Any) -> None:
    """Write `about.json` into the run's folder."""
    weights = sum(int(np.prod(weight.shape)) for weight in network.weights)
    about = {
        "smartselfie": __version__,
        "commit": _commit(),
        "python": platform.python_version(),
        "machine": f"{platform.system()} {platform.machine()}",
        "backend": keras.backend.backend(),
        "packages": {name: version for name in PACKAGES if (version := _version(name))},
        "faces": {
            "count": len(faces),
            "classes": list(faces.classes),
            "pictures": datasets.fingerprint(faces),
            "labels": datasets.fingerprint_labels(faces),
        },
        "network": {"name": network.name, "weights": weights, "bytes_float32": 4 * weights},
    }
    (run / "about.json").write_text(json.dumps(about, indent=2) + "\n")


def _version(package: str) -> str | None:
    try:
        return metadata.version(package)
    except metadata.PackageNotFoundError:
        return None


def _commit() -> str | None:
    """Return the commit of a checkout; None for an installed package."""
    command = ["git", "-C", str(Path(__file__).parent), "rev-parse", "HEAD"]
    try:
        found = subprocess.run(command, capture_output=True, text=True, check=False, timeout=10)
    except (OSError, subprocess.TimeoutExpired):
        return None
    return found.stdout.strip() or None
