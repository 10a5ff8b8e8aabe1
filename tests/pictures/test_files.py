"""Pictures as files: what they carry, and how it is read back and changed."""

import io
import json
import zlib
from datetime import timedelta
from pathlib import Path

import numpy as np
import PIL.Image
import PIL.PngImagePlugin
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from smartselfie.errors import PictureError
from smartselfie.pictures import xmp
from smartselfie.pictures.files import encode, read_metadata, set_rating, smile_rating, smile_score
from smartselfie.records import Box, Face
from tests.saver_helpers import START, make_shot, scores

FORMATS = ["jpg", "png"]
EXIF = 0x8769


def write(tmp_path: Path, data: bytes, name: str = "picture.jpg") -> Path:
    """A file with that content."""
    path = tmp_path / name
    path.write_bytes(data)
    return path


@pytest.mark.parametrize("format", FORMATS)
def test_the_picture_is_the_clean_frame_at_full_size(format: str) -> None:
    """What is decoded is the frame in its own size and colours, not the annotated one."""
    image = np.zeros((48, 64, 3), np.uint8)
    image[:, :32] = (250, 20, 10)  # blue, in BGR
    shot = make_shot(image=image, annotated=np.full_like(image, 255))
    with PIL.Image.open(io.BytesIO(encode(shot, format=format))) as picture:
        assert (picture.format, picture.size) == ({"jpg": "JPEG", "png": "PNG"}[format], (64, 48))
        red, green, blue = picture.convert("RGB").getpixel((8, 8))
    assert max(abs(red - 10), abs(green - 20), abs(blue - 250)) < 12


@pytest.mark.parametrize("format", FORMATS)
def test_exif_says_when_and_with_what(format: str) -> None:
    """Time with milliseconds and UTC offset, the software and an upright orientation are in EXIF."""
    with PIL.Image.open(io.BytesIO(encode(make_shot(), format=format))) as picture:
        top, inner = picture.getexif(), picture.getexif().get_ifd(EXIF)
    assert inner[0x9003] == "2026:11:20 18:30:12"
    assert (inner[0x9291], inner[0x9011]) == ("417", "+02:00")
    assert top[0x0131].startswith("smartselfie ")
    assert top[0x0112] == 1


@pytest.mark.parametrize("format", FORMATS)
def test_the_user_comment_is_json_behind_its_character_code(format: str) -> None:
    """UserComment is of type UNDEFINED: the standard's ASCII code, then one JSON block."""
    data = encode(make_shot(), format=format, trigger={"threshold": 0.6, "who": "zoë"}, model_version="7")
    with PIL.Image.open(io.BytesIO(data)) as picture:
        comment = picture.getexif().get_ifd(EXIF)[0x9286]
    assert comment.startswith(b"ASCII\x00\x00\x00")
    block = json.loads(comment[8:])
    assert (block["trigger"], block["model"]) == ({"threshold": 0.6, "who": "zoë"}, "7")
    assert (block["decided_at"], block["picked_at"], block["by"]) == (0.07, 0.0, "smile")
    assert b"\x92\x86\x00\x07" in data


def test_boxes_are_in_pixels_of_the_saved_picture(tmp_path: Path) -> None:
    """A face found in a small frame is noted where it is in the full-size still."""
    shot = make_shot(size=(64, 48), image=np.zeros((480, 640, 3), np.uint8))
    info = read_metadata(write(tmp_path, encode(shot)))
    assert info.size == (640, 480)
    assert info.faces[0].box == Box(100, 80, 200, 240)
    assert info.faces[0].track == 3
    assert info.faces[0].scores is not None
    assert info.faces[0].scores.happy == pytest.approx(0.92)


@pytest.mark.parametrize("format", FORMATS)
def test_metadata_comes_back(tmp_path: Path, format: str) -> None:
    """What was written is read: time to the millisecond, rating, software."""
    info = read_metadata(write(tmp_path, encode(make_shot(), format=format)))
    assert info.taken == START
    assert info.taken.utcoffset() == timedelta(hours=2)
    assert (info.rating, info.ours) == (4, True)


