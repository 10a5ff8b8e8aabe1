"""Single pictures, from files or uploads: safe decoding, and the faces in them."""

from __future__ import annotations

import warnings
from dataclasses import replace
from io import BytesIO
from pathlib import Path

import cv2
import numpy as np
from PIL import Image as Pillow
from PIL import ImageOps, UnidentifiedImageError

from smartselfie.deciding.face_input import crop_face, crop_faces
from smartselfie.errors import PictureError, PictureTooLargeError
from smartselfie.records import Box, Face, Image, Look
from smartselfie.seams import Classifier, Detector

MAX_BYTES = 100_000_000
"""Largest file that is read; a 20-megapixel PNG is about 40 MB."""
MAX_PIXELS = 80_000_000
"""Largest picture that is decoded: 240 MB in memory."""
UPLOADS = ("PNG", "JPEG")
"""The formats that strangers may send."""

# Pillow warns of what needs no warning here: large pictures have their own limit, damaged EXIF is not used.
warnings.filterwarnings("ignore", module=r"PIL\.")


def decode(
    data: bytes,
    *,
    max_bytes: int = MAX_BYTES,
    max_pixels: int = MAX_PIXELS,
    formats: tuple[str, ...] | None = None,
) -> Image:
    """Return the picture in `data` as (H, W, 3) uint8 BGR, upright.

    `formats` are Pillow's names of those allowed, judged by content (`UPLOADS`); None allows every one that
    Pillow knows. Gray, 16-bit, palette and CMYK pictures are converted, transparency lies over white, and the
    first picture of an animation counts. Raises `PictureError` for anything else, before decoding when it is
    larger than `max_bytes` or `max_pixels`.
    """
    if not data:
        raise PictureError("an empty file")
    if len(data) > max_bytes:
        raise PictureTooLargeError(_too_many_bytes(len(data), max_bytes))
    try:
        opened = Pillow.open(BytesIO(data), formats=formats)
    except UnidentifiedImageError as error:
        known = f"no {' or '.join(formats)} picture" if formats else "not a picture of a known format"
        raise PictureError(known) from error
    except (Pillow.DecompressionBombError, Pillow.DecompressionBombWarning) as error:
        raise PictureTooLargeError(f"too large: more than {max_pixels / 1e6:g} megapixels") from error
    except Exception as error:  # a damaged header makes the formats' readers raise nearly anything
        raise PictureError(f"damaged or cut off: {error}") from error
    with opened:
        width, height = opened.size
        if width * height > max_pixels:
            raise PictureTooLargeError(
                f"too large: {width}x{height} is more than {max_pixels / 1e6:g} megapixels",
                remedy="make it smaller",
            )
        try:
            opened.load()
            return _to_bgr(ImageOps.exif_transpose(opened))
        except Exception as error:  # as above, for damaged data
            raise PictureError(f"damaged or cut off: {error}") from error


def read_picture(path: Path, *, max_bytes: int = MAX_BYTES, max_pixels: int = MAX_PIXELS) -> Image:
    """Return a picture file of any format as (H, W, 3) uint8 BGR; raises `PictureError` that names it."""
    try:
        if path.exists() and not path.is_file():
            raise PictureError(f"{path}: not a file")
        size = path.stat().st_size
        if size > max_bytes:
            raise PictureTooLargeError(f"{path}: {_too_many_bytes(size, max_bytes)}")
        data = path.read_bytes()
    except OSError as error:
        raise PictureError(f"{path}: {error.strerror}") from error
    try:
        return decode(data, max_bytes=max_bytes, max_pixels=max_pixels)
    except PictureError as error:
        raise type(error)(f"{path}: {error.what}", remedy=error.remedy) from error


def find_faces(image: Image, detector: Detector, classifier: Classifier) -> list[Face]:
    """Return the scored faces of a (H, W, 3) BGR picture, the largest first; `track` numbers them from 1."""
    faces = sorted(detector(image, Look()), key=lambda face: (-face.box.area, face.box.x, face.box.y))
    scores = classifier(crop_faces(image, faces, classifier.input_size))
    return [
        replace(face.scored(score), track=track)
        for track, (face, score) in enumerate(zip(faces, scores, strict=True), start=1)
    ]


def whole_face(image: Image, classifier: Classifier) -> Face:
    """Return a (H, W, 3) BGR picture that is one face crop already, scored, without any detection.

    A picture that is not square is made so with its border pixels, as training saw its crops.
    """
    box = Box(0, 0, image.shape[1], image.shape[0])
    crop = crop_face(image, box, classifier.input_size, scale=1.0, shift=0.0)
    return Face(box, 1).scored(classifier(crop[np.newaxis])[0])


def _too_many_bytes(size: int, limit: int) -> str:
    return f"too large: {size / 1e6:.1f} MB, at most {limit / 1e6:g} MB are read"


def _to_bgr(picture: Pillow.Image) -> Image:
    if picture.mode in ("F", "I", "I;16", "I;16B", "I;16L", "I;16N"):
        return _deep_gray_to_bgr(picture)
    if picture.has_transparency_data:
        picture = picture.convert("RGBA")
        white = Pillow.new("RGBA", picture.size, "white")
        picture = Pillow.alpha_composite(white, picture)
    rgb = np.asarray(picture.convert("RGB"), np.uint8)
    return np.asarray(cv2.cvtColor(rgb, cv2.COLOR_RGB2BGR), np.uint8)


def _deep_gray_to_bgr(picture: Pillow.Image) -> Image:
    """Bring deeper gray to 8 bits; where the kind does not say what is white, the least that fits."""
    gray = np.nan_to_num(np.asarray(picture).astype(np.float32))
    whites = [65535.0] if picture.mode.startswith("I;16") else [1.0, 255.0, 65535.0]
    white = next((white for white in whites if gray.max() <= white), float(gray.max()))
    gray8 = np.clip(gray * (255 / white), 0, 255).round().astype(np.uint8)
    return np.asarray(cv2.cvtColor(gray8, cv2.COLOR_GRAY2BGR), np.uint8)
