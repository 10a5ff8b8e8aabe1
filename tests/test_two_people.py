"""Two people side by side, found by the network that ships: `all` waits for the one who is hard to see."""

from __future__ import annotations

from collections.abc import Iterator

import cv2
import numpy as np

from smartselfie.daemon import parts
from smartselfie.records import Frame, Image
from smartselfie.settings import load
from smartselfie.sources.demo import Actor, DemoScript, DemoSource, smiling

HAND_GOES = 2.0
"""Seconds after which her hand is down."""
SMILES = 2.5
"""Seconds after which she smiles; he smiles all the time."""
HE = Actor(x=0.29, size=0.46, person=1, smile=1.0)
SHE = Actor(x=0.71, size=0.5, tilt=28.0, smile=smiling((SMILES, 9.0)))


def with_hand(image: Image, at: float) -> Image:
    """Her mouth behind a hand: a palm and four fingers."""
    pose = SHE.pose(at)
    assert pose is not None
    height, width = image.shape[:2]
    side, turn = pose.size * height, np.radians(pose.tilt)
    down, across = np.array([-np.sin(turn), np.cos(turn)]), np.array([np.cos(turn), np.sin(turn)])
    mouth = np.array([pose.x * width, pose.y * height]) + 0.3 * side * down
    made = image.copy()
    skin, shade = (128, 158, 206), (96, 122, 168)
    palm = mouth + 0.16 * side * down
    cv2.ellipse(
        made, _pixel(palm), _pixel((0.26 * side, 0.22 * side)), pose.tilt, 0, 360, skin, -1, cv2.LINE_AA
    )
    for finger in range(4):
        tip = mouth + side * ((finger - 1.5) * 0.12 * across - 0.1 * down)
        cv2.line(made, _pixel(palm), _pixel(tip), shade, round(0.125 * side), cv2.LINE_AA)
        cv2.line(made, _pixel(palm), _pixel(tip), skin, round(0.11 * side), cv2.LINE_AA)
    return made


def _pixel(place: np.ndarray | tuple[float, float]) -> tuple[int, int]:
    return round(float(place[0])), round(float(place[1]))


def party() -> Iterator[Frame]:
    """Five seconds of both."""
    source = DemoSource((960, 540), 30.0, DemoScript((HE, SHE), 5.0))
    while (frame := source.read()) is not None:
        hidden = frame.at < HAND_GOES
        yield Frame(with_hand(frame.image, frame.at) if hidden else frame.image, frame.seq, frame.at)


def test_all_waits_for_her() -> None:
    """She leans and holds her hand before her mouth: she is found all the while, and no picture is taken.

    It is when her hand is down and she smiles.
    """
    analysis = parts.build_analysis(load(None, ["trigger.policy=all"]))
    counts, fired = [], []
    for frame in party():
        faces, decision = analysis(frame)
        counts.append(len(faces))
        if decision.fire:
            fired.append(frame.at)
    assert counts.count(2) >= 0.98 * len(counts)
    assert fired
    assert SMILES < fired[0] < SMILES + 1.5
