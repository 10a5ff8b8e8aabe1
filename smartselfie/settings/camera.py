"""The settings of what sees: source, detector, classifier."""

from __future__ import annotations

from typing import Literal

from pydantic import model_validator

from smartselfie.settings.fields import Section, broken_rule, setting
from smartselfie.settings.values import (
    ClassOrder,
    Duration,
    Integer,
    Number,
    PathSetting,
    PictureSize,
    Rotation,
    SourceName,
)


class SourceSettings(Section):
    """Where the pictures come from."""

    use: SourceName = setting(
        "auto",
        "auto (the first camera), a camera's number, /dev/video0, a video file, a folder of pictures, "
        "an http(s) or rtsp URL, picamera, or demo (a drawn face; needs no camera).",
        private=True,
        example="rtsp://camera.local/stream",
    )
    size: PictureSize = setting(
        (1280, 720),
        "Width and height asked of a camera. Larger: finer pictures, more work per frame. "
        "A camera that has no such mode gives the nearest it has; files keep their own size.",
        unit="pixels",
    )
    fps: Number = setting(30, "Frame rate asked of a camera.", gt=0, le=240, unit="frames per second")
    rotate: Rotation = setting(
        0, "Turn the picture clockwise, for a camera that hangs on its side or upside down.", unit="degrees"
    )
    stall_after: Duration = setting(
        3.0,
        "A camera that gives no frame for this long counts as stalled and is opened again. "
        "Shorter: quicker recovery; too short: a slow camera is restarted for nothing.",
        ge=0.5,
        le=600,
    )
    black_after: Duration = setting(
        2.0,
        "Pictures that are black for this long are reported (a lens cap, a covered camera).",
        ge=0.5,
        le=3600,
    )
    frozen_after: Duration = setting(
        20.0,
        "A live camera whose pictures stay identical for this long is opened once more, then only reported.",
        ge=1,
        le=86400,
    )
    give_up: Duration | None = setting(
        None,
        "Stop trying to get a lost camera back after this long; null: try for ever.",
        gt=0,
        le=31_536_000,
    )


class DetectorSettings(Section):
    """How faces are found."""

    kind: Literal["haar", "yunet"] = setting(
        "haar",
        "haar: OpenCV's cascade, ships with everything. yunet: a small network, finds turned and tilted "
        "faces too; needs its .onnx file in `model`.",
    )
    cascade: PathSetting = setting(
        "haarcascade_frontalface_default.xml",
        "The cascade of haar: looked for here, then in haarcascade/, then in OpenCV's own data folder.",
        private=True,
    )
    detect_width: Integer = setting(
        320,
        "Faces are searched in a copy of the picture this wide. Wider: more distant faces are found, "
        "and a full search takes longer (twice as wide: four times).",
        ge=80,
        le=4096,
        unit="pixels",
    )
    scale_factor: Number = setting(
        1.1,
        "haar: step between the face sizes that are tried. Nearer to 1: fewer misses, slower.",
        gt=1,
        le=2,
    )
    min_neighbors: Integer = setting(
        5,
        "haar: how many overlapping finds make a face. More: fewer false faces, more missed ones.",
        ge=0,
        le=50,
    )
    min_score: Number = setting(
        0.8,
        "yunet: score from which a find is a face. Higher: fewer false faces, more missed ones.",
        gt=0,
        le=1,
    )
    rescan: Integer = setting(
        15,
        "Once a face is known only its surroundings are searched, and the whole picture every so many frames "
        "(at least once a second). Fewer: newcomers are seen sooner, more work.",
        ge=1,
        le=1000,
        unit="frames",
    )
    model: PathSetting | None = setting(
        None, "The .onnx file of yunet.", private=True, example="face_detection_yunet_2023mar.onnx"
    )

    @model_validator(mode="after")
    def _rules(self) -> DetectorSettings:
        if self.kind == "yunet" and self.model is None:
            raise broken_rule(
                ("model", "kind"), "kind yunet needs the path of its .onnx file in detector.model"
            )
        return self


class ClassifierSettings(Section):
    """The network that scores the expressions of a face."""

    kind: Literal["litert", "keras"] = setting(
        "litert",
        "litert: runs a .tflite file, light enough for a Pi. keras: runs a .keras, .h5 or .hdf5 file; "
        "needs TensorFlow.",
    )
    model: PathSetting | None = setting(
        None, "The network's file; null: the one that ships.", private=True, example="model/mine.tflite"
    )
    architecture: PathSetting | None = setting(
        None,
        "keras: the .json file with the architecture, where `model` holds only the weights.",
        private=True,
        example="fer.json",
    )
    classes: ClassOrder | None = setting(
        None,
        "Order of the network's seven outputs, for a network without a description (a .json file) beside it; "
        "null: what the description says, else the order of FER2013.",
    )
    scaling: Literal["0..255", "0..1", "-1..1"] | None = setting(
        None,
        "Range of gray values that a network without a description wants; null: what the description says.",
    )
