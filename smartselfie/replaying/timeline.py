"""The timeline of a clip: every face's score, the trigger's state, the shots, and what people saw."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from pathlib import Path

from smartselfie.records import State
from smartselfie.replaying.canvas import Canvas, Png, Svg
from smartselfie.replaying.labels import Labels, Verdict
from smartselfie.replaying.play import Played, Step, Taken

WIDTH, HEIGHT = 1120.0, 340.0
LEFT, RIGHT = 52.0, 108.0
TOP, PLOT = 66.0, 190.0
STRIP = 16.0
"""Height of the state's strip below the plot."""

INK, FAINT, GRID = "#1d2430", "#6b7685", "#e7eaee"
SMILE, AMBIGUOUS = "#d5f0dc", "#ebedf0"
HIT, FALSE, OTHER = "#1a8f4c", "#d13438", "#6b7685"
FACES = ("#2563c9", "#c2571a", "#7a3fb5", "#0b7f86", "#a82c6c", "#5f6b1c")
STATES = {
    State.WATCHING: "#dfe3e8",
    State.HOLDING: "#f0b429",
    State.COUNTDOWN: "#9b5de5",
    State.RESTING: "#8fb8e8",
    State.DISARMED: "#9aa3af",
}
MAX_GAP = 0.35
"""Seconds without a face after which its line is broken."""


class _Scale:
    """Where times and probabilities lie in the drawing."""

    def __init__(self, start: float, end: float) -> None:
        self.start, self.end = start, max(end, start + 0.1)

    def x(self, at: float) -> float:
        share = (min(max(at, self.start), self.end) - self.start) / (self.end - self.start)
        return LEFT + share * (WIDTH - LEFT - RIGHT)

    def y(self, probability: float) -> float:
        return TOP + (1 - probability) * PLOT

    def ticks(self) -> Iterator[float]:
        """Whole steps of seconds, at most 14 of them."""
        span = self.end - self.start
        steps = (0.1, 0.2, 0.5, 1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 1800, 3600)
        step = next((step for step in steps if span / step <= 14), span / 10)
        tick = math.ceil(self.start / step) * step
        while tick <= self.end + 1e-9:
            yield tick
            tick += step


def timeline_svg(
    played: Played, labels: Labels | None, verdict: Verdict | None, threshold: float, release: float
) -> str:
    """Return the timeline as an SVG document."""
    svg = Svg(WIDTH, HEIGHT, title=f"{played.recording.clip}: {summary(verdict, played)}")
    draw(svg, played, labels, verdict, threshold, release)
    return svg.document()


def timeline_png(
    path: Path,
    played: Played,
    labels: Labels | None,
    verdict: Verdict | None,
    threshold: float,
    release: float,
) -> None:
    """Write the timeline as a PNG. Raises OSError."""
    png = Png(WIDTH, HEIGHT)
    draw(png, played, labels, verdict, threshold, release)
    png.save(path)


def draw(
    canvas: Canvas,
    played: Played,
    labels: Labels | None,
    verdict: Verdict | None,
    threshold: float,
    release: float,
) -> None:
    """Draw a clip's timeline, `WIDTH` by `HEIGHT`; `labels` and `verdict` None for a clip nobody labelled."""
    recording = played.recording
    start = min(0.0, recording.frames[0].at) if recording.frames else 0.0
    scale = _Scale(start, max(recording.frames[-1].at if recording.frames else 0.0, start))
    canvas.rect(0, 0, WIDTH, HEIGHT, "#ffffff")
    canvas.text((LEFT, 28), recording.clip, INK, 17, bold=True)
    bad = verdict is not None and (verdict.misses or verdict.false_shots)
    colour = FALSE if bad else HIT if verdict is not None else FAINT
    canvas.text((WIDTH - 24, 28), summary(verdict, played), colour, 14, anchor="end")
    _draw_labels(canvas, scale, labels, verdict)
    _draw_axes(canvas, scale, threshold, release)
    _draw_faces(canvas, scale, played)
    _draw_states(canvas, scale, played.steps)
    for taken in played.taken:
        _draw_shot(canvas, scale, taken, _kind(taken.at, labels))
    _draw_legend(canvas, played, labels)


def summary(verdict: Verdict | None, played: Played) -> str:
    """Say in words how a clip went."""
    shots = len(played.taken)
    if verdict is None:
        return f"{shots} shot{'s' * (shots != 1)}, not labelled"
    smiles = verdict.hits + verdict.misses
    parts = [f"{verdict.hits} of {smiles} smile{'s' * (smiles != 1)} hit"] if smiles else ["no smile to hit"]
    count = len(verdict.false_shots)
    parts.append(f"{count or 'no'} false shot{'s' * (count > 1)}")
    if verdict.delays:
        parts.append("after " + ", ".join(f"{delay:.2f}" for delay in verdict.delays) + " s")
    return ", ".join(parts)


def _kind(at: float, labels: Labels | None) -> str:
    """The colour of a shot."""
    if labels is None:
        return OTHER
    stretches = [stretch for stretch in labels.stretches() if stretch.holds(at)]
    return FALSE if not stretches else HIT if any(stretch.smiles for stretch in stretches) else OTHER


