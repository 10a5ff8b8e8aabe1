"""The trigger, frame by frame: every test is a list of numbers."""

from dataclasses import replace

import pytest

from smartselfie.deciding.evidence import EvidenceModel
from smartselfie.deciding.rules import Rules
from smartselfie.deciding.trigger import Trigger
from smartselfie.records import CLASSES, Box, Decision, Face, Scores, State
from tests.fakes import EVERYBODY

SIZE = (640, 480)


def scores(happy: float, top: str = "neutral") -> Scores:
    """Probabilities with so much happiness, the rest with one other class."""
    return Scores(
        tuple(happy if name == "happy" else (1 - happy) if name == top else 0.0 for name in CLASSES)
    )


def face(happy: float, track: int = 1, side: int = 200, top: str = "neutral") -> Face:
    """A scored face."""
    return Face(Box(100, 100, side, side), track, scores(happy, top))


class Player:
    """Feeds frames at 10 a second."""

    def __init__(self, step: float = 0.1, **rules: object) -> None:
        given = {"rule": "frames", "threshold": 0.6, "hold_rate": None, **EVERYBODY, **rules}
        self.trigger = Trigger(Rules(**given))  # type: ignore[arg-type]
        self.step = step
        self.frame = 0

    def see(self, *faces: Face) -> Decision:
        """One frame with these faces."""
        decision = self.trigger.update(faces, at=self.frame * self.step, size=SIZE)
        self.frame += 1
        return decision

    def fires(self, *happy: float | None) -> list[int]:
        """The frames, counted from the first of these, at which one face fires; None is undetected."""
        start = self.frame
        return [
            index - start
            for index, value in ((self.frame, value) for value in happy)
            if (self.see() if value is None else self.see(face(value))).fire
        ]


def test_fires_at_the_tenth_frame() -> None:
    """Ten smiling frames in a row fire, at the tenth."""
    assert Player().fires(*[0.9] * 12) == [9]


def test_nine_frames_do_not_fire() -> None:
    """Nine smiling frames and one without a smile fire nothing."""
    assert Player().fires(*[0.9] * 9, 0.1, *[0.9] * 9) == []


def test_an_unhappy_frame_resets_the_count() -> None:
    """After a frame without a smile the count starts at one."""
    assert Player().fires(*[0.9] * 9, 0.1, *[0.9] * 10) == [19]


def test_the_threshold_itself_is_a_smile() -> None:
    """P(happy) equal to the threshold counts, a little less does not."""
    assert Player(threshold=0.6, hold_frames=1).see(face(0.6)).fire
    assert not Player(threshold=0.6, hold_frames=1).see(face(0.5999)).fire


def test_happy_must_be_the_largest_class() -> None:
    """With a low threshold a face that is more sad than happy does not smile."""
    player = Player(threshold=0.3, hold_frames=1)
    assert not player.see(face(0.45, top="sad")).fire
    assert player.see(face(0.55, top="sad")).fire


def test_why_names_the_numbers() -> None:
    """Below the threshold the words hold P(happy) and the threshold."""
    assert Player().see(face(0.52)).why == "happy 0.52 < 0.60"


def test_why_never_says_that_a_number_is_below_itself() -> None:
    """A score just below the threshold is printed with as many digits as show it."""
    assert Player().see(face(0.5999)).why == "happy 0.5999 < 0.6000"


def test_grace_frames_neither_count_nor_reset() -> None:
    """Two undetected frames leave the count as it was."""
    assert Player(grace=2).fires(*[0.9] * 5, None, None, *[0.9] * 5) == [11]


def test_beyond_grace_the_count_is_lost() -> None:
    """Three undetected frames with a grace of two start the count anew."""
    assert Player(grace=2).fires(*[0.9] * 5, None, None, None, *[0.9] * 10) == [17]


