"""The cascade beside OpenCV's own search: same factor, neighbours, smallest size, on the same pictures."""

from __future__ import annotations

import zipfile
from collections.abc import Callable, Iterator, Sequence
from functools import cache

import cv2
import numpy as np
import pytest

from smartselfie.daemon import parts
from smartselfie.deciding.spread_search import SpreadSearchTracker
from smartselfie.detectors.cascades import find_cascade, has_cascades
from smartselfie.detectors.haar import HaarDetector
from smartselfie.records import Box, Frame, Image, Look
from smartselfie.settings import load
from smartselfie.sources import open_source
from smartselfie.sources.demo import Actor, DemoScript, DemoSource, smiling
from tests.shared import shared_path

pytestmark = pytest.mark.skipif(not has_cascades(), reason="OpenCV 5 has no cascades")

CLIPS = ("pf_single_face.mp4", "lp_d0.mp4", "ow_baseline.mp4")
PEOPLE = ("pf_single_face.mp4", "lp_d0.mp4", "vr_2.mp4")
THREE = "three side by side"
TILE = (426, 480)
EVERY = 3
"""Of a clip's frames OpenCV searches one in so many: that is what takes the time."""
NEAR = 0.3
"""Share of a clip's height of the least face: what OpenCV takes for a smaller one there is none."""
FRAMES = 15
"""Frames over which a search is spread."""
SMALLEST = 30
"""Pixels of the smallest face in the portraits."""

Search = Callable[..., Sequence[Box]]


@cache
def cascade() -> cv2.CascadeClassifier:
    """OpenCV's frontal face."""
    return cv2.CascadeClassifier(str(find_cascade("haarcascade_frontalface_default.xml")))


def opencv(image: Image, neighbours: int = 5, smallest: int = SMALLEST) -> list[Box]:
    """What OpenCV finds."""
    gray = cv2.cvtColor(image, cv2.COLOR_BGR2GRAY)
    found = cascade().detectMultiScale(gray, 1.1, neighbours, minSize=(smallest, smallest))
    return [Box(*map(int, box)) for box in found]


def detector(image: Image, neighbours: int = 5) -> HaarDetector:
    """Ours, asked for the same."""
    return HaarDetector(
        find_cascade("haarcascade_frontalface_default.xml"),
        min_neighbors=neighbours,
        smallest=(SMALLEST + 0.5) / min(image.shape[:2]),
    )


def whole(image: Image, neighbours: int = 5) -> list[Box]:
    """Search all of a picture at once."""
    return [face.box for face in detector(image, neighbours)(image, Look())]


def spread(image: Image, neighbours: int = 5) -> list[Box]:
    """Search a picture that stands still, a part in each frame."""
    ours = detector(image, neighbours)
    found = [ours(image, Look(share=1 / FRAMES)) for _ in range(FRAMES + 1)]
    return next(([face.box for face in faces] for faces in found if faces), [])


SEARCHES = [whole, spread]


def drawn() -> list[Image]:
    """Drawn portraits that fill the picture: people, sizes and places within a frame of 160 pixels."""
    made = []
    for person in range(4):
        for size in (0.5, 0.75, 1.0):
            frame = DemoSource((640, 480), script=DemoScript((Actor(person=person, size=size),), 1.0)).read()
            assert frame is not None
            side = min(480, round(520 * size))
            left, top = 320 - side // 2, 240 - side // 2
            cut = frame.image[top : top + side, left : left + side]
            made.append(np.asarray(cv2.resize(cut, (160, 160), interpolation=cv2.INTER_AREA), np.uint8))
    return made


