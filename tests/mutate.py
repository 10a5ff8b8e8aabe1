"""Does the suite notice? Breaks the program in small ways, one at a time, in a copy; each must fail a test.

`make mutate` runs all, `python tests/mutate.py WORD` those whose description has the word. It takes minutes.
A new one is a line in `MUTATIONS`: what it breaks, the file, what stands there, what shall, and the tests
that must notice.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).resolve().parent.parent


class Mutation(NamedTuple):
    """A way to break the program."""

    breaks: str
    file: str
    old: str
    new: str
    tests: str


LIVE = "tests/daemon/test_live_parts.py"
PARTS = "smartselfie/daemon/live_parts.py"
THREAD = "smartselfie/outputs/thread.py"
MUTATIONS = [
    Mutation(
        "a find is taken without confirmation",
        "smartselfie/detectors/haar.py",
        "_add(found, self._search_around(image, find, (CONFIRM,)))",
        "_add(found, find)",
        "tests/detectors/test_haar.py",
    ),
    Mutation(
        "weights of smile and eyes swapped",
        "smartselfie/deciding/frame_quality.py",
        '{"smile": 0.4, "eyes": 0.25,',
        '{"smile": 0.25, "eyes": 0.4,',
        "tests/deciding/test_moment.py",
    ),
    Mutation(
        "a shot within the window of another loses its frames",
        "smartselfie/deciding/moment.py",
        "self.flush(keep_frames=True)",
        "self.flush(keep_frames=False)",
        "tests/deciding/test_moment.py",
    ),
    Mutation(
        "the moment does not know of repeats",
        "smartselfie/daemon/parts.py",
        "repeats=settings.trigger.repeat is not None",
        "repeats=False",
        LIVE,
    ),
    Mutation(
        "a stream's time-out is fixed",
        "smartselfie/sources/__init__.py",
        "timeout=settings.stall_after + 0.25",
        "timeout=TIMEOUT",
        "tests/sources/test_sources.py",
    ),
    Mutation(
        "the tracker keeps its leave_after",
        PARTS,
        "self._analysis.tracker.leave_after = settings.trigger.leave_after",
        "pass",
        LIVE,
    ),
    Mutation(
        "the detector keeps its smallest",
        PARTS,
        "self._analysis.detector.smallest = smallest_wanted(settings.trigger.min_face)",
        "pass",
        LIVE,
    ),
    Mutation("the trigger keeps its rules", PARTS, ".rules = build_rules(settings.trigger)", ".rules", LIVE),
    Mutation("the saver keeps its quality", PARTS, '"quality": saver.quality', '"quality": 95', LIVE),
    Mutation(
        "the pace keeps its budget",
        PARTS,
        '"cpu_budget": performance.cpu_budget',
        '"cpu_budget": None',
        LIVE,
    ),
    Mutation(
        "the folder keeps its limits",
        PARTS,
        "storage.max_age, storage.when_full)",
        'None, "stop")',
        LIVE,
    ),
    Mutation(
        "pictures note the trigger of the start",
        PARTS,
        '"trigger": noted(settings),',
        '"trigger": {},',
        LIVE,
    ),
    Mutation(
        "near misses are those of the start",
        PARTS,
        'if "storage.near_misses" in changed:',
        "if False:",
        LIVE,
    ),
    Mutation(
        "an output that hangs fills the memory",
        THREAD,
        "if len(self._events) >= self._size:",
        "if False:",
        "tests/outputs/test_thread.py",
    ),
    Mutation(
        "what an output cannot take now is lost",
        THREAD,
        "except OutputError as error:",
        "except ZeroDivisionError as error:",
        "tests/outputs/test_thread.py",
    ),
    Mutation(
        "an output hears everything",
        THREAD,
        'if self._only and event.get("event") not in self._only:',
        "if False:",
        "tests/outputs/test_thread.py",
    ),
    Mutation(
        "another kind's settings are forgotten mistakes",
        "smartselfie/settings/file.py",
        "if not _is_another_kinds(key):",
        "if True:",
        "tests/test_kinds.py",
    ),
    Mutation(
        "the remedy is lost on the way to check",
        "smartselfie/commands/check.py",
        'Finding(name, "fail", error.what, error.remedy)',
        'Finding(name, "fail", str(error))',
        "tests/commands/test_check.py",
    ),
]


def copy(into: Path) -> None:
    """Copy what git knows of, as it stands now."""
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, text=True, check=True)
    for name in filter(None, listed.stdout.split("\0")):
        if (ROOT / name).is_file():
            (into / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(ROOT / name, into / name)


def survives(mutation: Mutation, folder: Path) -> bool:
    """Apply it in the copy, run its tests, take it back; whether all tests passed."""
    path = folder / mutation.file
    text = path.read_text(encoding="utf-8")
    if text.count(mutation.old) != 1:
        raise SystemExit(f"{mutation.breaks}: {mutation.file} has {mutation.old!r} not once; mend the list")
    path.write_text(text.replace(mutation.old, mutation.new), encoding="utf-8")
    try:
        words = [sys.executable, "-m", "pytest", "-q", "-x", "-p", "no:cacheprovider", mutation.tests]
        environment = {**os.environ, "PYTHONPATH": str(folder), "PYTHONDONTWRITEBYTECODE": "1"}
        done = subprocess.run(words, cwd=folder, env=environment, capture_output=True, check=False)
    finally:
        path.write_text(text, encoding="utf-8")
    if done.returncode not in (0, 1):
        raise SystemExit(f"{mutation.breaks}: pytest ended with {done.returncode}:\n{done.stdout.decode()}")
    return done.returncode == 0


def main() -> None:
    """Try all of them, or those with a word of the command line in their description."""
    wanted = [each for each in MUTATIONS if all(word in each.breaks for word in sys.argv[1:])]
    survivors = []
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        copy(folder)
        for mutation in wanted:
            alive = survives(mutation, folder)
            print(f"{'SURVIVES' if alive else 'killed':9} {mutation.breaks}", flush=True)
            survivors += [mutation] * alive
    if survivors:
        raise SystemExit(f"{len(survivors)} of {len(wanted)} survive")
    print(f"all {len(wanted)} killed")


if __name__ == "__main__":
    main()