def test_two_faces_that_take_turns_do_not_add_up() -> None:
    """Under `any` one and the same face must smile for the whole hold."""
    player = Player(hold_frames=4)
    fired = [player.see(face(0.9 * (n % 2), 1), face(0.9 * ((n + 1) % 2), 2)).fire for n in range(20)]
    assert not any(fired)


def test_one_smile_is_one_picture() -> None:
    """A smile that lasts fires once."""
    assert Player(cooldown=0.5).fires(*[0.9] * 100) == [9]


def test_a_new_smile_is_a_new_picture() -> None:
    """After the smile has ended and the cooldown has passed the next one fires."""
    assert Player(cooldown=0.5).fires(*[0.9] * 15, *[0.1] * 3, *[0.9] * 15) == [9, 27]


def test_falling_between_release_and_threshold_is_no_release() -> None:
    """A dip below the threshold but not below two thirds of it does not end the smile."""
    assert Player(cooldown=0.5).fires(*[0.9] * 15, *[0.5] * 5, *[0.9] * 15) == [9]


def test_release_during_the_cooldown_counts_but_holding_does_not_start() -> None:
    """A smile that ends within the cooldown releases; the next hold starts when the cooldown is over."""
    assert Player(cooldown=2.0).fires(*[0.9] * 10, 0.1, *[0.9] * 40) == [9, 38]


def test_a_face_that_leaves_releases() -> None:
    """The face that fired leaves; the next face fires again after the cooldown."""
    player = Player(cooldown=0.5, leave_after=1.0)
    assert player.fires(*[0.9] * 10) == [9]
    for _ in range(11):
        player.see()
    assert [n for n in range(12) if player.see(face(0.9, track=2)).fire] == [9]


def test_a_face_has_not_left_before_leave_after() -> None:
    """A face undetected for less than `leave_after` keeps the trigger resting."""
    player = Player(cooldown=0.5, leave_after=1.0)
    assert player.fires(*[0.9] * 10, *[None] * 8, *[0.9] * 20) == [9]


def test_repeat_takes_another_while_the_smile_lasts() -> None:
    """With `repeat` a lasting smile fires every so many seconds."""
    assert Player(cooldown=0.5, repeat=2.0).fires(*[0.9] * 60) == [9, 29, 49]


def test_a_timed_hold_fires_by_time() -> None:
    """A hold of 0.4 s fires at the first frame 0.4 s after the first smiling one."""
    assert Player(hold_frames=None, hold_seconds=0.4).fires(*[0.9] * 10) == [4]


def test_a_timed_hold_needs_three_frames() -> None:
    """Frames 0.2 s apart reach a hold of 0.2 s only with the third."""
    assert Player(0.2, hold_frames=None, hold_seconds=0.2).fires(*[0.9] * 10) == [2]


def test_a_timed_hold_allows_no_gap_over_250_ms() -> None:
    """Frames 0.3 s apart never add up to a timed hold."""
    assert Player(0.3, hold_frames=None, hold_seconds=0.4).fires(*[0.9] * 20) == []


def test_a_small_face_takes_no_part() -> None:
    """A face below min_face does not fire, and the words say why."""
    player = Player(hold_frames=1, min_face=0.14)
    decision = player.see(face(0.9, side=60))
    assert not decision.fire
    assert decision.meters[0].why == "too small: 60 px < 67 px"


def test_all_waits_for_everyone() -> None:
    """Under `all` one straight face holds the picture back."""
    player = Player(hold_frames=2, policy="all")
    assert not any(player.see(face(0.9, 1), face(0.1, 2)).fire for _ in range(5))
    assert [player.see(face(0.9, 1), face(0.9, 2)).fire for _ in range(2)] == [False, True]


def test_all_says_how_many_smile() -> None:
    """The words under `all` count the smiles."""
    player = Player(policy="all")
    assert player.see(face(0.9, 1), face(0.9, 2), face(0.1, 3)).why == "2 of 3 faces smile"


