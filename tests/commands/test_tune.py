"""Sweeping settings over stored scores: what is left out changes nothing, and the proposal is the best."""

import json
from datetime import date
from io import StringIO
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import settings as hypothesis
from hypothesis import strategies as st
from PIL import Image

from smartselfie import settings as s
from smartselfie.commands.tune import tune
from smartselfie.deciding.evidence import EvidenceModel
from smartselfie.deciding.rules import Rules
from smartselfie.errors import DataError, UsageError
from smartselfie.records import CLASSES, Box, Face, Scores
from smartselfie.replaying.frontier import frontier
from smartselfie.replaying.labels import Labels, write_labels
from smartselfie.replaying.scores import Recording, ScoredFrame, read_scores, write_scores
from smartselfie.replaying.shots import shots, without_quiet
from smartselfie.replaying.sweep import Grid, sweep
from tests.fakes import EVERYBODY

FPS = 10
FRAMES = ["trigger.rule=frames", "trigger.hold_rate=null"]
MODEL = EvidenceModel(
    -3.0,
    {"mean": 1.0, "recent": 0.5, "swing": -0.5, "lasting": 1.0, "mouth": -1.0},
    {"mean": 3.0, "recent": 3.0, "swing": 0.3, "lasting": 0.8, "mouth": 0.1},
)
SIZE = (640, 480)


def scores(happy: float, rival: float = 0.0) -> Scores:
    """P(happy), as much as asked for surprise, the rest neutral."""
    rest = {"happy": happy, "surprise": rival * (1 - happy), "neutral": (1 - rival) * (1 - happy)}
    return Scores(tuple(rest.get(name, 0.0) for name in CLASSES))


def recording(numbers: list[float | None], clip: str = "a.mp4") -> Recording:
    """One face with these probabilities; None where it is not detected."""
    frames = [
        ScoredFrame(i / FPS, () if happy is None else (Face(Box(0, 0, 200, 200), 1, scores(happy)),))
        for i, happy in enumerate(numbers)
    ]
    return Recording(clip, SIZE, frames)


@st.composite
def recordings(draw: st.DrawFn) -> Recording:
    """Up to three faces of several sizes that come and go, smile now and then, and are lost for frames."""
    length = draw(st.integers(1, 80))
    tracks = []
    for track in range(1, draw(st.integers(1, 3)) + 1):
        first = draw(st.integers(0, length - 1))
        last = draw(st.integers(first, length - 1))
        size = draw(st.sampled_from([50, 120, 200]))
        levels = st.sampled_from([0.1, 0.38, 0.42, 0.58, 0.62, 0.7, 0.9])
        pieces = draw(st.lists(st.tuples(levels, st.integers(1, 12)), min_size=1, max_size=12))
        happy = [level for level, count in pieces for _ in range(count)]
        lost = draw(st.sets(st.integers(first, last), max_size=8))
        tracks.append((track, first, last, size, happy, lost))
    frames = []
    for i in range(length):
        faces = [
            Face(Box(0, 0, size, size), track, scores(happy[(i - first) % len(happy)], 0.99))
            for track, first, last, size, happy, lost in tracks
            if first <= i <= last and i not in lost
        ]
        frames.append(ScoredFrame(i / FPS, tuple(faces)))
    return Recording("a.mp4", SIZE, frames)


@hypothesis(deadline=None)
@given(
    recordings(),
    st.sampled_from(["frames", "evidence"]),
    st.sampled_from([0.4, 0.6, 0.7]),
    st.sampled_from([None, 0.2, 0.39]),
    st.integers(1, 8),
    st.sampled_from([0.0, 0.5, 2.0]),
    st.sampled_from([0.0, 0.3]),
)
def test_frames_that_a_sweep_leaves_out_change_no_shot(
    recording: Recording,
    rule: str,
    threshold: float,
    release: float | None,
    hold: int,
    cooldown: float,
    min_presence: float,
) -> None:
    """Whatever the faces do and the settings are, the trigger fires in the same frames."""
    rules = Rules(
        rule=rule,
        threshold=threshold,
        release=release,
        hold_frames=hold,
        hold_rate=None,
        cooldown=cooldown,
        min_presence=min_presence,
    )
    assert shots(without_quiet(recording), rules, MODEL) == shots(recording, rules, MODEL)


