"""The classifiers, which score expressions: one file per kind, imported only when it is chosen."""

from __future__ import annotations

from typing import Literal

from smartselfie.schema.fields import Section, setting
from smartselfie.schema.kinds import Family, KindEntry
from smartselfie.schema.values import ClassOrder, PathSetting
from smartselfie.seams import Classifier


class ClassifierSettings(Section):
    """The network that scores the expressions of a face."""

    kind: str = ""


class NetworkSettings(ClassifierSettings):
    """What a network in a file may need to be told."""

    model: PathSetting | None = setting(
        None, "The network's file; null: the one that ships.", private=True, example="model/mine.tflite"
    )
    classes: ClassOrder | None = setting(
        None,
        "What the network's outputs are, in their order, for a network without a description (a .json file) "
        "beside it; null: what the description says, else the seven of FER2013.",
    )
    scaling: Literal["0..255", "0..1", "-1..1"] | None = setting(
        None,
        "Range of gray values that a network without a description wants; null: what the description says.",
    )


CLASSIFIERS: Family[Classifier] = Family(
    "classifiers",
    {
        "litert": KindEntry("smartselfie.classifiers.litert", "runs a .tflite file, light enough for a Pi."),
        "keras": KindEntry(
            "smartselfie.classifiers.keras", "runs a .keras, .h5 or .hdf5 file; needs TensorFlow."
        ),
        "onnx": KindEntry("smartselfie.classifiers.onnx", "runs a .onnx file; needs onnxruntime."),
    },
    base=ClassifierSettings,
    default="litert",
)
"""A kind's module has `Settings(ClassifierSettings)` and `build(settings, *, threads) -> Classifier`."""