def test_a_count_needs_so_many() -> None:
    """A policy of 2 fires when two of three hold at the same time."""
    player = Player(hold_frames=3, policy=2)
    fired = [player.see(face(0.9, 1), face(0.9, 2), face(0.1, 3)).fire for _ in range(3)]
    assert fired == [False, False, True]


def test_largest_looks_at_the_largest_face_only() -> None:
    """Under `largest` the smile of a smaller face does not count."""
    player = Player(hold_frames=2, policy="largest")
    assert not any(player.see(face(0.1, 1, side=200), face(0.9, 2, side=150)).fire for _ in range(5))
    assert any(player.see(face(0.9, 1, side=200), face(0.1, 2, side=150)).fire for _ in range(2))


def test_without_together_smiles_must_hold_at_once() -> None:
    """Under `all` smiles that follow each other do not fire."""
    player = Player(hold_frames=2, policy="all")
    for happy, other in [(0.9, 0.1)] * 3 + [(0.1, 0.9)] * 3:
        assert not player.see(face(happy, 1), face(other, 2)).fire


def test_together_adds_smiles_of_the_last_second() -> None:
    """With `together` smiles that each reached the hold within that time fire."""
    player = Player(hold_frames=2, policy="all", together=1.0)
    fired = [
        player.see(face(happy, 1), face(other, 2)).fire
        for happy, other in [(0.9, 0.1)] * 3 + [(0.1, 0.9)] * 2
    ]
    assert fired == [False, False, False, False, True]


def test_together_says_for_how_many_it_waits() -> None:
    """While one of three has not held yet the words say so."""
    player = Player(hold_frames=2, policy="all", together=1.0)
    player.see(face(0.9, 1), face(0.9, 2), face(0.1, 3))
    decision = player.see(face(0.9, 1), face(0.9, 2), face(0.1, 3))
    assert (decision.why, decision.awaited) == ("waiting for 1 of 3", 1)


def test_together_forgets_after_its_time() -> None:
    """A smile that held longer ago than `together` does not add up."""
    player = Player(hold_frames=2, policy="all", together=0.5)
    states = [(0.9, 0.1)] * 2 + [(0.1, 0.1)] * 6 + [(0.1, 0.9)] * 3
    assert not any(player.see(face(happy, 1), face(other, 2)).fire for happy, other in states)


def test_background_faces_do_not_block_all() -> None:
    """A face smaller than `min_relative` of the largest takes no part under `all`."""
    player = Player(hold_frames=1, policy="all", min_relative=0.5)
    assert player.see(face(0.9, 1, side=300), face(0.1, 2, side=100)).fire


def test_passers_by_do_not_block_all() -> None:
    """A face seen for less than `min_presence` takes no part."""
    player = Player(hold_frames=2, policy="all", min_presence=0.5)
    for _ in range(6):
        player.see(face(0.1, 1))
    assert not player.see(face(0.9, 1), face(0.1, 2)).fire
    assert player.see(face(0.9, 1), face(0.1, 2)).fire


def test_progress_grows_by_a_tenth_a_frame() -> None:
    """The ring fills by one tenth with each smiling frame."""
    player = Player()
    assert [round(player.see(face(0.9)).progress, 3) for _ in range(10)] == [
        round((n + 1) / 10, 3) for n in range(10)
    ]


def test_disarmed_never_fires() -> None:
    """A disarmed trigger says so and fires nothing; armed again it counts from one."""
    player = Player(hold_frames=3)
    player.trigger.arm(False)
    assert player.fires(*[0.9] * 10) == []
    assert player.see(face(0.9)).state is State.DISARMED
    player.trigger.arm(True)
    assert player.fires(*[0.9] * 5) == [2]


def test_countdown_fires_when_it_is_over() -> None:
    """With a countdown of half a second the shot comes that long after the hold."""
    player = Player(hold_frames=3, countdown=0.5)
    assert player.fires(*[0.9] * 12) == [7]