def test_long_quiet_stretches_are_left_out() -> None:
    """Of ten quiet seconds around a smile those near to it stay."""
    kept = without_quiet(recording([0.1] * 100 + [0.9] + [0.1] * 100)).frames
    assert (kept[0].at, kept[-1].at) == (8.5, 11.2)


# --- stored scores


def test_scores_survive_the_file(tmp_path: Path) -> None:
    """What is written is read again: clips, sizes, times, boxes, tracks and probabilities to six digits."""
    path = tmp_path / "scores.jsonl"
    first, second = recording([0.123456, None, 0.9]), recording([0.5], "b.mp4")
    write_scores(path, [first, second])
    read = read_scores(path)
    assert [(one.clip, one.size) for one in read] == [("a.mp4", SIZE), ("b.mp4", SIZE)]
    assert [frame.at for frame in read[0].frames] == [0.0, 0.1, 0.2]
    face = read[0].frames[0].faces[0]
    assert (face.track, face.box) == (1, Box(0, 0, 200, 200))
    assert face.scores is not None
    assert face.scores.happy == 0.123456
    assert read[0].frames[1].faces == ()


@pytest.mark.parametrize(
    "text", ["", "{", '{"at": 1, "faces": []}', '{"clip": "a", "size": [1, 2]}\n{"at": 1, "faces": [[1]]}']
)
def test_a_damaged_scores_file_is_refused(tmp_path: Path, text: str) -> None:
    """The error names the file."""
    path = tmp_path / "scores.jsonl"
    path.write_text(text)
    with pytest.raises(DataError, match=r"scores\.jsonl"):
        read_scores(path)


# --- the sweep

SMILES: list[float | None] = [0.1] * 20 + [0.55] * 30 + [0.1] * 30
"""A faint smile from 2 s to 5 s."""
TALK: list[float | None] = ([0.1] * 20 + [0.9] * 6) * 3 + [0.1] * 20
"""Nobody smiles, yet six frames at a time look like it."""
LABELS = {"smile.mp4": Labels(((2.0, 5.0),)), "talk.mp4": Labels(())}
BOTH = [recording(SMILES, "smile.mp4"), recording(TALK, "talk.mp4")]


def test_the_sweep_finds_what_the_defaults_miss() -> None:
    """A smile below the threshold is missed now, and hit by the proposal, which fires at no talk."""
    found = sweep(BOTH, LABELS, Rules(rule="frames", hold_rate=None, **EVERYBODY))
    assert (found.current.total.misses, found.current.total.false_shots) == (1, 0)
    assert (found.best.total.misses, found.best.total.false_shots) == (0, 0)
    assert found.best.rules.threshold <= 0.55
    assert found.best.rules.hold_frames is not None
    assert found.best.rules.hold_frames > 6


def test_the_proposal_is_never_worse_than_the_present_settings() -> None:
    """When no place of the grid is as good as what is set, that stays."""
    narrow = Grid(levels=(0.9,), holds=(3,), releases=(2 / 3,))
    base = Rules(rule="frames", threshold=0.5, **EVERYBODY)
    found = sweep(BOTH, LABELS, base, grid=narrow)
    assert found.best.rules == base


def test_of_equal_settings_the_one_with_most_room_is_proposed() -> None:
    """The proposal lies in the middle of what works, not at its edge."""
    grid = Grid(
        levels=(0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7),
        holds=(4, 6, 8, 10, 12),
        releases=(2 / 3,),
    )
    one = [recording(SMILES, "smile.mp4")]
    found = sweep(
        one,
        LABELS,
        Rules(rule="frames", threshold=0.5, hold_frames=4, hold_rate=None, **EVERYBODY),
        grid=grid,
    )
    assert (found.best.rules.threshold, found.best.rules.hold_frames) == (0.3, 8)
    assert found.best.margin == 2


def test_other_policies_are_swept_too() -> None:
    """Other policies and timed holds have the trigger's own answer, too."""
    found = sweep(BOTH, LABELS, Rules(rule="frames", policy="all", hold_rate=None, **EVERYBODY))
    assert found.best.wrong == 0
    timed = sweep(BOTH, LABELS, Rules(rule="frames", hold_frames=None, hold_seconds=0.2, **EVERYBODY))
    assert timed.best.rules.hold_seconds is not None


