"""What came nearest to a missed smile and to a false shot."""

from collections.abc import Sequence

import pytest

from smartselfie.records import Box, Face
from smartselfie.replaying.labels import Labels
from smartselfie.replaying.margins import Margins, Peak, Run, margins
from smartselfie.replaying.scores import Recording, ScoredFrame
from smartselfie.replaying.summary import margins_in_words
from tests.fakes import scores

LABELS = Labels(smiles=((2.0, 3.0), (6.0, 7.0)), ignore=((8.0, 9.0),))


def recording(happy: Sequence[tuple[float, float | None]], clip: str = "a.mp4") -> Recording:
    """A clip of one face from times and P(happy); None is a frame in which it was not detected."""
    frames = []
    for at, share in happy:
        faces: tuple[Face, ...] = ()
        if share is not None:
            faces = (Face(Box(0, 0, 10, 10), 1, scores(share)),)
        frames.append(ScoredFrame(at, faces))
    return Recording(clip, (64, 48), frames)


def test_the_lowest_peak_is_that_of_the_faintest_smile() -> None:
    """Of each smile the best frame counts, of all smiles the worst."""
    clip = recording([(2.2, 0.9), (2.5, 0.97), (6.5, 0.8), (6.7, 0.6)])
    assert margins([clip], {"a.mp4": LABELS}, 0.9).lowest_peak == Peak(0.8, "a.mp4", 6.5)


def test_a_smile_of_which_nothing_was_seen_peaks_at_nothing() -> None:
    """Nobody was detected while it lasted."""
    clip = recording([(2.5, 0.97), (6.5, None)])
    assert margins([clip], {"a.mp4": LABELS}, 0.9).lowest_peak == Peak(0.0, "a.mp4", 6.0)


def test_the_longest_run_lies_outside_of_smiles_and_of_what_is_unclear() -> None:
    """Frames above the threshold in a row, and when the last of them was."""
    inside = [(2.0 + n / 30, 0.99) for n in range(20)] + [(8.0 + n / 30, 0.99) for n in range(20)]
    outside = [(4.0, 0.95), (4.1, 0.95), (4.2, 0.95), (4.3, 0.5), (4.4, 0.95)]
    clip = recording(sorted(inside + outside))
    assert margins([clip], {"a.mp4": LABELS}, 0.9).longest_run == Run(3, "a.mp4", 4.2)


@pytest.mark.parametrize(("grace", "frames"), [(0, 1), (1, 2)])
def test_frames_in_which_the_face_was_not_detected_break_a_run_when_there_are_many(
    grace: int, frames: int
) -> None:
    """As in the trigger, where `grace` lets them pass."""
    clip = recording([(4.0, 0.95), (4.1, None), (4.2, 0.95)])
    run = margins([clip], {"a.mp4": LABELS}, 0.9, grace).longest_run
    assert run is not None
    assert run.frames == frames


def test_two_faces_that_take_turns_make_no_run() -> None:
    """Each has its own."""
    faces = [Face(Box(0, 0, 10, 10), number, scores(0.95)) for number in (1, 2)]
    clip = Recording("a.mp4", (64, 48), [ScoredFrame(4 + n / 10, (faces[n % 2],)) for n in range(6)])
    run = margins([clip], {"a.mp4": LABELS}, 0.9).longest_run
    assert run is not None
    assert run.frames == 1


def test_clips_without_labels_say_nothing() -> None:
    """There is nothing to measure."""
    assert margins([recording([(4.0, 0.95)])], {}, 0.9) == Margins(None, None)


@pytest.mark.parametrize(
    ("found", "words"),
    [
        (
            Margins(Peak(0.984, "a.mp4", 2.5), Run(6, "b.mp4", 4.2)),
            "the faintest smile peaks at 0.984 (a.mp4, 2.50 s); "
            "outside of smiles at most 6 frames in a row (b.mp4, until 4.20 s)",
        ),
        (
            Margins(None, Run(1, "b.mp4", 4.2)),
            "outside of smiles at most 1 frame in a row (b.mp4, until 4.20 s)",
        ),
        (Margins(None, None), "not one frame outside of smiles"),
    ],
)
def test_margins_in_words(found: Margins, words: str) -> None:
    """Value, clip and time of what there is."""
    assert margins_in_words(found, 0.9) == f"margins at a threshold of 0.9: {words}"