def test_countdown_tells_the_seconds_left() -> None:
    """While it counts down the decision holds the seconds left."""
    player = Player(hold_frames=1, countdown=0.5)
    player.see(face(0.9))
    assert player.see(face(0.9)).countdown == pytest.approx(0.4)


def test_a_lost_pose_cancels_the_countdown() -> None:
    """A face that falls below `release` during the countdown cancels it."""
    player = Player(hold_frames=2, countdown=0.5)
    assert player.fires(*[0.9] * 4, 0.1, *[0.9] * 5) == []
    assert player.trigger.update([], at=99, size=SIZE).state is State.WATCHING


def test_a_face_that_vanishes_cancels_the_countdown() -> None:
    """Nobody is photographed who walked out during the countdown, however short it is."""
    player = Player(hold_frames=2, countdown=0.5, grace=2)
    assert player.fires(0.9, 0.9, *[None] * 10) == []


def test_two_smiles_that_fire_together_are_both_used() -> None:
    """When one of two faces that held at once stops, the other's same smile is no second picture."""
    player = Player(hold_frames=3, cooldown=0.3)
    both = [player.see(face(0.9, 1), face(0.9, 2)).fire for _ in range(5)]
    one = [player.see(face(0.1, 1), face(0.9, 2)).fire for _ in range(20)]
    assert (sum(both), sum(one)) == (1, 0)


def test_arming_anew_does_not_shorten_the_cooldown() -> None:
    """Disarm and arm within the cooldown: it still counts from the last shot."""
    player = Player(hold_frames=2, cooldown=2.0)
    assert player.fires(0.9, 0.9) == [1]
    player.trigger.arm(False)
    player.trigger.arm(True)
    assert player.fires(*[0.1] * 2, *[0.9] * 30) == [20]


def test_a_change_of_rules_keeps_the_count() -> None:
    """Raising the hold in the middle of one asks for the rest of it only."""
    player = Player(hold_frames=5)
    player.fires(*[0.9] * 4)
    player.trigger.rules = Rules(rule="frames", hold_frames=6, hold_rate=None, **EVERYBODY)
    assert player.fires(*[0.9] * 4) == [1]


@pytest.mark.parametrize("threshold", [0.05, 0.3, 1.0])
def test_any_threshold_is_valid_alone(threshold: float) -> None:
    """Without `release` every threshold in (0, 1] is accepted."""
    assert Rules(threshold=threshold).release_level == pytest.approx(threshold * 2 / 3)


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        ({"threshold": 0.0}, "0 < threshold <= 1"),
        ({"threshold": 0.7, "release": 0.9}, "release=0.9, threshold=0.7"),
        ({"hold_frames": 0}, "hold_frames >= 1"),
        ({"repeat": 1.0, "cooldown": 2.0}, "repeat >= cooldown"),
        ({"policy": "some"}, "'some'"),
    ],
)
def test_a_bad_rule_is_refused_with_rule_and_value(wrong: dict[str, object], words: str) -> None:
    """A contradiction names the rule and the values."""
    with pytest.raises(ValueError, match="need") as caught:
        Rules(**wrong)  # type: ignore[arg-type]
    assert words in str(caught.value)


# --- holds and frame rates


@pytest.mark.parametrize(
    ("rate", "frames"), [(60, 20), (30, 10), (29.97, 10), (25, 9), (15, 5), (8, 3), (5, 3)]
)
def test_a_hold_of_ten_frames_lasts_as_long_at_any_rate(rate: float, frames: int) -> None:
    """Ten frames are meant at 30 a second: a third of a second, and three frames at the least."""
    player = Player(1 / rate, hold_rate=30)
    assert player.fires(*[0.1] * 40, *[0.9] * 40) == [40 + frames - 1]


