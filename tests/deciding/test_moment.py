"""Which frame is kept: the window around the decision, and the grades by which its frames are ranked."""

import weakref
from dataclasses import dataclass, replace

import numpy as np
import pytest

from smartselfie.deciding.frame_quality import FaceQuality, grade
from smartselfie.deciding.moment import Moment, Pick
from smartselfie.records import Box, Decision, Face, Frame, Image, Meter, State
from tests.fakes import scores

FPS = 20
GOOD = FaceQuality(area=100, smile=0.8, eyes=1.0, sharpness=50, inside=1, stillness=1)


@dataclass
class ReadQuality:
    """Looks qualities up by the number in the picture's first pixel; remembers what it was asked for."""

    qualities: dict[int, FaceQuality]

    def __post_init__(self) -> None:
        self.asked: list[int] = []

    def __call__(self, image: Image, face: Face, before: Image | None) -> FaceQuality:
        """The quality of the frame of this number, else a good one."""
        number = int(image[0, 0, 0])
        self.asked.append(number)
        return self.qualities.get(number, GOOD)


def frame(number: int, **fields: object) -> Frame:
    """A frame that carries its number in its pixels."""
    return Frame(np.full((8, 8, 3), number, np.uint8), number, number / FPS, **fields)  # type: ignore[arg-type]


def face(track: int = 1) -> Face:
    """A face of a track."""
    return Face(Box(0, 0, 8, 8), track, scores(0.9))


def decision(
    state: State, progress: float = 0.0, *, fire: bool = False, tracks: tuple[int, ...] = (1,)
) -> Decision:
    """A decision in which all tracks take part and smile while there is progress."""
    meters = tuple(Meter(track, progress, progress > 0, True) for track in tracks)
    return Decision(state, progress, fire, "because", tracks if fire else (), meters)


WATCHING = decision(State.WATCHING)
HOLDING = decision(State.HOLDING, 0.5)
FIRE = decision(State.RESTING, 1.0, fire=True)
RESTING = decision(State.RESTING)


def play(moment: Moment, fire_at: int, start: int = 0, end: int = 20) -> list[Pick]:
    """Hold from frame `start`, fire at `fire_at`, rest until `end`; returns the picks."""
    picks = []
    for number in range(start, end):
        said = HOLDING if number < fire_at else FIRE if number == fire_at else RESTING
        picks += moment.update(frame(number), (face(),), said)
    return picks


def seqs(picks: list[Pick]) -> list[int]:
    """The frames that were picked."""
    return [pick.frame.seq for pick in picks]


def test_the_broadest_smile_of_the_window_is_kept() -> None:
    """All else equal, the frame with the largest P(happy) is the picture, with its own faces and time."""
    moment = Moment(measure=ReadQuality({8: replace(GOOD, smile=0.95)}))
    (pick,) = play(moment, 10)
    assert (pick.frame.seq, pick.frame.at, pick.decided) == (8, 0.4, 0.5)
    assert np.array_equal(pick.still, frame(8).image)
    assert pick.why == "because"


def test_the_next_shot_chooses_from_the_same_frames() -> None:
    """A shot within the window of the last one has the frames before it to choose from, too."""
    moment = Moment(measure=ReadQuality({8: replace(GOOD, smile=0.95)}))
    picks: list[Pick] = []
    for number in range(20):
        said = HOLDING if number < 10 else FIRE if number in (10, 12) else RESTING
        picks += moment.update(frame(number), (face(),), said)
    assert seqs(picks) == [8, 8]


def test_a_broad_smile_counts_more_than_wide_eyes() -> None:
    """Between two frames with open eyes the smile decides."""
    smiling, staring = replace(GOOD, smile=1.0, eyes=0.6), replace(GOOD, smile=0.6, eyes=1.0)
    high, low = grade([{1: smiling}, {1: staring}], needed=(1,), everyone=(1,))
    assert high.score > low.score


SHUT = dict.fromkeys(range(11), replace(GOOD, eyes=0.0))
"""Nobody has open eyes up to the decision."""


def test_frames_at_or_before_the_decision_win() -> None:
    """A later frame is not the picture for a broader smile: the smile that was judged is."""
    assert seqs(play(Moment(measure=ReadQuality({12: replace(GOOD, smile=0.95)})), 10)) == [10]


def test_frames_after_the_decision_count_for_open_eyes() -> None:
    """The window stays open for `after`: where all before it blink, a frame then is the picture."""
    later = {number: replace(GOOD, smile=0.6) for number in (11, 12, 13)}
    assert seqs(play(Moment(measure=ReadQuality(SHUT | later)), 10)) == [14]


