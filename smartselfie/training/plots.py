"""Pictures of a run and of what a network can do (matplotlib, drawn without a display)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from smartselfie.records import CLASSES

COLOURS = ("#2f6fde", "#e8743b", "#19a979", "#945ecf", "#d64161", "#13a4b4", "#6c757d")
INK = "#2b2d33"
STYLE: dict[str, Any] = {
    "figure.dpi": 110,
    "savefig.dpi": 110,
    "font.size": 10,
    "axes.titlesize": 11,
    "axes.titleweight": "bold",
    "axes.titlelocation": "left",
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.edgecolor": "#9aa0a8",
    "axes.labelcolor": INK,
    "text.color": INK,
    "xtick.color": INK,
    "ytick.color": INK,
    "axes.grid": True,
    "grid.color": "#e6e8eb",
    "grid.linewidth": 0.8,
    "axes.axisbelow": True,
    "legend.frameon": False,
    "lines.linewidth": 1.8,
}


@contextmanager
def figure(path: Path, rows: int = 1, columns: int = 1, size: tuple[float, float] = (6, 4)) -> Iterator[Any]:
    """Give the axes of a new figure (`size` in inches), and write it to `path` when the block ends."""
    from matplotlib import rc_context
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    with rc_context(STYLE):
        figure = Figure(figsize=size, layout="constrained")
        FigureCanvasAgg(figure)
        yield figure.subplots(rows, columns)
        path.parent.mkdir(parents=True, exist_ok=True)
        figure.savefig(path)


def curves(rows: Sequence[Mapping[str, float]], heads: Sequence[str], path: Path) -> None:
    """Draw loss and accuracy by epoch, training (dashed) and PublicTest (solid), from the rows of log.csv."""
    epochs = [row["epoch"] for row in rows]
    with figure(path, 1, 2, (10, 4)) as (left, right):
        left.plot(epochs, [row["loss"] for row in rows], "--", color=COLOURS[0], label="training")
        left.plot(epochs, [row["val_loss"] for row in rows], color=COLOURS[0], label="PublicTest")
        left.set(title="Loss (cross-entropy)", xlabel="epoch")
        for head, colour in zip(heads, COLOURS, strict=False):
            right.plot(
                epochs,
                [row[f"accuracy_{head}"] for row in rows],
                "--",
                color=colour,
                label=f"{head}, training",
            )
            right.plot(
                epochs,
                [row[f"val_accuracy_{head}"] for row in rows],
                color=colour,
                label=f"{head}, PublicTest",
            )
        right.set(title="Accuracy", xlabel="epoch")
        for axes in (left, right):
            axes.legend(fontsize=9)
            for row, before in zip(rows[1:], rows[:-1], strict=True):
                if row["size"] != before["size"]:
                    axes.axvline(row["epoch"] - 0.5, color="#c9cdd2", linewidth=1)
                    axes.annotate(
                        f"{row['size']:g} px",
                        (row["epoch"] - 0.4, 0.02),
                        fontsize=8,
                        color="#8a9099",
                        xycoords=axes.get_xaxis_transform(),
                    )


def distribution(counts: Mapping[str, Sequence[int]], path: Path, classes: Sequence[str] = CLASSES) -> None:
    """Draw a bar chart of how many faces of each class each split has."""
    with figure(path, size=(8.5, 4)) as axes:
        width = 0.8 / len(counts)
        at = np.arange(len(classes))
        for number, ((split, values), colour) in enumerate(zip(counts.items(), COLOURS, strict=False)):
            bars = axes.bar(
                at + (number - (len(counts) - 1) / 2) * width,
                values,
                width * 0.92,
                color=colour,
                label=f"{split} ({sum(values):,})",
            )
            axes.bar_label(bars, [f"{value:,}" for value in values], fontsize=7, padding=2, rotation=90)
        axes.set_xticks(at, classes)
        axes.margins(y=0.18)
        axes.grid(axis="x", visible=False)
        axes.set(title="Faces by class", ylabel="faces")
        axes.legend()


def confusion(matrix: npt.NDArray[np.int_], title: str, path: Path, classes: Sequence[str] = CLASSES) -> None:
    """Draw a (C, C) confusion matrix: rows are true classes, shares are of the row."""
    shares = matrix / np.maximum(matrix.sum(1, keepdims=True), 1)
    with figure(path, size=(6.4, 5.6)) as axes:
        axes.imshow(shares, cmap="Blues", vmin=0, vmax=1)
        for row in range(len(classes)):
            for column in range(len(classes)):
                share = shares[row, column]
                axes.text(
                    column,
                    row,
                    f"{share:.0%}\n{matrix[row, column]}",
                    ha="center",
                    va="center",
                    fontsize=8,
                    color="white" if share > 0.55 else INK,
                )
        axes.set_xticks(range(len(classes)), classes, rotation=30)
        axes.set_yticks(range(len(classes)), classes)
        axes.grid(visible=False)
        axes.set(title=title, xlabel="predicted", ylabel="true")


def happy(
    curves_by_name: Mapping[str, Mapping[str, npt.NDArray[np.float64]]], title: str, path: Path
) -> None:
    """Draw ROC and precision-recall of happy from what `measures.happy_curves` returns, by name."""
    with figure(path, 1, 2, (10, 4.4)) as (left, right):
        for (name, curve), colour in zip(curves_by_name.items(), COLOURS, strict=False):
            left.plot(
                curve["fpr"], curve["tpr"], color=colour, label=f"{name}  AUC {float(curve['auc']):.4f}"
            )
            right.plot(
                curve["recall"],
                curve["precision"],
                color=colour,
                label=f"{name}  AP {float(curve['ap']):.4f}",
            )
        left.set(title=f"{title}: ROC of happy", xlabel="false positive rate", ylabel="true positive rate")
        left.plot([0, 1], [0, 1], ":", color="#b5bac1", linewidth=1)
        right.set(
            title=f"{title}: precision and recall of happy",
            xlabel="recall",
            ylabel="precision",
            ylim=(0, 1.02),
        )
        left.legend(loc="lower right")
        right.legend(loc="lower left")


def reliability(
    confidence: npt.NDArray[np.float64],
    accuracy: npt.NDArray[np.float64],
    count: npt.NDArray[np.int_],
    ece: float,
    title: str,
    path: Path,
) -> None:
    """Draw how often the network is right against how sure it is; empty bins are left out."""
    filled = count > 0
    with figure(path, 2, 1, (5.6, 6)) as (upper, lower):
        upper.plot([0, 1], [0, 1], ":", color="#8a9099", linewidth=1.2)
        width = 1 / len(count)
        centre = (np.arange(len(count)) + 0.5) * width
        upper.bar(centre[filled], accuracy[filled], width * 0.9, color=COLOURS[0], label="right")
        gap = confidence - accuracy
        upper.bar(
            centre[filled],
            gap[filled],
            width * 0.9,
            accuracy[filled],
            color=COLOURS[1],
            alpha=0.45,
            label="gap",
        )
        upper.set(
            title=f"{title}: calibration error {ece:.3f}",
            ylabel="share that is right",
            xlim=(0, 1),
            ylim=(0, 1),
        )
        upper.legend(loc="upper left")
        lower.bar(centre, count, width * 0.9, color="#9aa0a8")
        lower.set(xlabel="probability of the decision", ylabel="faces", xlim=(0, 1))