def test_the_annotated_picture_is_written_on_demand() -> None:
    """With `annotated` the pixels are those of the overlay's picture."""
    shot = make_shot(annotated=np.full((48, 64, 3), 255, np.uint8))
    with PIL.Image.open(io.BytesIO(encode(shot, annotated=True))) as picture:
        assert picture.convert("L").getextrema()[0] > 250


def test_stars_follow_the_smile() -> None:
    """One to four stars as the smile grows; never five, which people give."""
    ratings = [smile_rating(make_shot(happy=happy).faces) for happy in (0.0, 0.49, 0.5, 0.75, 0.9, 1.0)]
    assert ratings == [1, 1, 2, 3, 4, 4]
    assert smile_rating(()) == 1


def test_large_faces_count_more() -> None:
    """The score is the mean P(happy), weighted with the boxes' areas; faces without scores do not count."""
    faces = (
        Face(Box(0, 0, 30, 10), 1, scores(1.0)),
        Face(Box(0, 0, 10, 10), 2, scores(0.0)),
        Face(Box(0, 0, 99, 99), 3),
    )
    assert smile_score(faces) == pytest.approx(0.75)


def test_a_crowd_fits_into_the_file(tmp_path: Path) -> None:
    """Hundreds of faces do not burst EXIF's 64 KB: the largest hundred are noted."""
    crowd = tuple(Face(Box(0, 0, 10 + n, 10), n, scores(0.5)) for n in range(300))
    shot = make_shot()
    shot = type(shot)(shot.image, crowd, shot.size, shot.taken, 1, 1.0, 1.0)
    info = read_metadata(write(tmp_path, encode(shot)))
    assert sorted(face.track for face in info.faces) == list(range(200, 300))


def test_a_picture_too_large_for_jpeg_is_an_error() -> None:
    """More than 65,535 pixels across is a PictureError that says the size."""
    with pytest.raises(PictureError, match="70000x1 as jpg"):
        encode(make_shot(image=np.zeros((1, 70000, 3), np.uint8)))


@pytest.mark.parametrize("format", FORMATS)
@pytest.mark.parametrize("stars", [0, 3, 5])
def test_rating_leaves_pixels_and_all_else_alone(tmp_path: Path, format: str, stars: int) -> None:
    """Only the XMP packet differs after rating; the file's time moves by a microsecond, for caches."""
    path = write(tmp_path, encode(make_shot(), format=format))
    before, changed = path.read_bytes(), path.stat().st_mtime_ns
    set_rating(path, stars)
    info = read_metadata(path)
    assert (info.rating, info.taken, info.details["seq"]) == (stars, START, 0)
    assert path.stat().st_mtime_ns == changed + 1000
    mark = {"jpg": b"\xff\xdb", "png": b"IDAT"}[format]
    assert path.read_bytes()[path.read_bytes().index(mark) :] == before[before.index(mark) :]
    assert [each.name for each in tmp_path.iterdir()] == ["picture.jpg"]
    with PIL.Image.open(path) as picture:
        picture.load()


@pytest.mark.parametrize("stars", [-1, 6])
def test_a_rating_out_of_range_is_refused(tmp_path: Path, stars: int) -> None:
    """Less than none and more than five stars are a ValueError."""
    with pytest.raises(ValueError, match=f"need 0 <= rating <= 5, got {stars}"):
        set_rating(write(tmp_path, encode(make_shot())), stars)


def foreign(format: str, **options: object) -> bytes:
    """A picture of another program."""
    target = io.BytesIO()
    PIL.Image.new("RGB", (20, 10), "navy").save(target, format, **options)
    return target.getvalue()