def test_the_window_ends_after_after() -> None:
    """Open eyes later than `after` are not waited for."""
    shut = dict.fromkeys(range(15), replace(GOOD, eyes=0.0))
    assert seqs(play(Moment(measure=ReadQuality(shut)), 10)) == [10]


def test_a_frame_in_which_the_smile_has_ended_is_not_kept() -> None:
    """Open eyes do not make up for a smile that has fallen below `release`."""
    ended = {number: replace(GOOD, smile=0.14) for number in range(11, 20)}
    assert seqs(play(Moment(measure=ReadQuality(SHUT | ended), release=0.6), 10)) == [10]


def test_a_frame_in_which_the_face_is_only_expected_is_not_kept() -> None:
    """Of a face that was not searched and found nobody knows what it does."""
    guessed = {8: replace(GOOD, smile=0.99, found=False)}
    assert seqs(play(Moment(measure=ReadQuality(guessed)), 10)) == [10]


def test_a_frame_beyond_a_cut_is_not_kept() -> None:
    """After a cut there is another face, with another track, however good the frame."""
    moment = Moment(measure=ReadQuality(SHUT))
    picks = play(moment, 10, end=11)
    for number in range(11, 20):
        picks += moment.update(frame(number), (face(2),), RESTING)
    assert seqs(picks) == [10]


def test_where_no_frame_shows_the_smile_the_decisions_is_kept() -> None:
    """Smiles that held one after another may be in no frame together."""
    over = dict.fromkeys(range(20), replace(GOOD, smile=0.1))
    assert seqs(play(Moment(measure=ReadQuality(over), release=0.6), 10)) == [10]


def test_the_window_begins_before_before() -> None:
    """A better frame earlier than `before` is forgotten, one at its very edge is not."""
    best = replace(GOOD, smile=0.95)
    assert seqs(play(Moment(measure=ReadQuality({3: best})), 10)) == [10]
    assert seqs(play(Moment(measure=ReadQuality({4: best})), 10)) == [4]


def test_nothing_is_picked_before_the_window_ends() -> None:
    """The pick comes with the frame that ends the window, not before."""
    moment = Moment(measure=ReadQuality({}))
    assert play(moment, 10, end=14) == []
    assert moment.waiting
    assert len(moment.update(frame(14), (face(),), RESTING)) == 1
    assert not moment.waiting


def test_without_after_the_picture_is_there_at_once() -> None:
    """`after` 0 decides in the frame that fires."""
    assert len(play(Moment(after=0, measure=ReadQuality({})), 10, end=11)) == 1


def test_the_end_of_the_source_loses_no_shot() -> None:
    """Flushing in the middle of the window gives the best frame so far, and only once."""
    moment = Moment(measure=ReadQuality({9: replace(GOOD, smile=0.95)}))
    assert play(moment, 10, end=12) == []
    assert seqs(moment.flush()) == [9]
    assert moment.flush() == []


def test_a_lost_camera_loses_no_shot() -> None:
    """When no more frames come, the passing of time alone ends the window."""
    moment = Moment(measure=ReadQuality({}))
    play(moment, 10, end=11)
    assert moment.expire(0.69) == []
    assert seqs(moment.expire(0.71)) == [10]
    assert moment.expire(5.0) == []


def test_a_gap_in_the_frames_loses_no_shot() -> None:
    """A frame that comes long after the window ends it and is no part of it."""
    moment = Moment(measure=ReadQuality({40: replace(GOOD, smile=0.95)}))
    play(moment, 10, end=12)
    assert seqs(moment.update(frame(40), (face(),), RESTING)) == [10]


def test_a_lost_hold_forgets_its_frames() -> None:
    """Frames of a smile that was lost are no part of the next one's window."""
    moment = Moment(before=3, measure=ReadQuality({2: replace(GOOD, smile=0.95)}))
    play(moment, 99, end=5)
    moment.update(frame(5), (face(),), WATCHING)
    assert seqs(play(moment, 10, start=6)) == [10]


def test_nothing_is_measured_while_nobody_smiles() -> None:
    """Faces are looked at only while a smile is held and until its window ends."""
    measure = ReadQuality({})
    moment = Moment(measure=measure)
    for number in range(5):
        moment.update(frame(number), (face(),), WATCHING)
    assert measure.asked == []
    play(moment, 10, start=5)
    assert measure.asked == list(range(5, 15))


def test_two_smiles_are_two_moments() -> None:
    """After a shot the next hold starts a window of its own."""
    moment = Moment(measure=ReadQuality({}))
    assert seqs(play(moment, 10) + play(moment, 30, start=20, end=40)) == [10, 30]