def portraits(count: int = 40) -> list[Image]:
    """Photographs of faces that fill the picture, every so many of those beside the project."""
    with zipfile.ZipFile(shared_path("data/facial_expressions.zip")) as file:
        names = sorted(name for name in file.namelist() if name.endswith(".webp"))
        chosen = names[:: len(names) // count][:count]
        data = [np.frombuffer(file.read(name), np.uint8) for name in chosen]
    return [np.asarray(cv2.imdecode(each, cv2.IMREAD_COLOR), np.uint8) for each in data]


def with_border(image: Image) -> Image:
    """The same with a border of 60 pixels."""
    return np.asarray(cv2.copyMakeBorder(image, 60, 60, 60, 60, cv2.BORDER_REPLICATE), np.uint8)


@pytest.mark.parametrize("search", SEARCHES)
def test_a_picture_has_the_faces_that_opencv_finds(search: Search) -> None:
    """Drawn faces: where OpenCV has them, up to the neighbours at which it still has them, and no further."""
    for image in map(with_border, drawn()):
        few, many = 5, 400
        while many - few > 1:
            middle = (few + many) // 2
            few, many = (middle, many) if opencv(image, middle) else (few, middle)
        (box,) = opencv(image, few)
        (found,) = search(image, few)
        assert found.iou(box) > 0.9
        assert search(image, many) == []


@pytest.mark.parametrize("search", SEARCHES)
@pytest.mark.parametrize("frame", [np.asarray, with_border], ids=["filling the picture", "with a border"])
@pytest.mark.parametrize("pictures", [drawn, portraits])
def test_in_as_many_portraits_a_face_is_found(
    search: Search, frame: Callable[[Image], Image], pictures: Callable[[], list[Image]]
) -> None:
    """As many as OpenCV finds one in, less a hundredth."""
    images = [frame(image) for image in pictures()]
    truth = sum(bool(opencv(image)) for image in images)
    found = sum(bool(search(image)) for image in images)
    assert truth > len(images) / 2
    assert found >= truth - len(images) / 100


def test_what_a_spread_search_found_is_where_it_is_now() -> None:
    """A face that moves is found where it is in the newest frame, one that went meanwhile is not."""
    image = with_border(drawn()[0])
    wanders = [np.roll(image, 25 * (n % 3), axis=1) for n in range(FRAMES + 1)]
    goes = [image, image, *[np.full_like(image, 90)] * (FRAMES - 1)]
    for pictures, there in ((wanders, True), (goes, False)):
        ours = detector(image)
        found = [ours(picture, Look(share=1 / FRAMES)) for picture in pictures]
        seen = [(faces[0].box, picture) for faces, picture in zip(found, pictures, strict=True) if faces]
        assert bool(seen) == there
        assert all(box.iou(opencv(picture)[0]) > 0.9 for box, picture in seen)


def tile(image: Image) -> Image:
    """The middle of a picture, in the shape of a tile."""
    height, width = image.shape[:2]
    across, down = min(width, height * TILE[0] // TILE[1]), min(height, width * TILE[1] // TILE[0])
    left, top = (width - across) // 2, (height - down) // 2
    cut = image[top : top + down, left : left + across]
    return np.asarray(cv2.resize(cut, TILE, interpolation=cv2.INTER_AREA), np.uint8)


def frames(clip: str) -> Iterator[Frame]:
    """The frames of a clip of the data folder, or of three of them side by side."""
    if clip == THREE:
        for tiles in zip(*map(frames, PEOPLE), strict=False):
            yield Frame(np.hstack([tile(each.image) for each in tiles]), tiles[0].seq, tiles[0].at)
        return
    source = open_source(str(shared_path(f"videos/{clip}")))
    try:
        while (frame := source.read()) is not None:
            yield frame
    finally:
        source.close()


@pytest.mark.parametrize("clip", [*CLIPS, THREE])
def test_in_a_clip_the_faces_are_where_opencv_finds_them(clip: str) -> None:
    """Around known faces and in pieces: of what a search of every whole frame finds all but a hundredth."""
    analysis = parts.build_analysis(load(None, ["detector.kind=haar"]))
    truth = met = 0
    for count, frame in enumerate(frames(clip)):
        faces = analysis.follow(frame, analysis.detector(frame.image, analysis.look(frame)))
        if count % EVERY:
            continue
        boxes = opencv(frame.image, smallest=round(NEAR * min(frame.size)))
        truth += len(boxes)
        met += sum(any(face.box.iou(box) >= 0.4 for face in faces) for box in boxes)
    assert truth > 0
    assert met / truth >= 0.99


@pytest.mark.parametrize("comes", [1.0, 1.3, 1.7])
def test_a_second_face_is_found_within_a_second(comes: float) -> None:
    """Somebody who appears beside a known face is a face at most a second later."""
    stays = Actor(x=0.3, size=0.35)
    enters = Actor(x=0.72, size=0.3, person=1, absent=((0.0, comes),))
    source = DemoSource((640, 480), 30.0, DemoScript((stays, enters), comes + 1.1))
    ours = HaarDetector(find_cascade("haarcascade_frontalface_default.xml"), smallest=0.112)
    tracker = SpreadSearchTracker()
    seen = None
    while (frame := source.read()) is not None:
        found = ours(frame.image, tracker.look(frame.at, moved=frame.at >= comes))
        if len(tracker.update(found, at=frame.at)) == 2 and seen is None:
            seen = frame.at
    assert seen is not None
    assert seen - comes <= 1.0


def test_five_faces_keep_their_smiles_while_they_take_turns() -> None:
    """Of five faces that are searched in turn each smile is scored in every frame, so `all` fires."""
    people = tuple(
        Actor(person=place, x=0.1 + 0.2 * place, size=0.24, smile=smiling((0.5, 4.0))) for place in range(5)
    )
    source = DemoSource((1280, 720), 30.0, DemoScript(people, 3.0))
    made = parts.build_analysis(load(None, ["detector.kind=haar", "trigger.policy=all"]))
    fired = []
    while (frame := source.read()) is not None:
        faces, decision = made(frame)
        if decision.fire:
            fired.append((frame.at, len(faces)))
    assert [count for _, count in fired] == [5]
    assert fired[0][0] < 2.0
