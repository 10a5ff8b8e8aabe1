"""What is drawn on the picture, and what is not."""

from __future__ import annotations

import math
from dataclasses import replace
from datetime import UTC, datetime

import numpy as np
import numpy.typing as npt
import pytest

from smartselfie.records import CLASSES, Box, Decision, Face, Frame, Image, Meter, Scores, Shot, State, View
from smartselfie.viewing import overlay, paint
from smartselfie.viewing.face_marks import draw_bars, draw_face
from smartselfie.viewing.overlay import FLASH, THUMBNAIL, annotate, draw, draw_ring, main_face
from smartselfie.viewing.paint import AMBER, GREEN, GREY, RED, Layout

SIZE = (640, 480)
BOX = Box(240, 140, 160, 160)
"""In the middle from left to right."""


def black(size: tuple[int, int] = SIZE) -> Image:
    """A picture with nothing on it."""
    return np.zeros((size[1], size[0], 3), np.uint8)


def scores(**shares: float) -> Scores:
    """Scores with the given shares; neutral takes the rest."""
    given = {name: shares.get(name, 0.0) for name in CLASSES}
    given["neutral"] += 1 - sum(given.values())
    return Scores(tuple(given.values()))


def view(
    *,
    happy: float = 0.8,
    state: State = State.HOLDING,
    why: str = "smile 5 of 10",
    meter: Meter | None = None,
    size: tuple[int, int] = SIZE,
    at: float = 10.0,
    awaited: int = 0,
) -> View:
    """A face in the middle of a black picture that has held half its smile."""
    meter = meter or Meter(1, 0.5, True, True)
    return View(
        frame=Frame(black(size), 0, at),
        faces=(Face(BOX, 1, scores(happy=happy)),),
        decision=Decision(state, meter.progress, False, why, meters=(meter,), awaited=awaited),
        threshold=0.6,
        fps=30.0,
    )


def shot(at: float = 10.0) -> Shot:
    """A picture that is all red."""
    image = black()
    image[:] = (0, 0, 255)
    return Shot(image, (), SIZE, datetime(2026, 11, 20, tzinfo=UTC), 0, at, at)


def near(image: Image, color: paint.Color, within: int = 30) -> npt.NDArray[np.bool_]:
    """Where a picture has about this colour."""
    off = np.abs(image.astype(int) - color).max(axis=2)
    return np.asarray(off <= within)


def test_the_frame_is_untouched() -> None:
    """Drawing happens on a copy: the frame that is saved stays clean."""
    seen = replace(view(), last_shot=shot(), notices=("disk full",))
    draw(seen)
    draw(seen, mirror=True)
    annotate(seen, seen.frame.image)
    assert not seen.frame.image.any()


@pytest.mark.parametrize("size", [(16, 16), (320, 240), (640, 480), (480, 640), (1280, 720), (1920, 1080)])
def test_any_size(size: tuple[int, int]) -> None:
    """Whatever the picture's size and whatever is to be said, the size stays and something is drawn."""
    decision = Decision(State.COUNTDOWN, 0.3, False, "hold the pose", countdown=2.1)
    seen = replace(view(size=size), decision=decision, last_shot=shot(), notices=("camera lost, retrying",))
    image = draw(seen, mirror=True, message="threshold 0.65")
    assert image.shape == (size[1], size[0], 3)
    assert image.any()