def test_a_shot_within_the_window_of_another_keeps_both() -> None:
    """When the trigger fires again before the window ended, both pictures are taken."""
    moment = Moment(after=0.5, measure=ReadQuality({}))
    picks = play(moment, 10, end=12)
    picks += play(moment, 12, start=12, end=30)
    assert [pick.decided for pick in picks] == [0.5, 0.6]


def test_alternatives_are_apart_in_time() -> None:
    """`keep` gives the best frames, best first, numbered, none nearer than 0.12 s to another."""
    smiles = {8: 0.99, 9: 0.98, 5: 0.97, 11: 0.96, 13: 0.95}
    measure = ReadQuality({number: replace(GOOD, smile=smile) for number, smile in smiles.items()})
    picks = play(Moment(keep=3, measure=measure), 10)
    assert seqs(picks) == [8, 5, 11]
    assert [pick.alternative for pick in picks] == [0, 1, 2]


def test_a_short_window_gives_fewer_alternatives() -> None:
    """No frame is kept twice for want of others."""
    assert len(play(Moment(before=0, after=0, keep=3, measure=ReadQuality({})), 10)) == 1


def test_a_frame_without_the_face_that_fired_is_not_kept() -> None:
    """A frame in which the smiling face was not detected comes last, whatever else it shows."""
    plain = replace(GOOD, eyes=None)
    qualities = {1: replace(plain, smile=0.1), 2: plain, 3: plain}
    moment = Moment(before=0.2, after=0, measure=ReadQuality(qualities))
    both = (face(1), face(2))
    said = decision(State.HOLDING, 0.5, tracks=(1, 2))
    fire = replace(said, state=State.RESTING, fire=True, fired_by=(1,))
    moment.update(frame(1), both, said)
    moment.update(frame(2), (face(2),), said)
    assert seqs(moment.update(frame(3), (face(2),), fire)) == [1]


def test_a_repeated_picture_has_its_window_too() -> None:
    """With `repeats` the frames of a smile are held while the trigger rests; without, only later ones are."""
    for repeats, best in ((True, 28), (False, 30)):
        moment = Moment(measure=ReadQuality({28: replace(GOOD, smile=0.95)}), repeats=repeats)
        lasting = replace(RESTING, meters=(Meter(1, 1.0, True, True),))
        play(moment, 10)
        picks = []
        for number in range(20, 40):
            picks += moment.update(frame(number), (face(),), FIRE if number == 30 else lasting)
        assert seqs(picks) == [best]


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"before": -1}, "before >= 0"),
        ({"after": -0.1}, "after >= 0"),
        ({"keep": 0}, "keep"),
        ({"keep": 4}, "keep"),
    ],
)
def test_values_out_of_range_are_refused(settings: dict[str, float], message: str) -> None:
    """A window or a count that cannot be is refused with the rule."""
    with pytest.raises(ValueError, match=message):
        Moment(**settings)  # type: ignore[arg-type]


# --- large stills


class Camera:
    """Gives stills, only of its newest frame, and counts them."""

    def __init__(self, side: int = 16) -> None:
        self.newest = -1
        self.taken: list[int] = []
        self.side = side

    def frame(self, number: int) -> Frame:
        """The next frame."""
        self.newest = number

        def take() -> Image:
            assert self.newest == number, "the camera has moved on"
            self.taken.append(number)
            return np.full((self.side, self.side, 3), number, np.uint8)

        return frame(number, take_still=take)


def play_camera(moment: Moment, camera: Camera, fire_at: int = 10, end: int = 20) -> list[Pick]:
    """Like `play`, from a camera that gives stills."""
    picks = []
    for number in range(end):
        said = HOLDING if number < fire_at else FIRE if number == fire_at else RESTING
        picks += moment.update(camera.frame(number), (face(),), said)
    return picks


def test_the_still_is_of_the_very_frame() -> None:
    """The picture that is kept is the camera's full-resolution still of the frame that was chosen."""
    moment = Moment(measure=ReadQuality({8: replace(GOOD, smile=0.95)}))
    (pick,) = play_camera(moment, Camera())
    assert pick.frame.seq == 8
    assert pick.still.shape == (16, 16, 3)
    assert (pick.still == 8).all()


def test_stills_are_taken_of_candidates_only() -> None:
    """While a better frame is held and stays, no still is taken of a worse one."""
    camera = Camera()
    falling = {number: replace(GOOD, smile=0.9 - number / 100) for number in range(20)}
    play_camera(Moment(before=0.3, measure=ReadQuality(falling)), camera)
    assert len(camera.taken) < 8