def _draw_labels(canvas: Canvas, scale: _Scale, labels: Labels | None, verdict: Verdict | None) -> None:
    if labels is None:
        return
    for spans, fill, what in ((labels.ignore, AMBIGUOUS, "ambiguous"), (labels.smiles, SMILE, "smile")):
        for begin, end in spans:
            x, right = scale.x(begin), scale.x(end)
            canvas.rect(x, TOP, right - x, PLOT, fill, note=f"{what} {begin:g} to {end:g} s")
    for begin, end in verdict.missed if verdict is not None else ():
        x, right = scale.x(begin), scale.x(end)
        canvas.rect(x, TOP - 4, right - x, 4, FALSE)
        canvas.text(((x + right) / 2, TOP - 8), "missed", FALSE, 12, anchor="middle")


def _draw_axes(canvas: Canvas, scale: _Scale, threshold: float, release: float) -> None:
    for value in (0.0, 0.5, 1.0):
        y = scale.y(value)
        canvas.path([(LEFT, y), (WIDTH - RIGHT, y)], GRID)
        canvas.text((LEFT - 8, y + 4), f"{value:g}", FAINT, 12, anchor="end")
    canvas.text((WIDTH - RIGHT + 8, scale.y(1) + 4), "smile", FAINT, 12)
    for value, name, dash in ((threshold, "threshold", (6.0, 4.0)), (release, "release", (1.5, 4.0))):
        y = scale.y(value)
        canvas.path([(LEFT, y), (WIDTH - RIGHT, y)], FAINT, 1, dash=dash)
        canvas.text((WIDTH - RIGHT + 8, y + 4), f"{name} {value:.2f}", FAINT, 12)
    bottom = TOP + PLOT + STRIP + 6
    for tick in scale.ticks():
        x = scale.x(tick)
        canvas.path([(x, bottom), (x, bottom + 4)], FAINT)
        canvas.text((x, bottom + 18), f"{tick:g}", FAINT, 12, anchor="middle")
    canvas.text((LEFT - 8, bottom + 18), "s", FAINT, 12, anchor="end")


def _draw_faces(canvas: Canvas, scale: _Scale, played: Played) -> None:
    lines: dict[int, list[list[tuple[float, float]]]] = {}
    last: dict[int, float] = {}
    for frame in played.recording.frames:
        for face in frame.faces:
            if face.scores is None:
                continue
            pieces = lines.setdefault(face.track, [[]])
            if frame.at - last.get(face.track, frame.at) > MAX_GAP:
                pieces.append([])
            pieces[-1].append((scale.x(frame.at), scale.y(face.smile)))
            last[face.track] = frame.at
    for index, pieces in enumerate(lines.values()):
        for piece in pieces:
            if len(piece) == 1:
                canvas.circle(piece[0], 1.2, FACES[index % len(FACES)])
            else:
                canvas.path(piece, FACES[index % len(FACES)], 1.8)


def _draw_states(canvas: Canvas, scale: _Scale, steps: Sequence[Step]) -> None:
    top = TOP + PLOT + 6
    begin = 0
    for index in range(1, len(steps) + 1):
        if index < len(steps) and steps[index].state is steps[begin].state:
            continue
        end = steps[min(index, len(steps) - 1)].at
        x, right = scale.x(steps[begin].at), scale.x(end)
        state = steps[begin].state
        canvas.rect(x, top, max(0.8, right - x), STRIP - 4, STATES[state], note=state.value)
        begin = index


def _draw_shot(canvas: Canvas, scale: _Scale, taken: Taken, colour: str) -> None:
    x, picked = scale.x(taken.at), scale.x(taken.picked_at)
    canvas.path([(x, TOP - 2), (x, TOP + PLOT + STRIP + 2)], colour, 1.6)
    canvas.polygon([(x - 6, TOP - 12), (x + 6, TOP - 12), (x, TOP - 2)], colour)
    note = f"decided at {taken.at:.2f} s, the frame of {taken.picked_at:.2f} s kept"
    canvas.circle((picked, TOP + PLOT), 4, "#ffffff", outline=colour, width=2, note=note)


def _draw_legend(canvas: Canvas, played: Played, labels: Labels | None) -> None:
    y, x = HEIGHT - 14, LEFT
    states = {step.state for step in played.steps}
    patches = [(colour, state.value) for state, colour in STATES.items() if state in states]
    if labels is not None and labels.smiles:
        patches.append((SMILE, "labelled smile"))
    if labels is not None and labels.ignore:
        patches.append((AMBIGUOUS, "ambiguous"))
    for colour, name in patches:
        canvas.rect(x, y - 10, 14, 11, colour, radius=2)
        canvas.text((x + 20, y), name, FAINT, 12)
        x += 38 + _width(name)
    kinds = {_kind(taken.at, labels) for taken in played.taken}
    for colour, name in ((HIT, "hit"), (FALSE, "false shot"), (OTHER, "shot")):
        if colour in kinds:
            canvas.polygon([(x, y - 10), (x + 12, y - 10), (x + 6, y)], colour)
            canvas.text((x + 18, y), name, FAINT, 12)
            x += 36 + _width(name)
    if played.taken:
        canvas.circle((x + 5, y - 4.5), 4, "#ffffff", outline=OTHER, width=2)
        canvas.text((x + 16, y), "frame that is kept", FAINT, 12)


def _width(text: str) -> float:
    """About how wide a text of 12 units is."""
    return sum(3.2 if letter in "fijlrt ()" else 9.6 if letter in "mw" else 6.6 for letter in text)
