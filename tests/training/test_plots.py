"""The pictures are written, whatever is missing in the figures."""

from pathlib import Path

import cv2
import numpy as np

from smartselfie.training import plots

ROWS = [
    {"epoch": n, "size": 32 + 16 * (n > 1), "loss": 2.0 / n, "val_loss": 2.1 / n, "accuracy_ferplus": 0.1 * n,
     "val_accuracy_ferplus": 0.09 * n} for n in (1, 2, 3)
]  # fmt: skip


def is_picture(path: Path) -> bool:
    """Of a sensible size, and not of one colour."""
    image = cv2.imread(str(path))
    return image is not None and min(image.shape[:2]) > 200 and image.std() > 5


def test_curves_are_drawn(tmp_path: Path) -> None:
    """One head, three epochs, a change of size."""
    plots.curves(ROWS, ("ferplus",), tmp_path / "curves.png")
    assert is_picture(tmp_path / "curves.png")


def test_the_distribution_is_drawn(tmp_path: Path) -> None:
    """Bars for one split alone too."""
    plots.distribution({"Training": [5, 0, 1, 2, 3, 4, 9]}, tmp_path / "deep" / "bars.png")
    assert is_picture(tmp_path / "deep" / "bars.png")


def test_confusion_with_an_empty_row_is_drawn(tmp_path: Path) -> None:
    """A class without faces divides by nothing."""
    plots.confusion(np.diag([5, 0, 1, 2, 3, 4, 9]), "drawn faces", tmp_path / "confusion.png")
    assert is_picture(tmp_path / "confusion.png")


def test_reliability_with_empty_bins_is_drawn(tmp_path: Path) -> None:
    """Bins without faces stay empty."""
    count = np.array([0] * 14 + [9])
    plots.reliability(count / 10, count / 10, count, 0.1, "drawn faces", tmp_path / "reliability.png")
    assert is_picture(tmp_path / "reliability.png")
