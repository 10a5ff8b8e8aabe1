"""Pictures of a detector's run and of what detectors find (matplotlib, drawn without a display)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from smartselfie.training.detection.pictures import Floats
from smartselfie.training.plots import COLOURS, figure


def curves(rows: Sequence[Mapping[str, float]], path: Path) -> None:
    """Draw the losses and the recalls by step, from the rows of a run's log."""
    steps = [row["step"] for row in rows]
    with figure(path, 1, 2, (10, 4)) as (left, right):
        for number, name in enumerate(("score", "box", "landmarks", "covered")):
            left.plot(steps, [row[f"{name}_loss"] for row in rows], color=COLOURS[number], label=name)
        left.set(title="Losses, training", xlabel="step", yscale="log")
        for number, (name, label) in enumerate((("0", "upright"), ("45", "rolled 45°"))):
            colour = COLOURS[number]
            right.plot(steps, [row[f"recall_{name}"] for row in rows], color=colour, label=label)
            right.plot(
                steps, [row[f"any_{name}"] for row in rows], ":", color=colour, label=f"{label}, any score"
            )
        right.set(title="Recall, pictures held back", xlabel="step", ylim=(0, 1.01))
        for axes in (left, right):
            axes.legend(fontsize=9)


def precision_recall(curves_by_name: Mapping[str, tuple[Floats, Floats]], title: str, path: Path) -> None:
    """Draw precision against recall, from (recalls, precisions) by the detector's name."""
    with figure(path, size=(6.4, 4.6)) as axes:
        for number, (name, (recall, precision)) in enumerate(curves_by_name.items()):
            axes.plot(recall, precision, color=COLOURS[number % len(COLOURS)], label=name)
        axes.set(title=title, xlabel="recall", ylabel="precision", xlim=(0.3, 1.005), ylim=(0.5, 1.01))
        axes.legend(loc="lower left")


def recalls(by_name: Mapping[str, Mapping[str, float]], title: str, xlabel: str, path: Path) -> None:
    """Draw the recall under each of some conditions, a line a detector: {name: {condition: recall}}."""
    labels = list(next(iter(by_name.values())))
    at: list[Any] = list(range(len(labels)))
    with figure(path, size=(7.2, 4.4)) as axes:
        for number, (name, found) in enumerate(by_name.items()):
            values = [found.get(label, float("nan")) for label in labels]
            axes.plot(at, values, "o-", color=COLOURS[number % len(COLOURS)], label=name)
        axes.set_xticks(at, labels)
        axes.set(title=title, xlabel=xlabel, ylabel="recall", ylim=(0, 1.02))
        axes.legend(loc="lower left")
