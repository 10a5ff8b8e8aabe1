"""Brings the detector's measured figures into tables, the JSON beside it and its model card."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import typer

from smartselfie.errors import DataError
from smartselfie.training.card import markdown, put

Table = tuple[str, tuple[str, ...], list[tuple[str, ...]]]
"""Title, columns and rows."""


def tables(report: Mapping[str, Any]) -> list[Table]:
    """Return a report of `evaluate` as tables, a column a detector."""
    detectors = report["detectors"]
    columns = ("", *detectors)
    count = f"{report['pictures']:,} pictures"
    if "faces" not in report:
        rows = [
            ("a face found", *(_percent(each["found"]) for each in detectors.values())),
            (
                "by the search of single pictures",
                *(_percent(each.get("thorough")) for each in detectors.values()),
            ),
        ]
        return [(f"{report['data']}: {count}", columns, [*rows, *_files(detectors)])]
    title = f"{report['data']}: {count}, {report['faces']:,} faces"
    main = [
        _row("recall", detectors, lambda each: _percent(each["recall"])),
        _row("false boxes a picture", detectors, lambda each: f"{each['false_per_picture']:.3f}"),
        _row("at the score", detectors, lambda each: f"{each['threshold']:.3f}"),
        _row("average precision", detectors, lambda each: f"{each['average_precision']:.4f}"),
        _row("recall at the usual score", detectors, lambda each: _percent(each["usual"]["recall"])),
        _row("false boxes then", detectors, lambda each: f"{each['usual']['false_per_picture']:.3f}"),
        _row("the usual score", detectors, lambda each: f"{each['usual_threshold']:.3f}"),
        *_files(detectors),
    ]
    conditions = [
        _row(name, detectors, lambda each, name=name: _with_false(each["conditions"][name]))
        for name in next(iter(detectors.values()))["conditions"]
    ]
    usual = [
        _row(name, detectors, lambda each, name=name: _with_false(each["conditions"][name]["usual"]))
        for name in next(iter(detectors.values()))["conditions"]
    ]
    sizes = [
        _row(name, detectors, lambda each, name=name: _percent(each["sizes"][name]))
        for name in next(iter(detectors.values()))["sizes"]
    ]
    return [
        (title, columns, main),
        (f"{report['data']}: recall (false boxes a picture)", columns, conditions),
        (f"{report['data']}: the same at the usual scores", columns, usual),
        (f"{report['data']}: recall by size, longer side by the picture's shorter", columns, sizes),
    ]


def _files(detectors: Mapping[str, Mapping[str, Any]]) -> list[tuple[str, ...]]:
    rows = [
        _row("file, bytes", detectors, lambda each: f"{each['bytes']:,}" if "bytes" in each else ""),
        _row(
            "one search of 640x480, one thread, ms",
            detectors,
            lambda each: f"{each['milliseconds']:.2f}" if "milliseconds" in each else "",
        ),
        _row(
            "the same as a ratio to YuNet, 320 wide",
            detectors,
            lambda each: f"{each['time_ratio']:.2f}" if "time_ratio" in each else "",
        ),
    ]
    return [row for row in rows if any(row[1:])]


def _row(name: str, detectors: Mapping[str, Mapping[str, Any]], cell: Any) -> tuple[str, ...]:
    return (name, *(str(cell(each)) for each in detectors.values()))


def _percent(share: float | None) -> str:
    return "" if share is None or share != share else f"{share:.1%}"


def _with_false(found: Mapping[str, float]) -> str:
    return f"{_percent(found['recall'])} ({found['false_per_picture']:.3f})"


def record(about: Path, reports: Sequence[Mapping[str, Any]], command: str) -> None:
    """Store reports under `accuracy` in the JSON beside the file; DataError when they are of another file."""
    told = json.loads(about.read_text())
    kept = {
        data: report for data, report in told.get("accuracy", {}).items() if _hash(report) == told["sha256"]
    }
    for report in reports:
        if _hash(report) != told["sha256"]:
            raise DataError(f"{about}: describes another file than the one that was measured")
        kept[report["data"]] = {**report, "measured_by": command}
    told["accuracy"] = kept
    about.write_text(json.dumps(told, indent=2) + "\n")


def _hash(report: Mapping[str, Any]) -> Any:
    """Return the SHA-256 of the file that a report is of: the first of its detectors."""
    return next(iter(report["detectors"].values())).get("sha256")


def fill(card: Path, about: Path) -> None:
    """Write the figures in the JSON beside the detector into its card, between the markers."""
    told = json.loads(about.read_text())
    parts = [f"Threshold of what ships: {told['threshold']}. Version {told['version']}."]
    for data, report in told.get("accuracy", {}).items():
        parts.append(f"### {data}")
        for title, columns, rows in tables(report):
            parts += [f"{title}:", markdown(columns, rows)]
        parts.append(f"Measured by `{report['measured_by']}`.")
    put(card, "\n\n".join(parts))


if __name__ == "__main__":
    typer.run(fill)
