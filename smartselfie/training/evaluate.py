"""Measures networks on labelled faces: FER2013 with both kinds of labels, others through the cascade."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from smartselfie.errors import DataError
from smartselfie.records import CLASSES
from smartselfie.training import crops, datasets, measures, plots, predictors, readers
from smartselfie.training.datasets import Faces, Floats, Ints
from smartselfie.training.label_sets import LabelSet
from smartselfie.training.predictors import Told
from smartselfie.training.readers import Watch

RULES = {
    "fer2013": "FER2013's own label",
    "ferplus": "FER+: the largest vote count among the seven classes is unique, and larger than each of "
    "contempt, unknown, not-a-face",
    "emotion": "the data set's own label",
}


@dataclass(frozen=True, slots=True, eq=False)
class EvaluationSet:
    """Faces to measure on, and what each kind of label says of them."""

    name: str
    images: npt.NDArray[np.uint8]
    """(N, S, S) uint8 gray."""
    truths: Mapping[str, Ints]
    """By kind of label: (N,) index into `classes`, -1 where there is none."""
    classes: tuple[str, ...] = CLASSES
    missed: npt.NDArray[np.bool_] | None = None
    """For pictures that went through the cascade: for each picture whether it found no face."""
    picture_truth: Ints | None = None
    """For those: (M,) the label of every picture, found or not."""
    left_out: Sequence[str] = ()
    """One line for each row or picture that could not be read: where, and why."""


def load_evaluation_set(
    data: Path,
    split: str,
    watch: Watch | None = None,
    detector: str = "cascade",
    labels: LabelSet | None = None,
) -> EvaluationSet:
    """Read prepared faces, FER2013 in any form, or (through a detector) labelled photographs.

    Photographs are a .zip, a folder or a table (labels.csv, legend.csv) that tells no `usage`; `detector` is
    what `crops.finder` takes. DataError when `data` is neither, or labels no face of the split.
    """
    if data.suffix == ".npz":
        return _split(datasets.load(data), data.stem, split)
    if readers.are_photographs(data):
        return _photographs(data, watch, detector, labels)
    reading = readers.read(data, watch=watch, labels=labels)
    return _split(reading.faces(), data.stem, split, reading.broken)


def _split(faces: Faces, name: str, split: str, left_out: Sequence[str] = ()) -> EvaluationSet:
    faces = faces.split(split)
    truths: dict[str, Ints] = {head: datasets.truth(faces, head) for head in ("fer2013", "ferplus")}
    truths = {head: truth for head, truth in truths.items() if (truth >= 0).any()}
    if not truths:
        raise DataError(f"{name}: no face in the split {split} has a label")
    return EvaluationSet(f"{name} {split}", faces.images, truths, faces.classes, left_out=left_out)


def _photographs(data: Path, watch: Watch | None, detector: str, labels: LabelSet | None) -> EvaluationSet:
    cut = crops.finder(detector)
    found: list[bool] = []

    def crop(picture: readers.Gray) -> readers.Gray:
        face = cut(picture)
        found.append(face is not None)
        return np.zeros((datasets.SIDE, datasets.SIDE), np.uint8) if face is None else face

    reading = readers.read(data, crop=crop, watch=watch, labels=labels)
    faces, seen = reading.faces(), np.array(found)
    if not seen.any():
        raise DataError(f"{data}: {detector} finds no face in any picture")
    truths = {"emotion": faces.labels[seen]}
    kind = detector.partition(":")[0]
    name = data.stem if kind == "cascade" else f"{data.stem}, faces found by {kind}"
    return EvaluationSet(name, faces.images[seen], truths, faces.classes, ~seen, faces.labels, reading.broken)


def evaluate(
    model: Path,
    trial: EvaluationSet,
    *,
    peer: Path | None = None,
    plot_folder: Path | None = None,
    latency: bool = True,
    told: Told | None = None,
    peer_told: Told | None = None,
) -> dict[str, Any]:
    """Return all figures of a network, and of its peer, for JSON; draws plots into `plot_folder`.

    `told` and `peer_told`: what is to be known of a network without a description. Raises ModelError.
    """
    networks = {"model": predictors.load(model, told)}
    if peer is not None:
        networks["peer"] = predictors.load(peer, peer_told)
    paths = {"model": model, "peer": peer}
    report: dict[str, Any] = {"data": trial.name, "faces": len(trial.images)}
    if trial.left_out:
        report["left_out"] = len(trial.left_out)
    if trial.missed is not None:
        report["pictures"], report["no_face_found"] = len(trial.missed), int(trial.missed.sum())
    scored = {name: _scores(network, trial) for name, network in networks.items()}
    for name, scores in scored.items():
        path = paths[name]
        assert path is not None
        report[name] = {
            "file": path.name,
            "bytes": path.stat().st_size,
            "sha256": predictors.sha256(path),
            "labels": {kind: {"rule": RULES[kind]} | _figures(*scores[kind], trial) for kind in scores},
        }
    if latency:
        for name, milliseconds in predictors.latencies(networks).items():
            report[name]["latency_ms"] = round(milliseconds, 3)
        if peer:
            report["latency_ratio"] = round(report["model"]["latency_ms"] / report["peer"]["latency_ms"], 2)
    if plot_folder is not None:
        _draw(scored, trial, {name: str(paths[name] and paths[name].stem) for name in networks}, plot_folder)  # type: ignore[union-attr]
    return report


def _scores(
    network: predictors.Predictor, trial: EvaluationSet
) -> dict[str, tuple[Floats, Floats, str, Ints]]:
    """By kind of label: calibrated and raw probabilities, the head they come from, and the truth."""
    made = network(trial.images)
    found = {}
    for kind, truth in trial.truths.items():
        head = kind if kind in made else network.about.read or next(iter(made))
        head = head if head in made else next(iter(made))
        known = truth >= 0
        both = [
            predictors.probabilities(made[head], network.about, head, calibrated, trial.classes)[known]
            for calibrated in (True, False)
        ]
        found[kind] = (both[0], both[1], head, truth[known])
    return found


def _figures(calibrated: Floats, raw: Floats, head: str, truth: Ints, trial: EvaluationSet) -> dict[str, Any]:
    others = [f"other {place}" for place in range(calibrated.shape[1] - len(trial.classes))]
    figures = {"head": head} | measures.measure(calibrated, truth, (*trial.classes, *others))
    figures["ece_without_temperature"] = round(measures.calibration(raw, truth)[3], 5)
    if trial.missed is not None and trial.picture_truth is not None and "happy" in trial.classes:
        happy = trial.classes.index("happy")
        score = np.zeros(len(trial.missed), np.float32)
        score[~trial.missed] = calibrated[:, happy]
        figures["happy_whole"] = measures.happy(score, trial.picture_truth == happy)
    return figures


def _draw(
    scored: Mapping[str, Mapping[str, tuple[Floats, Floats, str, Ints]]],
    trial: EvaluationSet,
    names: Mapping[str, str],
    folder: Path,
) -> None:
    for kind, (probabilities, _, _, truth) in scored["model"].items():
        title, stem = f"{trial.name}, {kind}", f"{trial.name.replace(' ', '-')}-{kind}"
        others = range(len(trial.classes), probabilities.shape[1])
        classes = (*trial.classes, *(f"other {place}" for place in others))
        matrix = np.zeros((len(classes), len(classes)), int)
        np.add.at(matrix, (truth, probabilities.argmax(1)), 1)
        plots.confusion(matrix, title, folder / f"{stem}-confusion.png", classes)
        plots.reliability(
            *measures.calibration(probabilities, truth), title, folder / f"{stem}-reliability.png"
        )
        happy = trial.classes.index("happy") if "happy" in trial.classes else -1
        if not 0 < (truth == happy).sum() < len(truth):
            continue  # no curves of happy
        curves = {
            names[name]: measures.happy_curves(scores[kind][0][:, happy], scores[kind][3] == happy)
            for name, scores in scored.items()
        }
        plots.happy(curves, title, folder / f"{stem}-happy.png")


def rows(report: Mapping[str, Any]) -> list[tuple[str, str, str]]:
    """Return the report as lines of a table: what, the model's figure, the peer's (or nothing)."""
    lines: list[tuple[str, str, str]] = []

    def line(what: str, *path: str, form: str = "{:.4f}") -> None:
        shown = []
        for name in ("model", "peer"):
            value: Any = report.get(name)
            for key in path:
                value = value.get(key) if isinstance(value, Mapping) else None
            shown.append("" if value is None else form.format(value))
        if any(shown):
            lines.append((what, shown[0], shown[1]))

    line("file", "file", form="{}")
    line("bytes", "bytes", form="{:,}")
    for kind, figures in report["model"]["labels"].items():
        n = figures["n"]
        line(f"{kind} accuracy (n={n})", "labels", kind, "accuracy", form="{:.1%}")
        line(f"{kind} macro F1", "labels", kind, "macro_f1")
        line(f"{kind} average precision of happy", "labels", kind, "happy", "ap")
        line(f"{kind} ... undetected pictures scored 0", "labels", kind, "happy_whole", "ap")
        line(f"{kind} expected calibration error", "labels", kind, "ece")
        line(f"{kind} ... without temperature", "labels", kind, "ece_without_temperature")
    line("one face, one thread (ms)", "latency_ms", form="{:.2f}")
    if "latency_ratio" in report:
        lines.append(("... as a ratio to the peer", f"{report['latency_ratio']:.2f}", "1.00"))
    return lines


def class_rows(report: Mapping[str, Any], kind: str) -> list[tuple[str, str, str]]:
    """Return precision, recall and F1 of each class by one kind of label, as lines of a table."""

    def cell(name: str, who: str) -> str:
        if who not in report:
            return ""
        figures = report[who]["labels"][kind]["classes"].get(name)
        if figures is None:
            return ""
        return "  ".join(f"{figures[what]:.3f}" for what in ("precision", "recall", "f1"))

    names = report["model"]["labels"][kind]["classes"]
    return [(name, cell(name, "model"), cell(name, "peer")) for name in names]