@pytest.mark.parametrize("format", ["JPEG", "PNG"])
def test_a_foreign_picture_can_be_rated(tmp_path: Path, format: str) -> None:
    """A picture without XMP and EXIF is read as such, and gets a packet that Pillow finds."""
    path = write(tmp_path, foreign(format))
    info = read_metadata(path)
    assert (info.size, info.rating, info.taken, info.faces, info.ours) == ((20, 10), 0, None, (), False)
    set_rating(path, 2)
    assert read_metadata(path).rating == 2
    with PIL.Image.open(path) as picture:
        picture.load()
        found = picture.info.get("xmp") or picture.info["XML:com.adobe.xmp"].encode()
    assert b'xmp:Rating="2"' in found


PACKET = """<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">
<rdf:Description rdf:about="" xmlns:dc="http://purl.org/dc/elements/1.1/" {attribute}>
<dc:title><rdf:Alt><rdf:li xml:lang="x-default">J\u00fcrgen &amp; me</rdf:li></rdf:Alt></dc:title>{element}
</rdf:Description></rdf:RDF></x:xmpmeta>"""
NAMESPACE = 'xmlns:xap="http://ns.adobe.com/xap/1.0/"'


@pytest.mark.parametrize(
    ("attribute", "element"),
    [
        (f'{NAMESPACE} xap:Rating="3"', ""),
        (NAMESPACE, "<xap:Rating>3</xap:Rating>"),
        (f'{NAMESPACE} xap:Rating="3.0"', ""),
    ],
)
def test_the_packets_of_other_programs_are_kept(attribute: str, element: str) -> None:
    """A rating is found as attribute and as element, under any prefix, and replaced; the rest stays."""
    packet = PACKET.format(attribute=attribute, element=element).encode()
    assert xmp.rating_of(packet) == 3
    changed = xmp.with_rating(packet, 5)
    assert xmp.rating_of(changed) == 5
    assert changed.count(b"Rating=") == 1
    assert b"<xap:Rating>" not in changed
    assert "J\u00fcrgen &amp; me" in changed.decode()
    assert xmp.rating_of(xmp.with_rating(changed, 0)) == 0


@pytest.mark.parametrize(
    "packet",
    [
        b"",
        b"not xml",
        b"<a/>",
        b'<!DOCTYPE a [<!ENTITY b "c">]><a>&b;</a>',
        PACKET.format(attribute=f'{NAMESPACE} xap:Rating="many"', element="").encode(),
        PACKET.format(attribute=f'{NAMESPACE} xap:Rating="-1"', element="").encode(),
    ],
)
def test_what_is_no_rating_counts_as_none(packet: bytes) -> None:
    """No packet, no XML, entities, words and "rejected" read as 0, and can be rated all the same."""
    assert xmp.rating_of(packet) == 0
    assert xmp.rating_of(xmp.with_rating(packet, 4)) == 4


def test_compressed_xmp_in_a_png_is_read_and_replaced(tmp_path: Path) -> None:
    """A zipped iTXt packet counts, and there is one packet after rating."""
    text = PIL.PngImagePlugin.PngInfo()
    text.add_itxt("XML:com.adobe.xmp", xmp.new_packet(3).decode(), zip=True)
    path = write(tmp_path, foreign("PNG", pnginfo=text))
    assert read_metadata(path).rating == 3
    set_rating(path, 1)
    assert read_metadata(path).rating == 1
    assert path.read_bytes().count(b"XML:com.adobe.xmp") == 1


def test_every_xmp_packet_of_a_file_is_replaced(tmp_path: Path) -> None:
    """A JPEG that carries two packets has one afterwards, so that all programs see the same stars."""
    packet = b"http://ns.adobe.com/xap/1.0/\x00" + xmp.new_packet(2)
    segment = b"\xff\xe1" + (len(packet) + 2).to_bytes(2, "big") + packet
    plain = foreign("JPEG")
    path = write(tmp_path, plain[:2] + segment + plain[2:20] + segment + plain[20:])
    set_rating(path, 5)
    assert path.read_bytes().count(b"ns.adobe.com/xap/1.0/\x00") == 1
    assert read_metadata(path).rating == 5
    with PIL.Image.open(path) as picture:
        picture.load()


