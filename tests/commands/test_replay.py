"""Recordings through the pipeline: what is played, counted, drawn, and marked by hand."""

import json
import re
from collections.abc import Sequence
from io import StringIO
from pathlib import Path

import cv2
import numpy as np
import pytest
from PIL import Image as Picture

from smartselfie import settings as s
from smartselfie.commands.playing import Batch, play_batch
from smartselfie.commands.replay import judge_all, judged, replay, write_timelines
from smartselfie.deciding.moment import Moment
from smartselfie.errors import DataError, SaveError, SourceError, UsageError
from smartselfie.records import Frame, Image, State
from smartselfie.replaying.causes import Cause
from smartselfie.replaying.labels import Labels, read_labels
from smartselfie.replaying.marking import IGNORE_KEY, SMILE_KEY, Marker, mark
from smartselfie.replaying.page import page
from smartselfie.replaying.play import Played, find_clips, play
from smartselfie.replaying.scores import read_scores
from smartselfie.replaying.store import load_played, save_played
from smartselfie.replaying.timeline import timeline_png, timeline_svg
from smartselfie.seams import Source
from tests.fakes import analysis, frames

SMILE = [0.1] * 10 + [0.9] * 15 + [0.1] * 10
"""At 10 frames a second: a smile from 1.0 s to 2.5 s, fired at 1.9 s."""


class Recorded:
    """A source that gives frames of numbers."""

    live = False

    def __init__(self, numbers: Sequence[float | None]) -> None:
        self._frames = iter(frames(numbers))

    def read(self) -> Frame | None:
        """The next frame."""
        return next(self._frames, None)

    def close(self) -> None:
        """Nothing to give back."""


def played(
    numbers: Sequence[float | None] = SMILE, clip: str = "a.mp4", moment: Moment | None = None
) -> Played:
    """Play numbers."""
    source: Source = Recorded(numbers)
    return play(clip, source, analysis(), moment)


def test_every_frame_is_played() -> None:
    """There is a step and a scored frame for each frame, and the shot is where the trigger fired."""
    one = played()
    assert [step.at for step in one.steps] == [i / 10 for i in range(len(SMILE))]
    assert len(one.recording.frames) == len(SMILE)
    assert one.recording.size == (640, 480)
    assert one.shots == [1.9]
    assert one.steps[15].state is State.HOLDING
    assert one.recording.seconds == pytest.approx(3.5)


def test_the_frame_that_is_kept_is_told() -> None:
    """A shot has the time of its decision and that of the frame that the moment chose."""
    numbers = [*SMILE]
    numbers[17:19] = [0.99, 0.99]
    (taken,) = played(numbers, moment=Moment(before=0.3, after=0.2)).taken
    assert (taken.at, taken.picked_at) == (1.9, 1.8)
    assert taken.tracks == (1,)


def test_a_shot_at_the_very_end_counts() -> None:
    """A clip that ends within the moment's window still gives its shot."""
    assert played(SMILE[:20], moment=Moment(after=1)).shots == [1.9]


def test_thumbnails_are_small() -> None:
    """Shots are kept as pictures of at most 360 pixels across, in their proportions."""
    assert played().taken[0].thumbnail.shape == (270, 360, 3)


def test_a_folder_stands_for_its_clips(tmp_path: Path) -> None:
    """Clips are found in a folder, in order; a folder of pictures is one clip; demo is one, too."""
    for name in ("b.mp4", "a.MOV", "notes.json"):
        (tmp_path / name).touch()
    pictures = tmp_path / "pictures"
    pictures.mkdir()
    assert find_clips([tmp_path]) == [tmp_path / "a.MOV", tmp_path / "b.mp4"]
    assert find_clips([pictures, Path("demo")]) == [pictures, Path("demo")]


def test_a_clip_that_is_not_there_is_named() -> None:
    """The error says which."""
    with pytest.raises(UsageError, match=r"nowhere\.mp4"):
        find_clips([Path("nowhere.mp4")])


# --- timelines

LABELS = {"a.mp4": Labels(((1.0, 2.5),), ((3.0, 3.4),))}
MISSED = {"a.mp4": Labels(((3.0, 3.4),))}