def test_a_hold_in_plain_frames_is_one_at_any_rate() -> None:
    """Without a rate ten frames are ten, at eight a second, too."""
    assert Player(1 / 8, hold_rate=None).fires(*[0.9] * 12) == [9]


def test_a_single_dip_is_forgiven() -> None:
    """One frame between `release` and threshold neither counts nor resets."""
    assert Player().fires(*[0.9] * 5, 0.5, *[0.9] * 6) == [10]


def test_two_dips_in_a_row_are_not_forgiven() -> None:
    """Nor is a second one later in the same hold."""
    assert Player().fires(*[0.9] * 5, 0.5, 0.5, *[0.9] * 9) == []
    assert Player().fires(*[0.9] * 4, 0.5, *[0.9] * 4, 0.5, *[0.9] * 9) == []


def test_a_dip_below_release_is_not_forgiven() -> None:
    """That smile is over."""
    assert Player().fires(*[0.9] * 5, 0.39, *[0.9] * 9) == []


# --- several people


def test_one_persons_picture_does_not_block_anothers() -> None:
    """The second smiles a second after the first was photographed, well within the cooldown."""
    player = Player(cooldown=5.0)
    fired = [player.see(face(0.9, 1), face(0.9 if n >= 15 else 0.1, 2)).fired_by for n in range(30)]
    assert [(n, by) for n, by in enumerate(fired) if by] == [(9, (1,)), (24, (2,))]


def test_who_smiles_in_the_picture_has_had_it() -> None:
    """Somebody who begins to smile just before another's picture is taken gets no second one for it."""
    player = Player(cooldown=1.0)
    fired = [player.see(face(0.9, 1), face(0.9 if n >= 6 else 0.1, 2)).fire for n in range(40)]
    assert fired.count(True) == 1


def test_a_new_face_does_not_inherit_a_rest() -> None:
    """After a cut another face stands where the one that fired did: it is photographed for itself."""
    player = Player(cooldown=5.0)
    assert player.fires(*[0.9] * 10) == [9]
    assert [n for n in range(12) if player.see(face(0.9, track=2)).fire] == [9]


def test_a_face_that_is_lost_and_found_inherits_its_rest() -> None:
    """When it left, for the detector, and is back at the same place within the cooldown, it is one smile."""
    player = Player(cooldown=3.0, leave_after=0.5)
    assert player.fires(*[0.9] * 10, *[None] * 6) == [9]
    assert [n for n in range(40) if player.see(face(0.9, track=2)).fire] == [32]


def test_a_meter_says_that_its_face_rests() -> None:
    """With the seconds left, and then that the smile lasts."""
    player = Player(cooldown=0.5)
    player.fires(*[0.9] * 10)
    (meter,) = player.see(face(0.9)).meters
    assert (meter.rests, meter.why) == (True, "picture taken, resting 0.4 s")
    player.fires(*[0.9] * 5)
    assert player.see(face(0.9)).meters[0].why == "picture taken, still smiling"


# --- faces that do not count


def test_a_covered_mouth_does_not_fire() -> None:
    """A face behind a mask takes part and never smiles, whatever its score; the reason is shown."""
    player = Player()
    masked = replace(face(0.99), covered=0.9)
    decisions = [player.see(masked) for _ in range(30)]
    assert not any(decision.fire for decision in decisions)
    assert decisions[-1].meters[0].notice == "mouth covered"
    assert decisions[-1].why == "mouth covered"


def test_all_waits_for_a_covered_mouth() -> None:
    """Under `all` somebody with the hand before the mouth holds the picture back until it is gone."""
    player = Player(policy="all", hold_frames=3)
    assert not any(player.see(face(0.9, 1), replace(face(0.9, 2), covered=0.9)).fire for _ in range(10))
    assert any(player.see(face(0.9, 1), replace(face(0.9, 2), covered=0.0)).fire for _ in range(6))


