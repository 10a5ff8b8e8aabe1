"""`smartselfie classify`: what the network says of pictures."""

from __future__ import annotations

import glob
import json
import os
import sys
import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import TextIO

import cv2
from rich.console import Console
from rich.progress import track
from rich.table import Table
from rich.text import Text

from smartselfie.commands.annotate import annotate
from smartselfie.daemon.parts import build_classifier, build_photo_detector
from smartselfie.errors import PictureError, SaveError
from smartselfie.pictures.photos import find_faces, read_picture, whole_face
from smartselfie.records import CLASSES, Face, Image
from smartselfie.settings import Settings
from smartselfie.sources.folder import PICTURES, natural


@dataclass(frozen=True, slots=True)
class Result:
    """What was found in one picture, or why it could not be looked at."""

    name: str
    faces: tuple[Face, ...] = ()
    error: str | None = None

    def as_json(self) -> dict[str, object]:
        """Return it as the line of `--json`."""
        if self.error is not None:
            return {"image": self.name, "error": self.error}
        return {"image": self.name, "faces": [face_as_json(face) for face in self.faces]}


def face_as_json(face: Face) -> dict[str, object]:
    """Return a scored face: its `box` [x, y, w, h], `landmarks`, `score` of the detector and `scores`."""
    assert face.scores is not None
    box, marks = face.box, face.landmarks
    return {
        "box": [box.x, box.y, box.width, box.height],
        "landmarks": marks and [[round(x, 1), round(y, 1)] for x, y in marks],
        "score": None if face.score is None else round(face.score, 4),
        "scores": {name: round(share, 6) for name, share in face.scores.items()},
    }


def classify(
    images: Sequence[str],
    settings: Settings,
    *,
    as_json: bool = False,
    annotate_into: Path | None = None,
    whole: bool = False,
    detect_width: int | None = None,
    out: TextIO | None = None,
) -> int:
    """Score every face of pictures, folders of pictures and patterns; returns the exit code.

    `annotate_into`: a folder for copies with frames and bars; `whole`: each picture is one face crop, nothing
    is searched; `detect_width`: as the setting, default what suits photos. A picture that
    cannot be read is reported, the others are done, and the code is 1. Raises what makes all of it
    impossible: `ModelError`, `DetectorError`, `SaveError`.
    """
    out = out or sys.stdout
    look = _Look(settings, whole=whole, detect_width=detect_width)
    copies = _Copies(annotate_into) if annotate_into is not None else None
    names = list(expand(images))
    results = _each(names, lambda name: _classify_one(name, look, copies))
    if as_json:
        failed = False
        for result in results:
            print(json.dumps(result.as_json(), ensure_ascii=False), file=out, flush=True)
            failed |= result.error is not None
        return int(failed)
    shown = Console(stderr=True)
    quick = len(names) < 5 or not shown.is_terminal
    found = list(track(results, "Looking", len(names), console=shown, transient=True, disable=quick))
    Console(file=out).print(table(found))
    for result in found:
        if result.error is not None:
            print(f"smartselfie: {result.error}", file=sys.stderr)
    return int(any(result.error is not None for result in found))


def expand(images: Sequence[str]) -> Iterator[str]:
    """Yield the picture files that paths, folders and patterns such as `*.jpg` name, in order.

    A path that is not there, and a folder without pictures, is yielded as it is: its reader says so.
    """
    for name in images:
        path = Path(name)
        if path.is_dir():
            inside = [file for file in path.iterdir() if file.suffix.lower() in PICTURES and file.is_file()]
            yield from [str(file) for file in sorted(inside, key=lambda file: natural(file.name))] or [name]
        elif not path.exists() and glob.has_magic(name):
            yield from sorted(glob.glob(name, recursive=True), key=natural) or [name]  # noqa: PTH207 - Path refuses absolute ones
        else:
            yield name


