"""Recall against false shots: what every setting of a sweep would have given, and what is worth choosing."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from smartselfie.deciding.rules import Rules
from smartselfie.replaying.canvas import Canvas, Png
from smartselfie.replaying.sweep import Sweep, Trial
from smartselfie.replaying.timeline import FAINT, GRID, HIT, INK

WIDTH, HEIGHT = 760.0, 470.0
LEFT, RIGHT, TOP, BOTTOM = 66.0, 28.0, 74.0, 92.0
PAD = 24.0
"""Room for the dots on the axis."""
DOT, EDGE, NOW = "#a9c1ea", "#2563c9", "#c2571a"
HOUR = 3600.0


def frontier(trials: Sequence[Trial]) -> list[Trial]:
    """Return the trials that no other beats in both recall and false shots, by rising false shots."""
    kept: list[Trial] = []
    for trial in sorted(trials, key=lambda trial: (trial.total.false_shots, -trial.total.hits)):
        if not kept or trial.total.hits > kept[-1].total.hits:
            kept.append(trial)
    return kept


def frontier_png(path: Path, sweep: Sweep) -> None:
    """Write the picture. Raises OSError."""
    png = Png(WIDTH, HEIGHT)
    draw(png, sweep)
    png.save(path)


def draw(canvas: Canvas, sweep: Sweep) -> None:
    """Draw the trials of a sweep: `WIDTH` by `HEIGHT`."""
    total = sweep.current.total
    most = max(4, *(trial.total.false_shots for trial in (*sweep.trials, sweep.current)))

    def place(trial: Trial) -> tuple[float, float]:
        across = trial.total.false_shots / most
        up = trial.total.hits / max(1, total.smiles)
        return LEFT + PAD + across * (WIDTH - LEFT - RIGHT - PAD), HEIGHT - BOTTOM - up * (
            HEIGHT - TOP - BOTTOM
        )

    canvas.rect(0, 0, WIDTH, HEIGHT, "#ffffff")
    canvas.text((LEFT, 28), "Recall against false shots", INK, 17, bold=True)
    canvas.text(
        (LEFT, 48),
        f"{len(sweep.trials)} settings, {total.clips} clips, {total.smiles} smiles, "
        f"{total.quiet_seconds:.0f} s without one",
        FAINT,
        13,
    )
    for share in (0, 0.25, 0.5, 0.75, 1):
        y = HEIGHT - BOTTOM - share * (HEIGHT - TOP - BOTTOM)
        canvas.path([(LEFT, y), (WIDTH - RIGHT, y)], GRID)
        canvas.text((LEFT - 8, y + 4), f"{share:.0%}", FAINT, 12, anchor="end")
    step = max(1, round(most / 8))
    for count in range(0, most + 1, step):
        x = LEFT + PAD + count / most * (WIDTH - LEFT - RIGHT - PAD)
        canvas.text((x, HEIGHT - BOTTOM + 20), f"{count}", FAINT, 12, anchor="middle")
    hour = total.quiet_seconds / HOUR
    each = f", each {1 / hour:.0f} an hour" if hour else ""
    canvas.text((WIDTH - RIGHT, HEIGHT - BOTTOM + 40), f"false shots{each}", FAINT, 12, anchor="end")
    places = Counter(place(trial) for trial in sweep.trials)
    for where, count in places.items():
        canvas.circle(where, min(12.0, 2.5 + count**0.5 * 0.6), DOT)
    best = [place(trial) for trial in frontier(sweep.trials)]
    if len(best) > 1:
        corners = [best[0]]
        for point in best[1:]:
            corners += [(point[0], corners[-1][1]), point]
        canvas.path(corners, EDGE, 2)
    now, then = place(sweep.current), place(sweep.best)
    canvas.circle(now, 9, "#ffffff", outline=NOW, width=3)
    canvas.circle(then, 4.5, HIT)
    y = HEIGHT - 22
    canvas.circle((LEFT + 6, y - 26), 6, "#ffffff", outline=NOW, width=2.5)
    canvas.text((LEFT + 20, y - 22), f"now: {in_words(sweep.current.rules)}", INK, 13)
    canvas.circle((LEFT + 6, y - 4), 4.5, HIT)
    canvas.text((LEFT + 20, y), f"proposed: {in_words(sweep.best.rules)}", INK, 13)


def in_words(rules: Rules) -> str:
    """Say what is swept of a setting."""
    hold = f"{rules.hold_frames} frames" if rules.hold_frames is not None else f"{rules.hold_seconds:g} s"
    if rules.rule == "evidence":
        return f"certainty {rules.certainty:g}, release {rules.release_level:.2f}"
    return f"threshold {rules.threshold:g}, hold {hold}, release {rules.release_level:.2f}"