def test_one_frame_that_looks_covered_breaks_no_hold() -> None:
    """The flag is averaged over some frames: a guess that flickers does nothing."""
    player = Player()
    flicker = [player.see(replace(face(0.9), covered=0.8 * (n == 5))).fire for n in range(12)]
    assert flicker.index(True) == 9


def test_an_unsure_face_takes_no_part() -> None:
    """Neither fires one with a low score of the detector, nor one with its eyes outside of the box."""
    player = Player(min_score=0.6)
    assert not any(player.see(replace(face(0.9), score=0.5)).fire for _ in range(20))
    assert player.see(replace(face(0.9), score=0.5)).meters[0].why == "unsure: face 0.50 < 0.60"
    inside = ((140.0, 150.0), (240.0, 150.0), (190.0, 190.0), (150.0, 250.0), (230.0, 250.0))
    outside = ((20.0, 150.0), *inside[1:])
    assert any(player.see(replace(face(0.9, 2), landmarks=inside)).fire for _ in range(20))
    last = [player.see(replace(face(0.9, 3), landmarks=outside)) for _ in range(20)]
    assert not any(decision.fire for decision in last)
    assert {meter.track: meter.why for meter in last[-1].meters}[3] == "unsure: features outside of the face"


def test_the_networks_own_output_for_smiles_comes_first() -> None:
    """Where the network says how likely a smile is, its seven classes do not matter."""
    player = Player()
    assert not any(player.see(replace(face(0.99), smiling=0.2)).fire for _ in range(20))
    player = Player()
    assert any(player.see(replace(face(0.1), smiling=0.9)).fire for _ in range(20))


# --- the model of the last second

MODEL = EvidenceModel(
    -4.0,
    {"mean": 0.6, "recent": 0.8, "swing": -1.5, "lasting": 2.0, "mouth": -1.0},
    {"mean": 3.0, "recent": 3.0, "swing": 0.3, "lasting": 0.8, "mouth": 0.1},
)


def judging(step: float = 1 / 30, **rules: object) -> Player:
    """A player with the rule evidence."""
    player = Player(step, **{"rule": "evidence", "certainty": 0.7, **rules})
    player.trigger.model = MODEL
    return player


def test_a_steady_smile_is_certain_soon() -> None:
    """It fires within a third of a second."""
    (fired,) = judging().fires(*[0.1] * 30, *[0.97] * 30)
    assert 4 <= fired - 30 <= 10


def test_a_talker_is_not_certain() -> None:
    """Frames over 0.9 for a third of a second in the middle of a sentence, again and again, fire nothing."""
    word = [0.2, 0.5, 0.8, *[0.93] * 10, 0.7, 0.4, 0.2, 0.2, 0.3]
    assert Player(1 / 30, hold_rate=30).fires(*word * 6) != []
    assert judging().fires(*word * 6) == []


def test_it_judges_alike_at_eight_frames_a_second() -> None:
    """A smile fires within half a second, the talker not."""
    (fired,) = judging(1 / 8).fires(*[0.1] * 8, *[0.97] * 8)
    assert fired - 8 <= 4
    assert judging(1 / 8).fires(*[0.2, 0.6, 0.93, 0.93, 0.5, 0.2] * 5) == []


def test_it_says_what_it_waits_for() -> None:
    """The words name what speaks against a picture most: here the mouth, there the score that swings."""
    player = judging()
    moving = [replace(face(0.99 if n % 2 else 0.65), mouth_motion=0.1) for n in range(40)]
    assert [player.see(each) for each in moving][-1].meters[0].notice == "wait: still moving"
    player = judging(certainty=0.9999)
    talking = [replace(face(0.999), mouth_motion=4.0) for _ in range(40)]
    assert [player.see(each) for each in talking][-1].meters[0].notice == "talking"


def test_without_a_model_the_rule_evidence_fires_nothing() -> None:
    """There is nobody to ask."""
    assert Player(1 / 30, rule="evidence").fires(*[0.99] * 60) == []