def svg(labels: dict[str, Labels]) -> str:
    """The timeline of the plain smile."""
    one = played()
    verdict = judge_all([one], labels).get("a.mp4")
    return timeline_svg(one, labels.get("a.mp4"), verdict, 0.6, 0.4)


def test_a_timeline_tells_what_happened() -> None:
    """It names the clip, the verdict, the levels, the states, the labels and both times of the shot."""
    drawn = svg(LABELS)
    for text in (
        "a.mp4",
        "1 of 1 smile hit, no false shot, after 0.90 s",
        "threshold 0.60",
        "release 0.40",
        "smile 1 to 2.5 s",
        "ambiguous 3 to 3.4 s",
        "decided at 1.90 s",
        "holding",
        "resting",
    ):
        assert text in drawn, text
    assert "missed" not in drawn


def test_a_timeline_shows_what_went_wrong() -> None:
    """A missed smile is marked, a false shot is red."""
    drawn = svg(MISSED)
    assert ">missed<" in drawn
    assert "0 of 1 smile hit, 1 false shot" in drawn
    assert drawn.count("#d13438") > 3


def test_a_timeline_without_labels_says_so() -> None:
    """Shots are neither right nor wrong then."""
    drawn = svg({})
    assert "1 shot, not labelled" in drawn
    assert "#d13438" not in drawn


def test_a_timeline_is_a_picture_too(tmp_path: Path) -> None:
    """The PNG has the drawing's size, the smile's green and the face's blue in it."""
    one = played()
    timeline_png(tmp_path / "a.png", one, LABELS["a.mp4"], judge_all([one], LABELS)["a.mp4"], 0.6, 0.4)
    with Picture.open(tmp_path / "a.png") as picture:
        assert picture.size == (2240, 680)
        colours = {colour for _, colour in picture.convert("RGB").getcolors(2**24) or ()}
    assert {(0xD5, 0xF0, 0xDC), (0x25, 0x63, 0xC9)} <= colours


@pytest.mark.parametrize("numbers", [[], [0.1], [None] * 5])
def test_a_clip_with_little_in_it_can_be_drawn(numbers: list[float | None], tmp_path: Path) -> None:
    """No frame, one frame, no face: there is a timeline nevertheless."""
    timeline_png(tmp_path / "a.png", played(numbers), None, None, 0.6, 0.4)
    assert (tmp_path / "a.png").exists()


def test_the_page_needs_nothing_from_outside() -> None:
    """Everything is in the file, and a clip's name cannot break out of it."""
    one = played(clip="<b>&.mp4")
    html = page([one], {}, {}, None, 0.6, 0.4)
    assert "<b>&.mp4" not in html
    assert "&lt;b&gt;&amp;.mp4" in html
    assert not re.search(r'(src|href)="(?!data:|#)', html)
    assert html.count("data:image/jpeg;base64,") == 1


def test_timelines_are_written_for_every_clip(tmp_path: Path) -> None:
    """There is a PNG for each clip and one page."""
    clips = [played(), played(clip="b.mp4")]
    write_timelines(tmp_path / "out", judged(Batch(clips), LABELS, {}, s.load(None)), s.load(None))
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == [
        "a.mp4.png",
        "b.mp4.png",
        "index.html",
    ]


def test_a_folder_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    """The error says which option to give."""
    (tmp_path / "file").touch()
    with pytest.raises(SaveError, match="--out"):
        write_timelines(tmp_path / "file", judged(Batch([played()]), {}, {}, s.load(None)), s.load(None))


# --- the command, on the demo

SMALL = s.load(None, ["source.size=[320, 240]", "source.fps=10", "trigger.hold=4"])