def test_with_the_rule_evidence_the_certainty_is_swept() -> None:
    """The proposal changes the certainty and leaves threshold and hold alone."""
    base = Rules(rule="evidence", certainty=0.3, **EVERYBODY)
    broad = recording([0.1] * 20 + [0.95] * 30 + [0.1] * 30, "smile.mp4")
    found = sweep([broad, BOTH[1]], LABELS, base, model=MODEL)
    assert found.current.total.false_shots > 0
    assert found.best.wrong == 0
    assert found.best.rules.certainty > 0.6
    assert (found.best.rules.threshold, found.best.rules.hold_frames) == (base.threshold, base.hold_frames)


def test_the_frontier_keeps_what_nothing_beats() -> None:
    """Along it recall rises with the false shots."""
    kept = frontier(sweep(BOTH, LABELS, Rules(rule="frames", hold_rate=None, **EVERYBODY)).trials)
    hits = [trial.total.hits for trial in kept]
    assert hits == sorted(set(hits))
    assert kept[0].total.false_shots == 0


# --- the command


def prepare(folder: Path) -> tuple[Path, Path]:
    """Write scores and labels; returns their files."""
    write_scores(folder / "s.jsonl", BOTH)
    write_labels(folder / "labels.json", LABELS)
    return folder / "s.jsonl", folder / "labels.json"


def test_tune_writes_what_it_proposes_and_says_where_from(tmp_path: Path) -> None:
    """`--write` puts the settings into the config file under a comment; the file loads and keeps the rest."""
    stored, labels = prepare(tmp_path)
    config = tmp_path / "config.yaml"
    config.write_text("trigger:\n  cooldown: 3s   # mine\n  rule: frames\n  hold_rate: null\n")
    said = StringIO()
    tune(
        [stored],
        s.load(config),
        labels=labels,
        write=config,
        out=tmp_path / "tune.png",
        today=date(2026, 11, 21),
        into=said,
    )
    text = config.read_text()
    assert "# tuned: 2026-11-21 on 2 clips, 1 of 1 smiles hit, 0 false shots in 14 s" in text
    assert "cooldown: 3s   # mine" in text
    assert s.load(config).trigger.threshold < 0.6
    assert "proposed" in said.getvalue()


def test_tune_draws_recall_against_false_shots(tmp_path: Path) -> None:
    """The picture is a PNG of some size with the proposal's green in it."""
    stored, labels = prepare(tmp_path)
    tune([stored], s.load(None, FRAMES), labels=labels, out=tmp_path / "x" / "tune.png", into=StringIO())
    with Image.open(tmp_path / "x" / "tune.png") as picture:
        assert picture.size == (1520, 940)
        colours = {colour for _, colour in picture.convert("RGB").getcolors(2**24) or ()}
    assert (0x1A, 0x8F, 0x4C) in colours


def test_tune_as_json_is_one_object(tmp_path: Path) -> None:
    """`--json` tells present and proposed settings, the changes and the frontier, and draws nothing."""
    stored, labels = prepare(tmp_path)
    said = StringIO()
    tune([stored], s.load(None, FRAMES), labels=labels, as_json=True, into=said)
    record = json.loads(said.getvalue())
    assert record["current"]["misses"] == 1
    assert record["proposed"]["misses"] == 0
    assert "trigger.threshold" in record["changes"]
    assert record["tried"] == len(Grid().places())


def test_tune_needs_labels_and_scores(tmp_path: Path) -> None:
    """Without labels, without clips, or with a scores file that lacks a clip, it says what to do."""
    stored, _ = prepare(tmp_path)
    with pytest.raises(UsageError, match="--mark"):
        tune([stored], s.load(None, FRAMES))
    with pytest.raises(UsageError, match="nothing to tune on"):
        tune([], s.load(None, FRAMES))
    (tmp_path / "other.mp4").touch()
    with pytest.raises(UsageError, match=r"no scores of other\.mp4"):
        tune([tmp_path / "other.mp4"], s.load(None, FRAMES), scores=stored)
