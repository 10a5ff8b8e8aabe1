"""Brings measured figures into the JSON beside a network and into the model card; none is typed by hand."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any

import typer

from smartselfie.errors import DataError

REPORTED = {"mini_xception": 0.66, "cnn4": 0.632, "vgg": 0.733}
"""Accuracy on FER2013 as their authors report it, by network; the sources stand in `networks`."""


def record(about: Path, reports: Sequence[Mapping[str, Any]], command: str) -> None:
    """Store reports of `evaluate` under `accuracy`; DataError when they are of another file."""
    told = json.loads(about.read_text())
    known = told["sha256"].values() if isinstance(told["sha256"], dict) else [told["sha256"]]
    figures = told.get("accuracy", {})
    for report in reports:
        if report["model"]["sha256"] not in known:
            raise DataError(f"{about}: describes another file than {report['model']['file']}")
        figures[report["data"]] = {**report, "measured_by": command}
    told["accuracy"] = {
        data: report for data, report in figures.items() if report["model"]["sha256"] in known
    }
    about.write_text(json.dumps(told, indent=2) + "\n")


def fill(card: Path, about: Path, others: Annotated[list[Path] | None, typer.Argument()] = None) -> None:
    """Write the tables of the JSON beside a network into its card.

    `others` are what `evaluate --json` printed of other networks, each in a file named after its network.
    """
    told = json.loads(about.read_text())
    put(card, "\n\n".join(_tables(told)))
    if "smiling" in told:
        put(card, "\n\n".join(_smiling(told["smiling"], told["name"])), "smiling")
    if others:
        put(card, _others(told, others), "others")


def put(page: Path, figures: str, name: str = "figures") -> None:
    """Write between the markers `<!-- name -->` and `<!-- /name -->`; DataError without them."""
    filled, count = re.subn(
        rf"(<!-- {name} -->\n).*(<!-- /{name} -->)",
        lambda found: f"{found[1]}\n{figures}\n\n{found[2]}",
        page.read_text(),
        flags=re.S,
    )
    if count != 1:
        raise DataError(f"{page}: needs one pair of the markers <!-- {name} --> and <!-- /{name} -->")
    page.write_text(filled)


def _others(told: Mapping[str, Any], others: Sequence[Path]) -> str:
    """Return a table of the shipped network and others on FER2013's test faces, by both kinds of labels."""
    measured = {f"`{told['name']}.tflite`": told["accuracy"].values()}
    measured |= {f"`{path.stem}`": json.loads(path.read_text()) for path in others}
    rows = []
    for name, reports in measured.items():
        for report in reports:
            labels = report["model"]["labels"]
            if "fer2013" in labels:
                rows.append(
                    (
                        name,
                        _percent(labels["fer2013"]["accuracy"]),
                        _percent(REPORTED.get(name.strip("`"))),
                        _percent(labels.get("ferplus", {}).get("accuracy")),
                        _plain(labels.get("ferplus", {}).get("happy", {}).get("ap")),
                    )
                )
    return markdown(("network", "FER2013", "its authors report", "FER+", "AP of happy, FER+"), rows)


def _smiling(told: Mapping[str, Any], name: str) -> Iterable[str]:
    """Return what `smiling.measure --record` stored as tables, the network before beside it."""
    from smartselfie.training.smiling.measure import RECALLS, THRESHOLDS

    for data, report in told["data"].items():
        who = [report[each] for each in ("model", "peer") if each in report]
        faces = who[0]
        yield (
            f"### {data}: {faces['smiling']} smiling, {faces['not_smiling']} not, "
            f"of {faces['persons']} persons or photographs"
        )

        def line(what: str, *path: str, who: Sequence[Mapping[str, Any]] = who) -> tuple[str, ...]:
            cells = []
            for figures in who:
                value: Any = figures
                for key in path:
                    value = value.get(key) if isinstance(value, Mapping) else None
                cells.append(_plain(value))
            return (what, *cells)

        lines = [line("average precision of a smile", "ap")]
        lines += [
            line(f"others over what {recall:.0%} of the smiles reach", f"false_rate_at_recall_{recall:g}")
            for recall in RECALLS
        ]
        for threshold in THRESHOLDS:
            lines.append(line(f"smiles over {threshold:g}", "at", f"{threshold:g}", "recall"))
            lines.append(line(f"others over {threshold:g}", "at", f"{threshold:g}", "false_rate"))
        lines.append(line("expected calibration error, 15 bins", "calibration_error"))
        lines.append(line("covered mouths found", "covered", "found"))
        lines.append(line("other mouths said to be covered", "covered", "false"))
        head = ("", f"`{name}`, output `smiling`", "the one before, happy")[: 1 + len(who)]
        yield markdown(head, [line for line in lines if any(line[1:])])
    yield f"Measured by `{told['measured_by']}`."


def _tables(told: Mapping[str, Any]) -> Iterable[str]:
    for data, report in told["accuracy"].items():
        peer = report.get("peer", {})
        yield f"### {data}"
        lines = []
        for kind, figures in report["model"]["labels"].items():
            other = peer.get("labels", {}).get(kind, {})
            lines += [
                (
                    f"{kind}: accuracy (n = {figures['n']:,}, output `{figures['head']}`)",
                    _percent(figures["accuracy"]),
                    _percent(other.get("accuracy")),
                ),
                (
                    f"{kind}: average precision of happy",
                    _plain(figures["happy"]["ap"]),
                    _plain(other.get("happy", {}).get("ap")),
                ),
                (
                    f"{kind}: expected calibration error, 15 bins",
                    _plain(figures["ece"]),
                    _plain(other.get("ece")),
                ),
                (f"{kind}: the same without the temperature", _plain(figures["ece_without_temperature"]), ""),
            ]
            if "happy_whole" in figures:
                lines.append(
                    (
                        f"{kind}: average precision of happy, the {report['no_face_found']} of "
                        f"{report['pictures']:,} pictures without a found face scored 0",
                        _plain(figures["happy_whole"]["ap"]),
                        _plain(other.get("happy_whole", {}).get("ap")),
                    )
                )
        lines.append(("file, bytes", f"{report['model']['bytes']:,}", f"{peer['bytes']:,}" if peer else ""))
        if "latency_ms" in report["model"]:
            lines.append(
                (
                    "one face, one thread, ms",
                    _plain(report["model"]["latency_ms"]),
                    _plain(peer.get("latency_ms")),
                )
            )
        if "latency_ratio" in report:
            lines.append(("the same as a ratio", _plain(report["latency_ratio"]), "1"))
        yield markdown(("", told["name"], "peer"), lines)
        for kind, figures in report["model"]["labels"].items():
            yield f"By class, {kind}:"
            yield markdown(
                ("class", "precision", "recall", "F1", "faces"),
                [
                    (
                        name,
                        *(f"{figures['classes'][name][what]:.3f}" for what in ("precision", "recall", "f1")),
                        str(figures["classes"][name]["support"]),
                    )
                    for name in figures["classes"]
                ],
            )
        yield f"Measured by `{report['measured_by']}`."


def _percent(value: float | None) -> str:
    return "" if value is None else f"{value:.1%}"


def _plain(value: float | None) -> str:
    return "" if value is None else f"{value:.4g}"


def markdown(columns: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """Return a table."""
    lines = ["| " + " | ".join(columns) + " |", "|---" * len(columns) + "|"]
    return "\n".join(lines + ["| " + " | ".join(row) + " |" for row in rows])


if __name__ == "__main__":
    typer.run(fill)