def test_the_demo_is_replayed_with_its_own_labels(tmp_path: Path) -> None:
    """All three smiles of the demo are hit, its half smile is not; scores and timelines are written."""
    said = StringIO()
    replay([Path("demo")], SMALL, as_json=True, scores=tmp_path / "s.jsonl", out=tmp_path / "out", into=said)
    record = json.loads(said.getvalue())
    assert (record["total"]["hits"], record["total"]["misses"], record["total"]["false_shots"]) == (3, 0, 0)
    assert 0.9 < record["margins"]["lowest_peak"]["happy"] <= 1
    (clip,) = record["clips"]
    assert (clip["clip"], clip["frames"], len(clip["shots"])) == ("demo", 240, 3)
    assert len(read_scores(tmp_path / "s.jsonl")[0].frames) == 240
    assert (tmp_path / "out" / "index.html").exists()


def clip_file(path: Path, level: int = 90) -> Path:
    """A short recording of a gray room, without anybody."""
    writer = cv2.VideoWriter(str(path), cv2.VideoWriter.fourcc(*"mp4v"), 10, (160, 120))
    for _ in range(8):
        writer.write(np.full((120, 160, 3), level, np.uint8))
    writer.release()
    return path


def test_a_bad_clip_costs_itself_alone(tmp_path: Path) -> None:
    """The others are played and counted, the bad one is named with the reason, and the exit code is 1."""
    good = clip_file(tmp_path / "good.mp4")
    (tmp_path / "bad.mp4").write_bytes(b"no film")
    said = StringIO()
    assert replay([tmp_path / "bad.mp4", good], SMALL, as_json=True, into=said) == 1
    record = json.loads(said.getvalue())
    assert [clip["clip"] for clip in record["clips"]] == ["good.mp4"]
    assert list(record["failed"]) == ["bad.mp4"]


def test_a_bad_clip_alone_is_an_error(tmp_path: Path) -> None:
    """Nothing is left to report then."""
    (tmp_path / "bad.mp4").write_bytes(b"no film")
    with pytest.raises(SourceError, match=r"bad\.mp4"):
        replay([tmp_path / "bad.mp4"], SMALL, as_json=True)


def test_a_run_goes_on_where_it_broke_off(tmp_path: Path) -> None:
    """A clip that was played with the same file and settings is not played again; with others it is."""
    clip = clip_file(tmp_path / "a.mp4")
    first = play_batch([clip], SMALL, keep=tmp_path / "kept").played[0]
    again = play_batch([clip], SMALL, keep=tmp_path / "kept").played[0]
    assert again.wall_seconds == first.wall_seconds
    assert [step.why for step in again.steps] == [step.why for step in first.steps]
    other = s.load(None, ["source.size=[320, 240]", "trigger.hold=5"])
    assert play_batch([clip], other, keep=tmp_path / "kept").played[0].wall_seconds != first.wall_seconds


def test_what_was_played_survives_the_disk(tmp_path: Path) -> None:
    """Scores, steps, shots and their pictures are read as they were; with another key nothing is."""
    one = played()
    save_played(tmp_path / "a.json.gz", "key", one)
    read = load_played(tmp_path / "a.json.gz", "key")
    assert read is not None
    assert (read.shots, read.recording.seconds) == (one.shots, pytest.approx(one.recording.seconds))
    assert [step.state for step in read.steps] == [step.state for step in one.steps]
    assert read.taken[0].thumbnail.shape == one.taken[0].thumbnail.shape
    assert load_played(tmp_path / "a.json.gz", "another") is None
    (tmp_path / "b.json.gz").write_bytes(b"cut off")
    assert load_played(tmp_path / "b.json.gz", "key") is None


def test_clips_are_chosen_by_what_the_labels_file_says(tmp_path: Path) -> None:
    """`where` plays those with the value, and refuses a question that fits none."""
    for name in ("a.mp4", "b.mp4"):
        clip_file(tmp_path / name)
    labels = tmp_path / "labels.json"
    labels.write_text('{"a.mp4": {"smiles": [], "split": "mine"}, "b.mp4": {"smiles": [], "split": "check"}}')
    said = StringIO()
    replay([tmp_path], SMALL, labels=labels, where="split=check", as_json=True, into=said)
    assert [clip["clip"] for clip in json.loads(said.getvalue())["clips"]] == ["b.mp4"]
    with pytest.raises(DataError, match="none of these clips"):
        replay([tmp_path], SMALL, labels=labels, where="split=other", as_json=True)
    with pytest.raises(UsageError, match="KEY=VALUE"):
        replay([tmp_path], SMALL, labels=labels, where="check", as_json=True)


