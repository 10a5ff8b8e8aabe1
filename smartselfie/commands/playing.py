"""Many clips at once: processes side by side, results kept, and a bad clip costs itself alone."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from dataclasses import dataclass, field
from multiprocessing import get_context
from pathlib import Path

from rich.console import Console
from rich.progress import BarColumn, Progress, SpinnerColumn, TextColumn

from smartselfie._version import __version__
from smartselfie.daemon.parts import build_analysis, build_moment
from smartselfie.errors import SaveError, SmartSelfieError, SourceError
from smartselfie.replaying.labels import Labels
from smartselfie.replaying.play import Played, play
from smartselfie.replaying.store import fingerprint, load_played, save_played
from smartselfie.seams import Source
from smartselfie.settings import Settings
from smartselfie.sources import open_source

PACKAGE = Path(__file__).resolve().parent.parent
KEPT = "played"
"""The folder beside the timelines in which what was played is kept."""


@dataclass(slots=True)
class Batch:
    """What became of many clips."""

    played: list[Played] = field(default_factory=list)
    """In the order in which they were named."""
    failed: dict[str, str] = field(default_factory=dict)
    """Why, by clip, in one line."""


def play_all(clips: Sequence[Path], settings: Settings, jobs: int | None = None) -> list[Played]:
    """Run each clip through a pipeline of its own, `jobs` at a time (None: one for each CPU).

    Raises SourceError for the first that fails, once all others are done.
    """
    batch = play_batch(clips, settings, jobs=jobs)
    for clip, why in batch.failed.items():
        raise SourceError(why if clip in why else f"{clip}: {why}")
    return batch.played


def play_batch(
    clips: Sequence[Path],
    settings: Settings,
    *,
    labels: Mapping[str, Labels] | None = None,
    jobs: int | None = None,
    keep: Path | None = None,
) -> Batch:
    """Run each clip through a pipeline of its own, `jobs` at a time (None: one for each CPU).

    With `labels` the middle of each smile is kept as a small picture. `keep`: a folder of results; a clip
    that was played with the same file, settings, networks and program is taken from there.
    """
    known = labels or {}
    shown = {clip: _middles(known.get(clip.name)) for clip in clips}
    done: dict[Path, Played] = {}
    keys = {clip: _key(clip, settings, shown[clip]) for clip in clips} if keep is not None else {}
    for clip, key in keys.items():
        assert keep is not None
        if (stored := load_played(_file(keep, clip), key)) is not None:
            done[clip] = stored
    failed: dict[Path, str] = {}
    with _progress(len(clips), len(done)) as show:

        def take(clip: Path, result: Played | str) -> None:
            if isinstance(result, str):
                failed[clip] = result
            else:
                done[clip] = result
                if keep is not None:
                    _save(_file(keep, clip), keys[clip], result)
            show(clip.name)

        _play(
            [clip for clip in clips if clip not in done], settings, shown, jobs or os.cpu_count() or 1, take
        )
    return Batch(
        [done[clip] for clip in clips if clip in done],
        {clip.name: failed[clip] for clip in clips if clip in failed},
    )


def _play(
    clips: Sequence[Path],
    settings: Settings,
    shown: Mapping[Path, Sequence[float]],
    jobs: int,
    take: Callable[[Path, Played | str], None],
) -> None:
    if min(jobs, len(clips)) <= 1:
        for clip in clips:
            take(clip, try_one(clip, settings, shown[clip]))
        return
    left = set(clips)
    # Fresh processes: a fork would copy OpenCV's and LiteRT's locks in whatever state they are.
    with ProcessPoolExecutor(min(jobs, len(clips)), get_context("spawn")) as pool:
        futures = {pool.submit(try_one, clip, settings, shown[clip]): clip for clip in clips}
        try:
            for future in as_completed(futures):
                result = future.result()
                left.discard(futures[future])
                take(futures[future], result)
        except BrokenProcessPool:
            pass  # a clip has killed its process: which one is found out below
        except BaseException:
            pool.shutdown(wait=False, cancel_futures=True)
            raise
    for clip in clips:
        if clip in left:
            take(clip, _alone(clip, settings, shown[clip]))


def _alone(clip: Path, settings: Settings, shown: Sequence[float]) -> Played | str:
    """Play a clip in a process that only it can kill."""
    with ProcessPoolExecutor(1, get_context("spawn")) as pool:
        try:
            return pool.submit(try_one, clip, settings, shown).result()
        except BrokenProcessPool:
            return f"{clip}: its process ended while it was played"


def try_one(clip: Path, settings: Settings, shown: Sequence[float] = ()) -> Played | str:
    """Run one clip through a pipeline of its own; returns what it gave, or in one line why it did not."""
    try:
        return play_one(clip, settings, shown)
    except SmartSelfieError as error:
        if not isinstance(error, SourceError):
            raise  # not the clip is at fault: a model that is missing fails them all
        return str(error)


def play_one(clip: Path, settings: Settings, shown: Sequence[float] = ()) -> Played:
    """Run one clip through a pipeline of its own. Raises SourceError, and what the parts raise."""
    source = open_clip(clip, settings)
    try:
        return play(clip.name, source, build_analysis(settings), build_moment(settings), show=shown)
    finally:
        source.close()


def open_clip(clip: Path, settings: Settings) -> Source:
    """Open a recording as the settings have it."""
    source = settings.source
    return open_source(str(clip), size=source.size, fps=source.fps, rotate=source.rotate)


def _middles(labels: Labels | None) -> tuple[float, ...]:
    smiles = labels.smiles if labels is not None else ()
    return tuple((start + end) / 2 for start, end in smiles)


def _file(folder: Path, clip: Path) -> Path:
    return folder / f"{clip.name}.json.gz"


def _key(clip: Path, settings: Settings, shown: Sequence[float]) -> str:
    """What a kept result must have in common: clip, settings, networks, program."""
    models = sorted((PACKAGE.parent / "model").glob("*.*")) + sorted((PACKAGE / "model").glob("*.*"))
    parts = settings.detector, settings.classifier, settings.trigger
    own = [getattr(part, "model", None) for part in parts]
    files = [*models, *(Path(each) for each in own if each is not None), *sorted(PACKAGE.rglob("*.py"))]
    stamps = [(file.name, file.stat().st_mtime_ns) for file in files if file.is_file()]
    chosen = json.dumps(settings.model_dump(mode="json"), sort_keys=True)
    return fingerprint(clip, __version__, chosen, str(stamps), str(shown))


def _save(path: Path, key: str, played: Played) -> None:
    try:
        save_played(path, key, played)
    except OSError as error:
        raise SaveError(
            f"{path.parent}: {error.strerror}; name a folder that can be written: --out DIR"
        ) from error


@contextmanager
def _progress(clips: int, done: int) -> Iterator[Callable[[str], None]]:
    """Show how many clips are done; the function given takes the name of one that is."""
    bar = Progress(
        SpinnerColumn(),
        BarColumn(24),
        TextColumn("{task.completed:.0f} of {task.total:.0f} clips  {task.description}"),
        console=Console(stderr=True),
        transient=True,
    )
    with bar:
        task = bar.add_task("", total=clips, completed=done)

        def show(clip: str) -> None:
            bar.update(task, advance=1, description=clip)

        yield show