def test_an_xmp_packet_that_does_not_fit_is_an_error(tmp_path: Path) -> None:
    """A JPEG segment ends at 64 KB: the file stays as it was and the error names it."""
    empty = PACKET.format(attribute="", element="<dc:x></dc:x>").encode()
    packet = PACKET.format(attribute="", element=f"<dc:x>{'y' * (65500 - len(empty))}</dc:x>").encode()
    payload = b"http://ns.adobe.com/xap/1.0/\x00" + packet
    plain = foreign("JPEG")
    path = write(
        tmp_path, plain[:2] + b"\xff\xe1" + (len(payload) + 2).to_bytes(2, "big") + payload + plain[2:]
    )
    before = path.read_bytes()
    with pytest.raises(PictureError, match=r"picture\.jpg: .* bytes of XMP do not fit"):
        set_rating(path, 5)
    assert path.read_bytes() == before
    assert len(list(tmp_path.iterdir())) == 1


@pytest.mark.parametrize(
    "data", [b"", b"\xff", b"\xff\xd8", b"\xff\xd8\xff\xd9", b"\x89PNG\r\n\x1a\n", b"GIF89a", bytes(500)]
)
def test_what_is_no_picture_is_an_error_with_its_name(tmp_path: Path, data: bytes) -> None:
    """Empty, cut off and other files are a PictureError, for reading and for rating."""
    path = write(tmp_path, data)
    with pytest.raises(PictureError, match=r"picture\.jpg: "):
        read_metadata(path)
    with pytest.raises(PictureError, match=r"picture\.jpg: "):
        set_rating(path, 1)
    assert path.read_bytes() == data


def test_a_missing_file_is_an_os_error(tmp_path: Path) -> None:
    """What is not there is the caller's FileNotFoundError, not a picture that is broken."""
    with pytest.raises(FileNotFoundError):
        read_metadata(tmp_path / "gone.jpg")


SOUND = {format: encode(make_shot(), format=format) for format in FORMATS}


@settings(deadline=None, max_examples=80, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    format=st.sampled_from(FORMATS),
    cut=st.integers(0, 1200),
    damage=st.lists(st.tuples(st.integers(0, 1199), st.integers(0, 255)), max_size=6),
)
def test_damage_never_leads_to_a_crash(
    tmp_path: Path, format: str, cut: int, damage: list[tuple[int, int]]
) -> None:
    """However the head of a file is damaged or cut, the answer is what is left or a PictureError."""
    data = bytearray(SOUND[format])
    for at, value in damage:
        data[at % len(data)] = value
    path = write(tmp_path, bytes(data[: len(data) - cut] if cut % 2 else data))
    try:
        info = read_metadata(path)
    except PictureError:
        return
    assert 0 <= info.rating <= 5


def test_a_time_without_offset_is_local(tmp_path: Path) -> None:
    """EXIF without an offset, as most cameras write it, is read as local time."""
    exif = PIL.Image.Exif()
    exif.get_ifd(EXIF)[0x9003] = "2024:06:01 12:00:00"
    taken = read_metadata(write(tmp_path, foreign("JPEG", exif=exif))).taken
    assert taken is not None
    assert taken.tzinfo is not None
    assert (taken.hour, taken.year) == (12, 2024)


def test_png_chunks_keep_their_checksums(tmp_path: Path) -> None:
    """Every chunk of a rated PNG has the checksum of its content."""
    path = write(tmp_path, SOUND["png"])
    set_rating(path, 5)
    data, at = path.read_bytes(), 8
    while at < len(data):
        length = int.from_bytes(data[at : at + 4], "big")
        body = data[at + 4 : at + 8 + length]
        assert zlib.crc32(body) == int.from_bytes(data[at + 8 + length : at + 12 + length], "big")
        at += 12 + length