def test_a_miss_is_shown_with_its_cause() -> None:
    """The page has a picture from the middle of the smile that was missed, and says why it was."""
    one = play("a.mp4", Recorded([0.1] * 35), analysis(), None, show=[1.75])
    verdicts = judge_all([one], LABELS)
    why = {"a.mp4": [Cause("low score", "at most 0.10")]}
    html = page([one], LABELS, verdicts, None, 0.9, 0.6, causes=why)
    assert "missed, 1.0 to 2.5 s: low score (at most 0.10)" in html
    assert 'alt="missed at 1.75 s"' in html


# --- marking


def press(marker: Marker, key: int, start: float, end: float) -> None:
    """Hold a key as keyboards do: once, half a second later again, then 30 times a second."""
    marker.press(key, start)
    at = start + 0.5
    while at <= end:
        marker.press(key, at)
        at += 0.033


def test_a_held_key_is_a_span() -> None:
    """From its first press to its last repeat, whatever the keyboard's delay."""
    marker = Marker()
    press(marker, SMILE_KEY, 1.0, 2.5)
    press(marker, SMILE_KEY, 4.0, 5.0)
    press(marker, IGNORE_KEY, 6.0, 7.0)
    labels = marker.labels()
    assert [start for start, _ in labels.smiles] == [1.0, 4.0]
    assert [end for _, end in labels.smiles] == pytest.approx([2.5, 5.0], abs=0.04)
    assert labels.ignore[0][0] == 6.0


def test_a_tap_is_a_slip() -> None:
    """A key that is not held marks nothing."""
    marker = Marker()
    marker.press(SMILE_KEY, 1.0)
    assert marker.labels() == Labels(())


def test_undo_forgets_the_last_span() -> None:
    """Whichever key it was of."""
    marker = Marker()
    press(marker, SMILE_KEY, 1.0, 2.0)
    press(marker, IGNORE_KEY, 3.0, 4.0)
    marker.undo()
    assert marker.labels().ignore == ()
    assert len(marker.labels().smiles) == 1


class Typist:
    """A screen at which somebody holds keys by a plan; its clock moves when it is waited for."""

    def __init__(self, plan: dict[tuple[float, float], int]) -> None:
        self.plan = plan
        self.now = 100.0
        self.shown: list[Image] = []

    def clock(self) -> float:
        """Monotonic seconds."""
        return self.now

    def show(self, image: Image) -> None:
        """Remember the picture."""
        self.shown.append(image)

    def key(self, seconds: float) -> int | None:
        """The key held now, once per wait."""
        self.now += max(seconds, 0.001)
        at = self.now - 100
        return next((key for (start, end), key in self.plan.items() if start <= at < end), None)


def test_a_clip_is_marked_while_it_plays() -> None:
    """The spans come from the clip's own time, and the border shows that the key is seen."""
    screen = Typist({(1.0, 2.5): SMILE_KEY})
    labels = mark("a.mp4", Recorded(SMILE), screen, clock=screen.clock)
    assert labels is not None
    assert labels.smiles[0] == pytest.approx((1.0, 2.5), abs=0.11)
    assert len(screen.shown) == len(SMILE)
    assert not np.array_equal(screen.shown[18][0], screen.shown[2][0])


def test_giving_up_marks_nothing() -> None:
    """q ends it without labels."""
    screen = Typist({(1.0, 1.5): ord("q")})
    assert mark("a.mp4", Recorded(SMILE), screen, clock=screen.clock) is None


def test_what_was_marked_can_be_used(tmp_path: Path) -> None:
    """Marks are written to the labels file that replay and tune read."""
    from smartselfie.commands.marking import mark_clips

    path = tmp_path / "labels.json"
    screen = Typist({(1.0, 2.5): SMILE_KEY})
    mark_clips([Path("demo")], SMALL, path, screen, clock=screen.clock)
    assert read_labels(path)["demo"].smiles[0] == pytest.approx((1.0, 2.5), abs=0.11)
