"""How long `tune` takes to sweep ten minutes of scores: two faces, 30 frames a second, a smile every 12 s.

python benchmarks/sweep.py
"""

from __future__ import annotations

import time

import numpy as np

from smartselfie.deciding.rules import Rules
from smartselfie.records import CLASSES, Box, Face, Scores
from smartselfie.replaying.labels import Labels
from smartselfie.replaying.scores import Recording, ScoredFrame
from smartselfie.replaying.sweep import sweep

FPS, MINUTES, EVERY, SMILE = 30, 10, 12.0, 2.5


def ten_minutes() -> tuple[Recording, Labels]:
    """One recording and who smiles when in it."""
    rng = np.random.default_rng(1)
    frames = []
    for number in range(MINUTES * 60 * FPS):
        at = number / FPS
        faces = []
        for track, lag in ((1, 0.0), (2, 5.0)):
            smiles = (at - lag) % EVERY < SMILE
            happy = float(np.clip(rng.normal(0.85 if smiles else 0.15, 0.12), 0.01, 0.98))
            scores = Scores(tuple(happy if c == "happy" else (1 - happy) * (c == "neutral") for c in CLASSES))
            faces.append(Face(Box(200 * track, 100, 150, 150), track, scores))
        frames.append(ScoredFrame(at, tuple(faces)))
    smiles = [(lag + EVERY * n, lag + EVERY * n + SMILE) for n in range(49) for lag in (0.0, 5.0)]
    return Recording("ten minutes", (640, 480), frames), Labels(tuple(smiles))


def main() -> None:
    """Print the time."""
    recording, labels = ten_minutes()
    wall, cpu = time.perf_counter(), time.process_time()
    found = sweep([recording], {recording.clip: labels}, Rules(rule="frames"))
    wall, cpu = time.perf_counter() - wall, time.process_time() - cpu
    print(f"{len(found.trials)} settings on {recording.seconds:.0f} s, {len(recording.frames)} frames: "
          f"{cpu:.2f} s of processor time, {wall:.2f} s by the clock")  # fmt: skip


if __name__ == "__main__":
    main()