def table(results: Sequence[Result]) -> Table:
    """Return a table with a row for each face: the probabilities in per cent, the largest marked."""
    view = Table(box=None, pad_edge=False, header_style="bold", padding=(0, 1))
    view.add_column("picture", no_wrap=True, overflow="ellipsis", min_width=9)
    view.add_column("face", justify="right", no_wrap=True)
    scored = (face.scores for result in results for face in result.faces if face.scores is not None)
    classes = next((scores.classes for scores in scored), CLASSES)
    for name in classes:
        view.add_column(name, justify="right", no_wrap=True)
    for result in results:
        if result.error is not None:
            view.add_row(_name(result), "", Text("not read", "red"))
        elif not result.faces:
            view.add_row(_name(result), "", Text("no face", "dim"))
        for face in result.faces:
            view.add_row(_name(result) if face.track == 1 else "", str(face.track), *_cells(face))
    return view


def _name(result: Result) -> Text:
    return Text(Path(result.name).name)  # a Text: brackets in file names are not markup


def _cells(face: Face) -> list[Text]:
    assert face.scores is not None
    top = face.scores.top
    return [
        Text(f"{100 * share:.0f}", "bold green" if name == top else "dim" if share < 0.05 else "")
        for name, share in face.scores.items()
    ]


class _Look:
    """Finds and scores the faces of a picture; each thread has a detector of its own."""

    def __init__(self, settings: Settings, *, whole: bool, detect_width: int | None) -> None:
        self._classifier = build_classifier(settings.classifier, threads=settings.performance.threads)
        self._whole = whole
        self._detector, self._width = settings.detector, detect_width
        self._own = threading.local()
        if not whole:
            self._make_detector()  # a cascade that is missing is an error before any picture

    def __call__(self, image: Image) -> tuple[Face, ...]:
        """Return the faces of a (H, W, 3) BGR picture."""
        if self._whole:
            return (whole_face(image, self._classifier),)
        if not hasattr(self._own, "detector"):
            self._make_detector()
        return tuple(find_faces(image, self._own.detector, self._classifier))

    def _make_detector(self) -> None:
        self._own.detector = build_photo_detector(self._detector, width=self._width)


def _each(names: Sequence[str], work: Callable[[str], Result]) -> Iterator[Result]:
    """Yield the results in the order of the names; several pictures are looked at side by side."""
    workers = min(os.cpu_count() or 1, len(names))
    if workers < 2:
        yield from map(work, names)
        return
    before = cv2.getNumThreads()
    cv2.setNumThreads(1)  # a core for each picture is quicker than all cores for one after the other
    pool = ThreadPoolExecutor(workers, thread_name_prefix="classify")
    try:
        yield from pool.map(work, names)
    finally:
        pool.shutdown(cancel_futures=True)
        cv2.setNumThreads(before)


def _classify_one(name: str, look: _Look, copies: _Copies | None) -> Result:
    try:
        if Path(name).is_dir():
            raise PictureError(f"{name}: a folder without pictures")
        image = read_picture(Path(name))
    except PictureError as error:
        return Result(name, error=str(error))
    faces = look(image)
    if copies is not None:
        copies.write(name, annotate(image, faces))
    return Result(name, faces)


class _Copies:
    """Writes the annotated pictures into one folder, and never over a file that is there already."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        try:
            folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise SaveError(
                f"--annotate {folder}: {error.strerror}; name a folder that can be written"
            ) from error

    def write(self, name: str, image: Image) -> None:
        """Write one picture as `NAME-faces.jpg`, with a number where that is taken."""
        ending = ".png" if Path(name).suffix.lower() == ".png" else ".jpg"
        _, data = cv2.imencode(ending, image)
        number = 1
        while True:
            path = self._folder / f"{Path(name).stem}-faces{'' if number == 1 else f'-{number}'}{ending}"
            try:
                with path.open("xb") as file:
                    file.write(data.tobytes())
                return
            except FileExistsError:
                number += 1
            except OSError as error:
                raise SaveError(f"{path}: {error.strerror}; name a folder that can be written") from error
