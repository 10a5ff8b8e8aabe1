"""Contact sheets to look at: what is found, the worst misses, the surest false boxes.

They show people in photographs: never to be published.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import cv2
import numpy as np

from smartselfie.training.detection.measure import Matched
from smartselfie.training.detection.peers import Candidate
from smartselfie.training.detection.pictures import Floats, Picture, Pixels

TILE = 200
COLUMNS = 8
WORST = 20
"""Misses and false boxes shown."""
LABEL, FOUND, IGNORED, WRONG = (0, 200, 0), (255, 120, 0), (150, 150, 150), (0, 0, 255)
"""Colours, BGR."""


def write(
    pictures: Sequence[Picture], candidate: Candidate, held: Matched, threshold: float, folder: Path
) -> None:
    """Write `NAME-found.jpg`, `NAME-missed.jpg` and `NAME-false.jpg`, and `NAME.txt` with their names."""
    folder.mkdir(parents=True, exist_ok=True)
    name = candidate.name.replace(" ", "-")
    missed = worst_misses(held, threshold)
    wrong = held.falses[np.argsort(-held.falses[:, 5], kind="stable")][:WORST]
    some = np.random.default_rng(0).permutation(len(pictures))[: 6 * COLUMNS]
    marked = {int(n): _marked(pictures[n], candidate, threshold) for n in some}
    _sheet([_tile(marked[int(n)], None) for n in some], folder / f"{name}-found.jpg")
    tiles, lines = [], [f"threshold {threshold:.3f}"]
    for number, row in missed:
        picture = pictures[number]
        tiles.append(_tile(_marked(picture, candidate, threshold), picture.faces[row, :4]))
        lines.append(f"missed {picture.name} {np.round(picture.faces[row, :4]).astype(int).tolist()}")
    _sheet(tiles, folder / f"{name}-missed.jpg")
    tiles = []
    for find in wrong:
        picture = pictures[int(find[0])]
        tiles.append(_tile(_marked(picture, candidate, threshold, find[1:5]), find[1:5]))
        lines.append(f"false {find[5]:.2f} {picture.name} {np.round(find[1:5]).astype(int).tolist()}")
    _sheet(tiles, folder / f"{name}-false.jpg")
    (folder / f"{name}.txt").write_text("\n".join(lines) + "\n")


def worst_misses(held: Matched, threshold: float) -> list[tuple[int, int]]:
    """Return picture and label of the largest faces that count and were missed."""
    rows = [
        int(row)
        for row in np.argsort(-held.sizes, kind="stable")
        if held.hit_scores[row] < max(threshold, 1e-9)
    ]
    return [(int(held.places[row, 0]), int(held.places[row, 1])) for row in rows[:WORST]]


def _marked(picture: Picture, candidate: Candidate, threshold: float, wrong: Floats | None = None) -> Pixels:
    image = picture.pixels()
    found = candidate.search(image)
    found = found[found[:, 4] >= threshold]
    for boxes, colour in ((picture.ignore, IGNORED), (picture.faces, LABEL), (found, FOUND)):
        for box in boxes:
            _rectangle(image, box, colour)
    if wrong is not None:
        _rectangle(image, wrong, WRONG)
    for row in found if found.shape[1] >= 15 else ():
        for x, y in row[5:15].reshape(5, 2):
            cv2.circle(image, (round(float(x)), round(float(y))), 1, FOUND, -1)
    return image


def _rectangle(image: Pixels, box: Floats, colour: tuple[int, int, int]) -> None:
    x, y, w, h = (round(float(value)) for value in box[:4])
    cv2.rectangle(image, (x, y), (x + w, y + h), colour, 1)


def _tile(image: Pixels, around: Floats | None) -> Pixels:
    """Return the picture, or three sizes about a box, in a square tile."""
    if around is not None:
        x, y, w, h = (float(value) for value in around)
        reach = max(2 * max(w, h), 40)
        left, top = max(0, int(x + w / 2 - reach)), max(0, int(y + h / 2 - reach))
        image = image[top : int(y + h / 2 + reach), left : int(x + w / 2 + reach)]
    scale = TILE / max(image.shape[:2])
    small = cv2.resize(image, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)[:TILE, :TILE]
    made = np.zeros((TILE, TILE, 3), np.uint8)
    made[: small.shape[0], : small.shape[1]] = small
    return made


def _sheet(tiles: Sequence[Pixels], path: Path) -> None:
    rows = max(1, -(-len(tiles) // COLUMNS))
    sheet = np.zeros((rows * TILE, COLUMNS * TILE, 3), np.uint8)
    for number, tile in enumerate(tiles):
        top, left = number // COLUMNS * TILE, number % COLUMNS * TILE
        sheet[top : top + TILE, left : left + TILE] = tile
    cv2.imwrite(str(path), sheet, [cv2.IMWRITE_JPEG_QUALITY, 88])
