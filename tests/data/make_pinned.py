"""Trains the small network that tests pin their expectations on: `python -m tests.data.make_pinned`.

It knows the demo source's faces only, neutral or happy, and never changes unless this is run again: what the
pipeline does with the demo source through it is the same on every run and every machine.
"""

from __future__ import annotations

import hashlib
import json
import os
from pathlib import Path

import cv2
import numpy as np
import numpy.typing as npt

from smartselfie.deciding.face_input import crop_face
from smartselfie.records import CLASSES, Box, Image
from smartselfie.sources.demo import HALF, SMILES_FROM, Actor, DemoScript, draw_scene
from smartselfie.sources.scene.people import PEOPLE

HERE = Path(__file__).resolve().parent
SIZE = (1280, 720)
JITTER = 0.06
"""How far a detector's boxes may be off, as a share of their side."""
COPIES = 3


def find_face(image: Image) -> Box | None:
    """The largest face that the frontal cascade finds."""
    cascade = cv2.CascadeClassifier(cv2.data.haarcascades + "haarcascade_frontalface_default.xml")
    small = cv2.cvtColor(cv2.resize(image, (320, 180), interpolation=cv2.INTER_AREA), cv2.COLOR_BGR2GRAY)
    found = [Box(*(4 * int(value) for value in box)) for box in cascade.detectMultiScale(small, 1.1, 5)]
    return max(found, key=lambda box: box.area, default=None)


def make_faces() -> tuple[npt.NDArray[np.float32], npt.NDArray[np.float32]]:
    """Draw faces and cut them out; returns (N, 48, 48, 1) pixels 0..255 and (N, 7) targets."""
    rng = np.random.default_rng(1)
    crops, targets = [], []
    for person in range(len(PEOPLE)):
        for smile in (0.0, 0.0, 0.1, 0.2, HALF, SMILES_FROM, 0.6, 0.7, 0.8, 1.0, 1.0):
            for shut, size, tilt in ((0.0, 0.4, -5), (0.0, 0.3, 3), (0.5, 0.42, 0), (1.0, 0.36, 5)):
                actor = Actor(smile=smile, size=size, tilt=tilt, person=person, blinks=(1.0,))
                image = draw_scene(DemoScript((actor,), 2.0), SIZE, 1.0 + 0.14 * (1 - shut))
                box = find_face(image)
                if box is None:
                    continue
                for _ in range(COPIES):
                    dx, dy, grow = rng.uniform(-JITTER, JITTER, 3) * box.width
                    moved = Box(
                        round(box.x + dx),
                        round(box.y + dy),
                        round(box.width + grow),
                        round(box.height + grow),
                    )
                    target = np.full(len(CLASSES), 0.004, np.float32)
                    target[CLASSES.index("happy" if smile >= SMILES_FROM else "neutral")] = 0.976
                    crops.append(crop_face(image, moved))
                    targets.append(target)
    return np.stack(crops)[..., None].astype(np.float32), np.stack(targets)


def train(crops: npt.NDArray[np.float32], targets: npt.NDArray[np.float32]) -> bytes:
    """Fit the network and return it as a .tflite file of 7 logits."""
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    import keras
    import tensorflow as tf
    from keras import layers

    keras.utils.set_random_seed(1)
    tf.config.experimental.enable_op_determinism()
    network = keras.Sequential(
        [
            keras.Input((48, 48, 1), batch_size=None),
            layers.Conv2D(8, 5, strides=3, activation="relu"),
            layers.Conv2D(12, 3, strides=2, activation="relu"),
            layers.Conv2D(16, 3, activation="relu"),
            layers.Flatten(),
            layers.Dense(len(CLASSES)),
        ]
    )
    loss = keras.losses.CategoricalCrossentropy(from_logits=True)
    network.compile(keras.optimizers.Adam(2e-3), loss)
    network.fit(crops / 127.5 - 1, targets, batch_size=64, epochs=30, verbose=2)
    return bytes(tf.lite.TFLiteConverter.from_keras_model(network).convert())


def main() -> None:
    """Write `pinned.tflite` and `pinned.json` beside this file."""
    crops, targets = make_faces()
    print(f"{len(crops)} faces")
    network = train(crops, targets)
    description = {
        "name": "pinned",
        "version": "1",
        "classes": list(CLASSES),
        "input": {"size": [48, 48], "channels": 1, "scale": 1 / 127.5, "offset": -1.0},
        "outputs": {"ferplus": 0},
        "read": "ferplus",
        "activation": "logits",
        "temperature": {"ferplus": 1.0},
        "sha256": hashlib.sha256(network).hexdigest(),
        "made_by": "python -m tests.data.make_pinned",
    }
    (HERE / "pinned.tflite").write_bytes(network)
    (HERE / "pinned.json").write_text(json.dumps(description, indent=2) + "\n", encoding="utf-8")
    print(f"pinned.tflite: {len(network)} bytes")


if __name__ == "__main__":
    main()
