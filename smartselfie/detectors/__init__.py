"""The detectors, which find faces: one file per kind, imported only when it is chosen."""

from __future__ import annotations

from typing import Self

from smartselfie.schema.fields import Section, setting
from smartselfie.schema.kinds import Family, KindEntry
from smartselfie.schema.values import Integer
from smartselfie.seams import Detector

PHOTO_WIDTH = 640
"""Pixels across a single photo when faces are searched in it: finds 12 % more of them than 320; wider copies
add mostly false ones."""


class DetectorSettings(Section):
    """How faces are found."""

    kind: str = ""

    @property
    def spread(self) -> int | None:
        """Frames over which a search of the whole picture is spread: `rescan` of kinds that have it.

        None: the whole picture is searched in each frame.
        """
        rescan: int | None = getattr(self, "rescan", None)
        return rescan

    def for_photos(self, width: int | None = None) -> Self:
        """Return the settings for single photos, where small faces count and a search may take longer.

        `width`: pixels across the copy that is searched, where the kind searches one.
        """
        return self

    def finds_smaller(self, factor: float) -> str:
        """Say which setting finds faces smaller by `factor` (> 1); empty where none does."""
        return ""


class CopySettings(DetectorSettings):
    """Those of a detector that searches a smaller copy of the picture."""

    detect_width: Integer = setting(
        320,
        "Faces are searched in a copy of the picture this wide. Wider: more distant faces are found, "
        "and a full search takes longer (twice as wide: four times).",
        ge=80,
        le=4096,
        unit="pixels",
    )

    def for_photos(self, width: int | None = None) -> Self:
        """Return the settings for single photos: a wider copy."""
        return self.model_copy(update={"detect_width": width or max(PHOTO_WIDTH, self.detect_width)})

    def finds_smaller(self, factor: float) -> str:
        """Say how wide the copy must be."""
        return f"detector.detect_width: {round(self.detect_width * factor) + 1}"


DETECTORS: Family[Detector] = Family(
    "detectors",
    {
        "network": KindEntry(
            "smartselfie.detectors.network", "the network that ships: turned, tilted and covered faces too."
        ),
        "haar": KindEntry(
            "smartselfie.detectors.haar", "OpenCV's cascade: upright faces from the front; needs OpenCV 4."
        ),
        "yunet": KindEntry(
            "smartselfie.detectors.yunet",
            "another network; needs its .onnx file in `model`.",
        ),
    },
    base=DetectorSettings,
    default="network",
)
"""A kind's module has `Settings(DetectorSettings)` and `build(settings, *, smallest) -> Detector`."""