def test_no_camera_frame_is_held_longer_than_needed() -> None:
    """What is kept of a frame does not hold on to the camera's buffer, whether its still was taken or not."""
    camera, moment = Camera(), Moment(before=3, measure=ReadQuality({3: replace(GOOD, smile=0.95)}))
    buffers = []
    for number in range(8):
        newest = camera.frame(number)
        buffers.append(weakref.ref(newest.take_still))  # type: ignore[arg-type]
        moment.update(newest, (face(),), HOLDING)
    del newest
    assert len(camera.taken) > 0
    assert [reference() for reference in buffers] == [None] * 8


def test_large_stills_are_held_encoded() -> None:
    """Beyond the memory allowed stills are held as JPEG; the picture is still the right one."""
    camera = Camera(side=400)
    rising = {number: replace(GOOD, smile=0.5 + number / 100) for number in range(20)}
    moment = Moment(measure=ReadQuality(rising), memory=2**20)
    (pick,) = play_camera(moment, camera)
    assert pick.frame.seq == 10
    assert pick.still.shape == (400, 400, 3)
    assert abs(pick.still.astype(int) - 10).max() <= 1


def test_memory_is_bounded() -> None:
    """Whatever is held stays within the bound: the worst frames go first."""
    rising = {number: replace(GOOD, smile=0.5 + number / 100) for number in range(20)}
    moment = Moment(before=3, after=0.2, keep=3, measure=ReadQuality(rising), memory=8 * 8 * 3 * 3)
    picks = play(moment, 15)
    assert seqs(picks) == [15]  # the three best are nearer to each other than alternatives may be


# --- grades


def keys(*window: dict[int, FaceQuality], needed: tuple[int, ...] = (1,)) -> list[int]:
    """The frames' places in the order of their grades, best first."""
    grades = grade(window, needed=needed, everyone=(1, 2))
    return sorted(range(len(window)), key=lambda index: grades[index].key, reverse=True)


def test_open_eyes_come_before_a_broad_smile() -> None:
    """A frame with closed eyes loses against one with open eyes and a smaller smile."""
    shut = replace(GOOD, smile=1.0, eyes=0.45)
    assert keys({1: shut}, {1: replace(GOOD, smile=0.6, eyes=0.55)}) == [1, 0]


def test_eyes_that_cannot_be_seen_decide_nothing() -> None:
    """When no frame of the window has open eyes the smile decides."""
    shut = replace(GOOD, eyes=0.0)
    assert keys({1: shut}, {1: replace(shut, smile=0.9)}) == [1, 0]


def test_the_picture_is_of_the_sharper_half() -> None:
    """The broadest smile loses when it is less sharp than half of the frames."""
    blurred = replace(GOOD, smile=1.0, sharpness=45)
    assert keys({1: blurred}, {1: GOOD}, {1: GOOD})[0] != 0


def test_every_face_counts_by_its_area() -> None:
    """A large face's smile outweighs a small one's."""
    small, large = replace(GOOD, area=50), replace(GOOD, area=100)
    first = {1: replace(large, smile=0.9), 2: replace(small, smile=0.5)}
    second = {1: replace(large, smile=0.5), 2: replace(small, smile=0.9)}
    assert keys(second, first) == [1, 0]


@pytest.mark.parametrize("better", [{"inside": 1.0}, {"stillness": 1.0}, {"sharpness": 90.0}, {"eyes": 1.0}])
def test_what_else_makes_a_frame_better(better: dict[str, float]) -> None:
    """A face wholly inside, a still one, a sharp one, wider eyes: each raises the score."""
    plain = replace(GOOD, inside=0.8, stillness=0.5, sharpness=40, eyes=0.6)
    low, high = grade([{1: plain}, {1: replace(plain, **better)}], needed=(1,), everyone=(1,))
    assert high.score > low.score


def test_scores_lie_between_0_and_1() -> None:
    """The best quality scores 1, the worst 0."""
    best = FaceQuality(area=100, smile=1, eyes=1, sharpness=50, inside=1, stillness=1)
    worst = FaceQuality(area=100, smile=0, eyes=0, sharpness=0, inside=0, stillness=0)
    high, low = grade([{1: best}, {1: worst}], needed=(1,), everyone=(1,))
    assert (high.score, low.score) == pytest.approx((1, 0))


def test_faces_that_take_no_part_do_not_count() -> None:
    """A passer-by with closed eyes changes nothing."""
    passer = replace(GOOD, eyes=0.0, smile=0.0, area=1e6)
    alone, watched = grade([{1: GOOD}, {1: GOOD, 3: passer}], needed=(1,), everyone=(1,))
    assert alone == watched
