"""Glasses, masks, hands, hats and patches drawn over labelled faces, turned as the face is."""

from __future__ import annotations

from collections.abc import Callable

import cv2
import numpy as np

from smartselfie.training.detection.pictures import Floats, Pixels

RATES = {"glasses": 0.09, "mask": 0.09, "hand": 0.09, "half": 0.08, "hat": 0.06, "patch": 0.06}
"""Share of faces that each cover is drawn over; one a face."""


def some_faces(
    image: Pixels, faces: Floats, rng: np.random.Generator, draw: Callable[[], tuple[Pixels, Floats, Floats]]
) -> Floats:
    """Draw over some faces in place; returns the faces with `covered` set where a mouth went under."""
    made = faces.copy()
    names, shares = list(RATES), np.cumsum(list(RATES.values()))
    for face in made:
        kind = int(np.searchsorted(shares, rng.random()))
        if kind == len(names) or not np.isfinite(face[:14]).all():
            continue
        _Cover(image, face, rng, draw).draw(names[kind])
        if names[kind] in ("mask", "hand", "half"):
            face[14] = 1
    return made


class _Cover:
    """The frame of one face: `across` and `down` are unit vectors from eye to eye and from eyes to mouth."""

    def __init__(
        self,
        image: Pixels,
        face: Floats,
        rng: np.random.Generator,
        draw_source: Callable[[], tuple[Pixels, Floats, Floats]],
    ) -> None:
        self.image, self.rng, self.draw_source = image, rng, draw_source
        marks = face[4:14].reshape(5, 2)
        self.left, self.right, self.nose = marks[0], marks[1], marks[2]
        self.mouth = (marks[3] + marks[4]) / 2
        self.eyes = (self.left + self.right) / 2
        self.down = self.mouth - self.eyes
        length = float(np.hypot(*self.down)) or 1.0
        self.length = length
        self.down = self.down / length
        self.across = np.array([self.down[1], -self.down[0]])
        if np.dot(self.across, self.right - self.left) < 0:
            self.across = -self.across
        self.width = 0.92 * float(np.sqrt(face[2] * face[3]))

    def draw(self, kind: str) -> None:
        getattr(self, "_" + kind)()

    def _at(self, across: float, down: float) -> Floats:
        """A place: `across` in face widths from the middle, `down` in eye-to-mouth lengths from the eyes."""
        middle = self.eyes + self.down * down * self.length
        return np.asarray(middle + self.across * across * self.width, np.float32)

    def _fill(self, points: list[Floats], colour: Floats | None = None, opaque: float = 1.0) -> None:
        """Fill a polygon with a colour, or with a piece of another picture when that is None."""
        outline = np.round(np.array(points)).astype(np.int32)
        x, y, w, h = cv2.boundingRect(outline)
        height, width = self.image.shape[:2]
        left, top, right, bottom = max(0, x), max(0, y), min(width, x + w), min(height, y + h)
        if right - left < 2 or bottom - top < 2:
            return
        region = self.image[top:bottom, left:right]
        mask = np.zeros(region.shape[:2], np.uint8)
        cv2.fillPoly(mask, [outline - (left, top)], 255)
        if colour is None:
            source = self.draw_source()[0]
            high, wide = source.shape[:2]
            side = max(4, int(min(high, wide) * self.rng.uniform(0.1, 0.6)))
            a, b = self.rng.integers(0, high - side + 1), self.rng.integers(0, wide - side + 1)
            paint = cv2.resize(source[a : a + side, b : b + side], (right - left, bottom - top))
        else:
            paint = np.full_like(region, np.clip(colour, 0, 255).astype(np.uint8))
            if self.rng.random() < 0.5:
                shade = self.rng.uniform(0.6, 1.3, (2, 2)).astype(np.float32)
                field = cv2.resize(shade, (right - left, bottom - top))
                paint = cv2.multiply(paint, cv2.cvtColor(field, cv2.COLOR_GRAY2BGR), dtype=cv2.CV_8U)
        mixed = paint if opaque >= 1 else cv2.addWeighted(paint, opaque, region, 1 - opaque, 0)
        region[mask > 0] = mixed[mask > 0]

    def _colour(self) -> Floats:
        return np.asarray(self.rng.uniform(0, 255, 3), np.float32)

    def _skin(self) -> Floats:
        """The colour of this face, from around its nose."""
        x, y = np.round(self.nose).astype(int)
        height, width = self.image.shape[:2]
        part = self.image[max(0, y - 2) : y + 3, max(0, x - 2) : x + 3] if y < height and x < width else None
        if part is None or not part.size:
            return self._colour()
        return np.asarray(part.reshape(-1, 3).mean(0) * self.rng.uniform(0.75, 1.2), np.float32)

    def _glasses(self) -> None:
        rng = self.rng
        colour = np.full(3, rng.uniform(0, 60), np.float32) + rng.uniform(0, 25, 3).astype(np.float32)
        opaque = rng.uniform(0.75, 1.0) if rng.random() < 0.5 else 1.0
        half_width, half_height = rng.uniform(0.15, 0.23), rng.uniform(0.18, 0.42)
        round_ones = rng.random() < 0.5
        apart = float(np.dot(self.right - self.left, self.across)) / self.width / 2
        for side in (-apart, apart):
            steps = np.linspace(0, 2 * np.pi, 12, endpoint=False)
            power = 1.0 if round_ones else 0.35
            points = [
                self._at(
                    side + half_width * float(np.sign(np.cos(t)) * abs(np.cos(t)) ** power),
                    half_height * float(np.sign(np.sin(t)) * abs(np.sin(t)) ** power),
                )
                for t in steps
            ]
            self._fill(points, colour, opaque)
        thick = max(1, round(self.width * 0.03))
        tone = tuple(float(value) for value in colour)
        ends = [(-apart, apart), (-apart, -0.5), (apart, 0.5)]
        for a, b in ends:
            start, end = (tuple(map(int, np.round(self._at(each, -0.05)))) for each in (a, b))
            cv2.line(self.image, start, end, tone, thick, cv2.LINE_AA)

    def _mask(self) -> None:
        rng = self.rng
        top = rng.uniform(0.35, 0.65)
        points = [
            self._at(-0.5, top - rng.uniform(0, 0.2)), self._at(-0.2, top),
            self._at(0, top - rng.uniform(0, 0.2)), self._at(0.2, top),
            self._at(0.5, top - rng.uniform(0, 0.2)), self._at(0.45, 1.2),
            self._at(0.2, rng.uniform(1.5, 1.8)), self._at(-0.2, rng.uniform(1.5, 1.8)), self._at(-0.45, 1.2),
        ]  # fmt: skip
        pale = np.asarray(rng.uniform(190, 255, 3), np.float32)
        colours = (pale, self._colour(), np.array([200, 170, 110], np.float32), np.full(3, 25, np.float32))
        kind = rng.integers(6)
        self._fill(points, colours[kind] if kind < len(colours) else None)

    def _hand(self) -> None:
        """Fingers and a palm in the colour of the face, before mouth or cheek."""
        rng = self.rng
        skin = self._skin()
        across, down = rng.uniform(-0.3, 0.3), rng.uniform(0.75, 1.15)
        steps = np.linspace(0, 2 * np.pi, 14, endpoint=False)
        wide, high = rng.uniform(0.25, 0.5), rng.uniform(0.3, 0.6)
        self._fill(
            [self._at(across + wide * np.cos(t), down + high * np.sin(t)) for t in steps],
            skin,
        )
        for finger in range(4):
            at = across - wide + (finger + 0.5) * wide / 2
            tip = down - high - rng.uniform(0.0, 0.5)
            half = wide / 5
            self._fill(
                [
                    self._at(at - half, tip), self._at(at + half, tip),
                    self._at(at + half, down), self._at(at - half, down),
                ],
                skin * rng.uniform(0.88, 1.08),
            )  # fmt: skip

    def _half(self) -> None:
        """All below the nose, by anything: a book, a cup, a scarf, a table."""
        rng = self.rng
        top = rng.uniform(0.4, 0.8)
        wide = rng.uniform(0.5, 1.0)
        points = [self._at(-wide, top), self._at(wide, top), self._at(wide, 2.2), self._at(-wide, 2.2)]
        self._fill(points, self._colour() if rng.random() < 0.5 else None)

    def _hat(self) -> None:
        rng = self.rng
        low, high = -rng.uniform(0.35, 0.7), -rng.uniform(1.2, 2.0)
        points = [self._at(-0.58, low), self._at(0.58, low), self._at(0.5, high), self._at(-0.5, high)]
        self._fill(points, self._colour() if rng.random() < 0.6 else None)

    def _patch(self) -> None:
        """A random rectangle over a part of the face (random erasing: Zhong et al. 2020)."""
        rng = self.rng
        across, down = rng.uniform(-0.5, 0.5), rng.uniform(-0.8, 1.4)
        wide, high = rng.uniform(0.1, 0.35), rng.uniform(0.15, 0.6)
        points = [
            self._at(across - wide, down - high), self._at(across + wide, down - high),
            self._at(across + wide, down + high), self._at(across - wide, down + high),
        ]  # fmt: skip
        self._fill(points, self._colour() if rng.random() < 0.5 else None)
