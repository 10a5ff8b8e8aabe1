"""Single pictures: every kind that people have, and what is refused before it costs anything."""

import io
import struct
import tracemalloc
import zlib
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image as Pillow

from smartselfie.errors import PictureError
from smartselfie.pictures.photos import UPLOADS, decode, find_faces, read_picture, whole_face
from smartselfie.records import Box, Face, Image, Look, Scores
from tests.fakes import scores

RED = (255, 0, 0)
RED_BGR = [0, 0, 255]


def encoded(picture: Pillow.Image, kind: str, **options: object) -> bytes:
    """A picture as a file of that kind."""
    target = io.BytesIO()
    picture.save(target, kind, **options)
    return target.getvalue()


def bomb(side: int) -> bytes:
    """A valid black PNG of side x side pixels that is a few kilobytes long."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    pack = zlib.compressobj(9)
    row = bytes(1 + (side + 7) // 8)
    body = b"".join(pack.compress(row) for _ in range(side)) + pack.flush()
    header = struct.pack(">IIBBBBB", side, side, 1, 0, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", body) + chunk(b"IEND", b"")


def plain(mode: str, color: object) -> Pillow.Image:
    """A 6x4 picture of one colour."""
    return Pillow.new(mode, (6, 4), color)  # type: ignore[arg-type]


NOISE = Pillow.fromarray(np.random.default_rng(0).integers(0, 256, (64, 96)).astype(np.uint8))
JPEG, PNG = encoded(NOISE, "JPEG"), encoded(NOISE, "PNG")

KINDS: dict[str, tuple[bytes, list[int]]] = {
    "colour": (encoded(plain("RGB", RED), "PNG"), RED_BGR),
    "gray": (encoded(plain("L", 128), "PNG"), [128] * 3),
    "black and white": (encoded(plain("1", 1), "PNG"), [255] * 3),
    "16 bit": (encoded(Pillow.fromarray(np.full((4, 6), 40_000, np.uint16)), "PNG"), [156] * 3),
    "16 bit TIFF": (encoded(Pillow.fromarray(np.full((4, 6), 40_000, np.uint16)), "TIFF"), [156] * 3),
    "float TIFF": (encoded(Pillow.fromarray(np.full((4, 6), 0.5, np.float32)), "TIFF"), [128] * 3),
    "32 bit TIFF": (encoded(Pillow.fromarray(np.full((4, 6), 100, np.int32)), "TIFF"), [100] * 3),
    "transparent": (encoded(plain("RGBA", (*RED, 0)), "PNG"), [255] * 3),
    "half transparent gray": (encoded(plain("LA", (0, 128)), "PNG"), [127] * 3),
    "palette": (encoded(plain("RGB", RED).convert("P"), "PNG"), RED_BGR),
    "palette with a hole": (encoded(plain("P", 0), "PNG", transparency=0), [255] * 3),
    "GIF": (encoded(plain("RGB", RED), "GIF"), RED_BGR),
    "WebP": (encoded(plain("RGB", RED), "WEBP", lossless=True), RED_BGR),
    "BMP": (encoded(plain("RGB", RED), "BMP"), RED_BGR),
}


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_becomes_bgr(kind: str) -> None:
    """Gray, deep, transparent and palette pictures all become (H, W, 3) uint8 BGR of the right colour."""
    data, color = KINDS[kind]
    image = decode(data)
    assert (image.shape, image.dtype) == ((4, 6, 3), np.uint8)
    assert image.flags.c_contiguous
    assert image[2, 3].tolist() == color


def test_cmyk_jpegs_become_bgr() -> None:
    """Print shops send them."""
    image = decode(encoded(plain("CMYK", (0, 255, 255, 0)), "JPEG"))
    np.testing.assert_allclose(image[2, 3], RED_BGR, atol=4)


def test_a_single_pixel_is_a_picture() -> None:
    """1x1 decodes like any other."""
    assert decode(encoded(Pillow.new("RGB", (1, 1), RED), "PNG")).tolist() == [[RED_BGR]]


def test_twenty_megapixels_are_decoded() -> None:
    """A camera's full picture is not too large."""
    assert decode(encoded(Pillow.new("L", (5472, 3648)), "JPEG")).shape == (3648, 5472, 3)


@pytest.mark.parametrize("orientation", range(1, 9))
def test_exif_orientation_is_respected(orientation: int) -> None:
    """Whichever way the camera was held, the mark comes back to the upper left corner."""
    upright = Pillow.new("RGB", (48, 32))
    upright.paste(RED, (0, 0, 16, 16))
    turn = Pillow.Transpose
    stored = {
        2: turn.FLIP_LEFT_RIGHT, 3: turn.ROTATE_180, 4: turn.FLIP_TOP_BOTTOM, 5: turn.TRANSPOSE,
        6: turn.ROTATE_90, 7: turn.TRANSVERSE, 8: turn.ROTATE_270,
    }  # fmt: skip
    picture = upright.transpose(stored[orientation]) if orientation in stored else upright
    exif = Pillow.Exif()
    exif[0x0112] = orientation
    image = decode(encoded(picture, "JPEG", exif=exif, quality=95))
    assert image.shape == (32, 48, 3)
    assert image[8, 8, 2] > 200
    assert image[24, 40].max() < 50


@pytest.mark.filterwarnings("ignore:Corrupt EXIF")
def test_damaged_exif_does_not_cost_the_picture() -> None:
    """A picture whose EXIF block is garbage is decoded as it lies."""
    garbage = b"Exif\0\0MM\0*\0\0\0\x08\xff\xff\x01\x12garbage"
    assert decode(encoded(plain("RGB", RED), "JPEG", exif=garbage)).shape == (4, 6, 3)


