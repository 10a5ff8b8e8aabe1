"""What has to be said to the array library before it is imported. Imports nothing heavy itself."""

from __future__ import annotations

import os
import sys

from smartselfie.errors import UsageError

SEPARABLE = frozenset({"mini_xception"})
"""Networks with depthwise or separable convolutions."""


def start() -> None:
    """Import Keras and its backend without their greetings; after `choose`. Raises ModelError."""
    from smartselfie.classifiers.keras_files import import_keras

    import_keras()


def choose(network: str = "") -> None:
    """Set the environment for training or running `network`; call it before keras is imported.

    TensorFlow 2.19 to 2.21 corrupts memory in oneDNN's kernels when it trains separable convolutions on
    AVX-512 machines, so oneDNN is off for those networks; plain convolutions train twice as fast with it.
    UsageError when TensorFlow was imported before with oneDNN on.
    """
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")  # PyTorch's threads would spin while others compute
    if network not in SEPARABLE:
        return
    if "tensorflow" in sys.modules and os.environ.get("TF_ENABLE_ONEDNN_OPTS") != "0":
        raise UsageError(f"{network}: set TF_ENABLE_ONEDNN_OPTS=0 before TensorFlow is imported")
    os.environ["TF_ENABLE_ONEDNN_OPTS"] = "0"