@pytest.mark.parametrize("height", [240, 480, 1080])
def test_letters_are_readable(height: int) -> None:
    """The smallest letters have at least ten pixels, and grow with the picture."""
    layout = Layout(height * 4 // 3, height)
    assert layout.small >= 10
    assert layout.small >= 0.024 * height


def test_words_are_not_mirrored() -> None:
    """With everything in the middle, the mirrored overlay equals the plain one: only the picture flips."""
    assert np.array_equal(draw(view(), mirror=True), draw(view()))


def test_boxes_are_mirrored() -> None:
    """A face on the left is framed on the right of the mirrored picture."""
    left = replace(view(), faces=(Face(Box(20, 250, 90, 90), 1, None),))
    plain, flipped = near(draw(left), AMBER), near(draw(left, mirror=True), AMBER)
    assert plain[250:340, :120].any()
    assert not flipped[250:340, :120].any()
    assert flipped[250:340, 520:].any()


def turned(degrees: float) -> Face:
    """The face in the middle, its head leaning to its left by so much."""
    turn = math.radians(degrees)
    along, down = np.array([math.cos(turn), math.sin(turn)]), np.array([-math.sin(turn), math.cos(turn)])
    places = [(-0.2, -0.15), (0.2, -0.15), (0.05, 0.05), (-0.15, 0.25), (0.15, 0.25)]
    points = [np.array(BOX.centre) + BOX.width * (x * along + y * down) for x, y in places]
    eye, other, nose, corner, last = ((float(x), float(y)) for x, y in points)
    return Face(BOX, 1, None, landmarks=(eye, other, nose, corner, last))


@pytest.mark.parametrize("degrees", [-50, -20, 20, 50, 90, 170])
@pytest.mark.parametrize("mirror", [False, True])
def test_the_box_turns_with_the_face(degrees: int, mirror: bool) -> None:
    """Its corners lie where those of a face that leans so lie, in the mirror on the other side."""
    drawn = near(draw(replace(view(), faces=(turned(degrees),)), mirror=mirror), AMBER)
    turn = math.radians(-degrees if mirror else degrees)
    half = BOX.width / 2 * 0.88
    for across, down in ((-1, -1), (1, -1), (1, 1), (-1, 1)):
        x = BOX.centre[0] + half * (across * math.cos(turn) - down * math.sin(turn))
        y = BOX.centre[1] + half * (across * math.sin(turn) + down * math.cos(turn))
        assert drawn[round(y) - 10 : round(y) + 11, round(x) - 10 : round(x) + 11].any()
    if abs(degrees) < 90:
        assert not drawn[BOX.y : BOX.y + 12, BOX.x : BOX.x + 12].any()


@pytest.mark.parametrize("degrees", [-170, -60, 0, 15, 100])
def test_a_faces_roll_is_that_of_eyes_and_mouth(degrees: int) -> None:
    """Also in profile, where the eyes lie one behind the other; without landmarks it is none."""
    assert math.degrees(turned(degrees).roll) == pytest.approx(degrees)
    profile = ((100, 100), (100, 100), (80, 120), (98, 150), (98, 150))
    assert abs(math.degrees(Face(BOX, landmarks=profile).roll)) < 5
    assert Face(BOX).roll == 0


def test_a_little_roll_leaves_the_box_upright() -> None:
    """A landmark's noise does not make it tremble."""
    still, leaning = (draw(replace(view(), faces=(turned(degrees),))) for degrees in (0, 3))
    assert np.array_equal(still, leaning)


def test_the_picture_is_mirrored() -> None:
    """What is left in the camera's picture is right in the mirror."""
    seen = view()
    seen.frame.image[200, 10] = (0, 0, 255)
    assert draw(seen, mirror=True)[200, SIZE[0] - 11, 2] == 255


def test_the_ring_fills_with_the_hold() -> None:
    """The more of the hold is done, the more of the ring is filled."""
    filled = []
    for progress in (0.0, 0.3, 0.6, 1.0):
        image = black((100, 100))
        draw_ring(image, 50, 50, 40, Decision(State.HOLDING, progress, False, ""))
        outer = np.hypot(*(np.mgrid[0:100, 0:100] - 50)) > 30
        filled.append(int((near(image, AMBER) & outer).sum()))
    assert filled[0] == 0
    assert filled == sorted(set(filled))
    assert filled[1] / filled[3] == pytest.approx(0.3, abs=0.06)


def test_the_ring_fills_clockwise_from_the_top() -> None:
    """A quarter of the hold is the upper right quarter of the ring."""
    image = black((100, 100))
    draw_ring(image, 50, 50, 40, Decision(State.HOLDING, 0.25, False, ""))
    assert near(image, AMBER)[10:45, 60:95].any()
    assert not near(image, AMBER)[:, :30].any()
    assert not near(image, AMBER)[80:].any()


def test_a_taken_picture_closes_the_ring_in_green() -> None:
    """While the trigger rests the ring is full, and another colour."""
    image = black((100, 100))
    draw_ring(image, 50, 50, 40, Decision(State.RESTING, 0.0, False, ""))
    assert near(image, GREEN)[50, 12:20].any()
    assert near(image, GREEN)[50, 80:88].any()


def bar_rows(given: Scores, threshold: float = 1.0) -> list[int]:
    """The brightness of each class's row of bars."""
    image = black()
    draw_bars(image, Layout(*SIZE), given, threshold)
    rows = np.nonzero(image.any(axis=(1, 2)))[0]
    parts = np.array_split(image[rows[0] + 5 : rows[-1] - 4], len(CLASSES))
    return [int(part.astype(int).sum()) for part in parts]


@pytest.mark.parametrize("name", CLASSES)
def test_bars_stand_in_their_fixed_order(name: str) -> None:
    """The bar that is long stands where its class stands among the seven."""
    even = bar_rows(Scores((1 / 7,) * 7))
    grown = [now - before for now, before in zip(bar_rows(scores(**{name: 1.0})), even, strict=True)]
    assert grown.index(max(grown)) == CLASSES.index(name)


def test_the_mark_on_happy_moves_with_the_threshold() -> None:
    """A higher threshold stands further right, on the row of happy."""
    low, high = black(), black()
    draw_bars(low, Layout(*SIZE), scores(), 0.3)
    draw_bars(high, Layout(*SIZE), scores(), 0.9)
    rows, columns = np.nonzero((low.astype(int) - high).max(axis=2) > 100)
    later_rows, later_columns = np.nonzero((high.astype(int) - low).max(axis=2) > 100)
    assert columns.max() < later_columns.min()
    assert set(rows) == set(later_rows)


def test_happy_turns_green_at_the_threshold() -> None:
    """The bar says by its colour whether the smile counts."""
    below, above = black(), black()
    draw_bars(below, Layout(*SIZE), scores(happy=0.59), 0.6)
    draw_bars(above, Layout(*SIZE), scores(happy=0.61), 0.6)
    assert not near(below, GREEN).any()
    assert near(above, GREEN).any()


def meter_picture(meter: Meter) -> Image:
    """One face with its meter on black."""
    image = black()
    draw_face(image, Layout(*SIZE), Face(BOX, 1, scores(happy=0.9)), BOX, meter, view(meter=meter))
    return image


def test_each_face_has_a_meter_that_grows() -> None:
    """The bar below a face grows with its own hold."""
    below = [
        near(meter_picture(Meter(1, share, True, True)), AMBER)[BOX.bottom + 2 :] for share in (0.2, 0.5, 0.9)
    ]
    lengths = [int(part.any(axis=0).sum()) for part in below]
    assert lengths == sorted(set(lengths))
    assert lengths[2] == pytest.approx(0.9 * BOX.width, abs=4)


def test_a_face_that_takes_no_part_says_why() -> None:
    """Such a face is framed in gray, and the reason stands below it."""
    image = meter_picture(Meter(1, 0.0, False, False, "too small"))
    assert not near(image, AMBER).any()
    silent = meter_picture(Meter(1, 0.0, False, False, ""))
    assert near(image, GREY, 60)[BOX.bottom + 10 :].sum() > near(silent, GREY, 60)[BOX.bottom + 10 :].sum()


def test_waiting_for_others_is_the_headline() -> None:
    """Who waits for one of three reads that in large letters, in the colour of what is under way."""
    waiting, watching = (
        draw(
            view(
                happy=0.1,
                state=State.WATCHING,
                why="waiting for 1 of 3",
                meter=Meter(1, 0.0, False, True),
                awaited=awaited,
            )
        )
        for awaited in (1, 0)
    )
    assert near(waiting, AMBER)[400:].sum() > 10 * near(watching, AMBER)[400:].sum()


def test_the_countdown_is_large() -> None:
    """While it runs, the countdown fills nearly a third of the picture's height."""
    counting = Decision(State.COUNTDOWN, 0.4, False, "hold the pose", countdown=1.8)
    seen = replace(view(), faces=())
    added = draw(replace(seen, decision=counting)).astype(int) - draw(seen)
    rows = np.nonzero(np.abs(added[:400]).max(axis=(1, 2)) > 60)[0]
    assert rows.max() - rows.min() > 0.3 * SIZE[1]


def test_the_flash_fades() -> None:
    """Right after a shot the picture is nearly white, and soon it is as before."""
    seen = replace(view(), last_shot=shot(at=10.0))
    light = [float(draw(seen, now=10.0 + age)[:, :300].mean()) for age in (0.0, FLASH / 2, FLASH)]
    assert light[0] > 200
    assert light[0] > light[1] > light[2]
    assert light[2] == pytest.approx(float(draw(view())[:, :300].mean()))


def test_the_thumbnail_stays_a_while() -> None:
    """The picture just taken is shown in the corner, for three seconds."""
    seen = replace(view(), last_shot=shot(at=10.0))
    during, after = draw(seen, now=10.0 + FLASH), draw(seen, now=11.0 + THUMBNAIL)
    assert near(during, (0, 0, 255))[:240, 400:].sum() > 5000
    assert not near(after, (0, 0, 255)).any()


def test_notices_are_banners() -> None:
    """What is wrong stands in red over the picture, each notice in its own line."""
    heights = []
    for notices in ((), ("camera lost, retrying",), ("camera lost, retrying", "disk full")):
        rows = near(draw(replace(view(), notices=notices)), RED).any(axis=1)
        heights.append(int(rows.sum()))
    assert heights[0] == 0
    assert 15 < heights[1] < heights[2]


def test_every_state_has_words_and_a_look() -> None:
    """No two states look the same."""
    pictures = [draw(view(state=state, why="")).tobytes() for state in State]
    assert len(set(pictures)) == len(State)


def test_the_annotated_still_may_be_larger() -> None:
    """On a full-resolution still the boxes are where the face is there."""
    large = annotate(view(), black((1280, 960)))
    assert large.shape == (960, 1280, 3)
    marks = near(large, AMBER)
    assert marks[2 * BOX.y : 2 * BOX.y + 40, 2 * BOX.x : 2 * BOX.x + 40].any()
    assert not marks[BOX.y : BOX.y + 40, BOX.x : BOX.x + 40].any()


def test_bars_show_the_largest_face_that_takes_part() -> None:
    """A large face that takes no part does not hide who is meant."""
    seen = view()
    other = Face(Box(0, 0, 400, 400), 2, scores())
    idle = Meter(2, 0.0, False, False, "just arrived")
    seen = replace(
        seen,
        faces=(*seen.faces, other),
        decision=replace(seen.decision, meters=(*seen.decision.meters, idle)),
    )
    assert main_face(seen) is seen.faces[0]
    assert main_face(replace(seen, decision=replace(seen.decision, meters=()))) is other
    assert main_face(replace(seen, faces=())) is None


def test_a_face_is_told_what_is_waited_for() -> None:
    """Below a face that takes part its notice is drawn: "talking", "mouth covered"."""
    plain = view(meter=Meter(1, 0.5, True, True))
    told = view(meter=Meter(1, 0.5, True, True, notice="wait: still moving"))
    changed = np.abs(draw(plain).astype(int) - draw(told).astype(int)).sum(axis=2) > 0
    assert changed[BOX.bottom :].any()
    assert not changed[: BOX.bottom].any()


def test_long_words_are_shortened() -> None:
    """Words that are too wide end with an ellipsis and fit."""
    words = paint.fitting("no face large enough or long enough in the picture", 20, 150)
    assert words.endswith("…")
    assert paint.text_width(words, 20) <= 150
    assert paint.fitting("short", 20, 150) == "short"


def test_shapes_may_reach_over_the_border() -> None:
    """A face at the border of the picture, or outside, is drawn as far as it is inside."""
    image = black()
    for box in (Box(-50, -50, 120, 120), Box(600, 440, 120, 120), Box(2000, 2000, 50, 50)):
        draw_face(image, Layout(*SIZE), Face(box, 1, scores()), box, None, view())
    assert image[:60, :80].any()


def test_titles_cover_all_states() -> None:
    """Each state of the trigger has its headline."""
    assert set(overlay.TITLES) == set(State)