REFUSED: dict[str, tuple[bytes, str]] = {
    "nothing": (b"", "an empty file"),
    "text": (b"I am no picture\n" * 50, "not a picture of a known format"),
    "half a JPEG": (JPEG[: len(JPEG) // 2], "damaged or cut off"),
    "half a PNG": (PNG[: len(PNG) // 2], "damaged or cut off"),
    "a damaged PNG": (PNG[:3000] + bytes(10) + PNG[3010:], "damaged or cut off"),
    "too many bytes": (bytes(2000), "too large: 0.0 MB"),
    "too many pixels": (bomb(9000), "too large: 9000x9000 is more than 80 megapixels"),
    "far too many pixels": (bomb(30_000), "too large: more than 80 megapixels"),
}


@pytest.mark.parametrize("case", REFUSED)
def test_what_cannot_be_decoded_is_refused_in_one_line(case: str) -> None:
    """Each is a PictureError that says why."""
    data, message = REFUSED[case]
    with pytest.raises(PictureError, match=message) as refusal:
        decode(data, max_bytes=1000 if case == "too many bytes" else 1_000_000)
    assert "\n" not in str(refusal.value)


def test_a_decompression_bomb_costs_no_memory() -> None:
    """A 30,000 x 30,000 PNG of about 100 KB is refused before a row of it is decoded."""
    data = bomb(30_000)
    assert len(data) < 120_000
    tracemalloc.start()
    try:
        with pytest.raises(PictureError):
            decode(data, formats=UPLOADS)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < 5_000_000


@pytest.mark.parametrize("kind", ["GIF", "WEBP", "BMP", "TIFF"])
def test_uploads_are_png_or_jpeg_by_content(kind: str) -> None:
    """Other formats are refused with the two that are taken, these two are taken."""
    with pytest.raises(PictureError, match="no PNG or JPEG picture"):
        decode(encoded(plain("RGB", RED), kind), formats=UPLOADS)
    assert decode(JPEG, formats=UPLOADS).shape == decode(PNG, formats=UPLOADS).shape == (64, 96, 3)


@pytest.mark.filterwarnings("ignore::UserWarning")
@settings(max_examples=150, deadline=None)
@given(st.sampled_from([JPEG, PNG]), st.integers(0, 6000), st.binary(min_size=1, max_size=12))
def test_damage_anywhere_is_a_picture_or_a_picture_error(data: bytes, place: int, damage: bytes) -> None:
    """No damaged byte leads to any other exception."""
    place %= len(data)
    damaged = data[:place] + damage + data[place + len(damage) :]
    try:
        image = decode(damaged, max_pixels=1_000_000)
    except PictureError:
        return
    assert image.dtype == np.uint8
    assert image.ndim == 3


def test_a_file_that_is_refused_is_named(tmp_path: Path) -> None:
    """`read_picture` puts the path before the reason, also for files that are not there or too large."""
    path = tmp_path / "a.jpg"
    with pytest.raises(PictureError, match=f"^{path}: No such file"):
        read_picture(path)
    path.write_text("text")
    with pytest.raises(PictureError, match=f"^{path}: not a picture"):
        read_picture(path)
    path.write_bytes(PNG)
    with pytest.raises(PictureError, match=f"^{path}: too large"):
        read_picture(path, max_bytes=100)
    assert read_picture(path).shape == (64, 96, 3)


class Brightness:
    """Scores a crop by the brightness of its middle, and keeps what it saw."""

    input_size = (12, 10)

    def __init__(self) -> None:
        self.seen: Image | None = None

    def __call__(self, crops: Image) -> list[Scores]:
        """P(happy) is the middle pixel's share of white."""
        self.seen = crops
        return [scores(float(crop[5, 6]) / 255) for crop in crops]


def detector(*boxes: Box) -> Callable[[Image, Look], list[Face]]:
    """Finds these boxes when the whole picture is searched."""
    return lambda image, look: [Face(box) for box in boxes] if look.full else []


def test_faces_come_largest_first_with_their_own_scores() -> None:
    """The tracks count from 1 in that order, and each face has the scores of its own box."""
    image = np.zeros((100, 200, 3), np.uint8)
    image[:, 100:] = 255
    small, large = Box(10, 10, 30, 30), Box(120, 20, 60, 60)
    faces = find_faces(image, detector(small, large), Brightness())
    assert [(face.box, face.track) for face in faces] == [(large, 1), (small, 2)]
    assert [face.scores.happy for face in faces if face.scores] == [1.0, 0.0]


def test_no_faces_are_an_empty_list() -> None:
    """A picture of nobody is not an error."""
    assert find_faces(np.zeros((20, 20, 3), np.uint8), detector(), Brightness()) == []


def test_a_whole_picture_is_one_face() -> None:
    """Its box is the picture, and the crop is all of it: nothing is cut off a picture that is not square."""
    image = np.zeros((60, 120, 3), np.uint8)
    image[:, :10], image[:, 110:] = 200, 100
    classify = Brightness()
    face = whole_face(image, classify)
    assert face.box == Box(0, 0, 120, 60)
    assert face.scores is not None
    assert classify.seen is not None
    assert classify.seen.shape == (1, 10, 12)
    assert classify.seen[0, 5, 0] == 200
    assert classify.seen[0, 5, 11] == 100
