"""How much pictures may take, and which of them go."""

import os
from datetime import UTC, datetime, timedelta
from pathlib import Path

import PIL.Image
import pytest
from hypothesis import given
from hypothesis import strategies as st

from smartselfie.pictures.files import encode, set_rating
from smartselfie.saving import storage as storage_module
from smartselfie.saving.storage import (
    EARLIEST,
    Limits,
    Plan,
    Storage,
    Stored,
    _know,
    clock_is_set,
    in_words,
    plan,
)
from tests.saver_helpers import START, make_shot

DAY = 86400.0


def pictures(*sizes: int, ratings: dict[int, int] | None = None) -> list[Stored]:
    """Pictures a, b, c ... of those sizes, oldest first, a day apart."""
    return [
        Stored("abcdefgh"[n], size, (len(sizes) - n) * DAY, (ratings or {}).get(n, 1))
        for n, size in enumerate(sizes)
    ]


def test_below_every_limit_nothing_happens() -> None:
    """With room for the new picture nothing is removed and nothing is full."""
    limits = Limits(max_size=100, min_free=50, max_age=10 * DAY, when_full="remove_oldest")
    assert plan(pictures(30, 30), limits, incoming=40, free=90) == Plan()


def test_stop_removes_nothing() -> None:
    """With `stop`, a limit that is reached makes it full, in words, and every picture stays."""
    decided = plan(pictures(30, 30), Limits(max_size=100), incoming=41, free=10**9)
    assert decided == Plan(full="pictures take 60 bytes of the 100 bytes they may")


def test_a_disk_without_room_is_no_limit() -> None:
    """Without `min_free` a full disk forbids nothing: pictures wait for it, or the oldest go."""
    assert plan(pictures(30), Limits(), incoming=20, free=10) == Plan()
    assert plan(pictures(30), Limits(when_full="remove_oldest"), incoming=20, free=10) == Plan(("a",))
    assert plan(pictures(5), Limits(when_full="remove_oldest"), incoming=20, free=10) == Plan()
    assert plan([], Limits(min_free=50), incoming=20, free=60).full == "60 bytes free, 50 bytes must stay"


def test_just_enough_of_the_oldest_go() -> None:
    """With `remove_oldest`, the oldest go until the new one fits, and not one more."""
    limits = Limits(max_size=100, when_full="remove_oldest")
    assert plan(pictures(30, 30, 30), limits, incoming=40, free=10**9) == Plan(("a",))
    assert plan(pictures(30, 30, 30), limits, incoming=41, free=10**9) == Plan(("a", "b"))


def test_free_space_counts_what_is_removed() -> None:
    """The space of removed pictures is free for the new one and for `min_free`."""
    limits = Limits(min_free=50, when_full="remove_oldest")
    assert plan(pictures(30, 30, 30), limits, incoming=20, free=11) == Plan(("a", "b"))
    assert plan(pictures(30, 30, 30), limits, incoming=20, free=10) == Plan(("a", "b"))
    assert plan(pictures(30, 30, 30), limits, incoming=20, free=9) == Plan(("a", "b", "c"))


def test_pictures_rated_five_stay() -> None:
    """A person's five stars outlast every limit; younger ones go instead."""
    limits = Limits(max_size=100, max_age=2.5 * DAY, when_full="remove_oldest")
    decided = plan(pictures(40, 40, 40, ratings={0: 5}), limits, incoming=30, free=10**9)
    assert decided == Plan(("b", "c"))
    assert plan(pictures(40, 40, 40, ratings={0: 5}), limits, incoming=10, free=10**9) == Plan(("b",))


def test_nothing_is_removed_in_vain() -> None:
    """When only pictures rated 5 are left to go, taking stops and no other picture is sacrificed."""
    limits = Limits(max_size=100, when_full="remove_oldest")
    decided = plan(pictures(90, 5, ratings={0: 5}), limits, incoming=20, free=10**9)
    assert decided.remove == ()
    assert "removing pictures that may go would not be enough" in decided.full


def test_age_removes_even_with_stop() -> None:
    """Pictures older than `max_age` go whatever `when_full` says; those of unknown age do not."""
    found = [Stored("unknown", 1, None), *pictures(1, 1, 1)]
    assert plan(found, Limits(max_age=1.5 * DAY), incoming=1, free=10**9) == Plan(("a", "b"))


@given(
    st.lists(st.tuples(st.integers(0, 50), st.floats(0, 9) | st.none(), st.integers(0, 5)), max_size=8),
    st.builds(
        Limits,
        max_size=st.integers(0, 200) | st.none(),
        min_free=st.integers(0, 200) | st.none(),
        max_age=st.floats(0, 9) | st.none(),
        when_full=st.sampled_from(["stop", "remove_oldest"]),
    ),
    st.integers(0, 60),
    st.integers(0, 300),
)
def test_a_plan_keeps_every_limit_or_says_why_not(
    found: list[tuple[int, float | None, int]], limits: Limits, incoming: int, free: int
) -> None:
    """Whatever is there: five stars stay, and either the picture fits within the limits or it is full."""
    stored = [Stored(str(n), *each) for n, each in enumerate(found)]
    decided = plan(stored, limits, incoming=incoming, free=free)
    gone = [each for each in stored if each.name in decided.remove]
    assert all(each.rating < 5 for each in gone)
    left = sum(each.size for each in stored) - sum(each.size for each in gone)
    fits = (limits.max_size is None or left + incoming <= limits.max_size) and (
        not limits.min_free or free + sum(each.size for each in gone) - incoming >= limits.min_free
    )
    assert fits == (not decided.full)
    if limits.when_full == "stop":
        assert all(limits.max_age is not None and (each.age or 0) > limits.max_age for each in gone)


@pytest.mark.parametrize(
    ("values", "rule"),
    [
        ({"max_size": -1}, "need max_size >= 0, got -1"),
        ({"min_free": -5}, "need min_free >= 0, got -5"),
        ({"when_full": "delete"}, "need stop or remove_oldest, got 'delete'"),
    ],
)
def test_bad_limits_are_refused(values: dict[str, object], rule: str) -> None:
    """A negative limit and an unknown word are a ValueError with the rule."""
    with pytest.raises(ValueError, match=rule):
        Limits(**values)


def test_sizes_in_words() -> None:
    """Bytes are said in the unit people use."""
    assert [in_words(n) for n in (0, 999, 1500, 500_000_000, 999_700, 2 * 10**12)] == [
        "0 bytes",
        "999 bytes",
        "1.5 kB",
        "500 MB",
        "1 MB",
        "2 TB",
    ]


def test_a_clock_before_the_pictures_is_not_set() -> None:
    """A clock from before this program, or a day before the newest picture, is not believed."""
    assert not clock_is_set(datetime(1970, 1, 1, tzinfo=UTC), None)
    assert clock_is_set(EARLIEST, None)
    assert not clock_is_set(START - timedelta(days=2), START)
    assert clock_is_set(START - timedelta(hours=2), START)


class Disk:
    """A folder of real pictures under a clock and a disk size that the test sets."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.wall = START + timedelta(days=30)
        self.passed = 0.0
        self.free = 10**9

    def storage(self, limits: Limits) -> Storage:
        """The storage under test."""
        return Storage(
            self.folder,
            limits,
            now=lambda: self.wall,
            monotonic=lambda: self.passed,
            free=lambda folder: self.free,
        )

    def add(
        self, name: str, day: float = 0, *, rating: int | None = None, taken: datetime | None = None
    ) -> int:
        """Store a picture taken `day` days after START; returns its size."""
        path = self.folder / name
        format = path.suffix[1:]
        path.write_bytes(encode(make_shot(taken=taken or START + timedelta(days=day)), format=format))
        if rating is not None:
            set_rating(path, rating)
        return path.stat().st_size

    @property
    def names(self) -> set[str]:
        """What is in the folder."""
        return {each.name for each in self.folder.iterdir()}


@pytest.fixture
def disk(tmp_path: Path) -> Disk:
    """An empty folder."""
    return Disk(tmp_path)


def test_only_own_pictures_are_removed(disk: Disk) -> None:
    """Pictures of other programs, other files, hidden files, links and folders are never touched."""
    foreign = disk.folder / "holiday.jpg"
    exif = PIL.Image.Exif()
    exif.get_ifd(0x8769)[0x9003] = "2026:11:20 18:30:12"
    PIL.Image.new("RGB", (8, 8)).save(foreign, exif=exif)
    (disk.folder / "notes.txt").write_text("mine")
    (disk.folder / "broken.jpg").write_bytes(b"")
    (disk.folder / "album.jpg").mkdir()
    disk.add("ours.png")
    disk.add(".hidden.jpg")
    (disk.folder / "link.jpg").symlink_to(disk.folder / ".hidden.jpg")
    before = disk.names
    assert "may go would not be enough" in disk.storage(
        Limits(min_free=10**10, when_full="remove_oldest")
    ).make_room(1)
    assert disk.names == before
    assert disk.storage(Limits(max_age=DAY)).make_room(1) == ""
    assert before - disk.names == {"ours.png"}


def test_the_oldest_by_their_own_time_go(disk: Disk) -> None:
    """Order is by the time in the picture, not by name or by the file's time."""
    size = disk.add("a.jpg", day=3)
    disk.add("b.jpg", day=1)
    disk.add("c.jpg", day=2)
    os.utime(disk.folder / "b.jpg")
    storage = disk.storage(Limits(max_size=3 * size + 10, when_full="remove_oldest"))
    assert storage.make_room(size) == ""
    assert disk.names == {"a.jpg", "c.jpg"}


def test_an_annotated_copy_goes_with_its_picture(disk: Disk) -> None:
    """The copy counts with its picture and is removed with it; five stars on the copy keep both."""
    size = disk.add("a.jpg", 1) + disk.add("a-overlay.jpg", 1)
    disk.add("b.png", 2)
    disk.add("b-overlay.jpg", 2, rating=5)
    disk.add("c.jpg", 3)
    storage = disk.storage(Limits(max_age=DAY))
    assert storage.make_room(1) == ""
    assert disk.names == {"b.png", "b-overlay.jpg"}
    assert size > 0


def test_five_stars_given_a_moment_ago_count(disk: Disk) -> None:
    """A rating that a person gives while the program runs keeps the picture."""
    disk.add("a.jpg", 1)
    disk.add("b.jpg", 2)
    storage = disk.storage(Limits(max_size=10**9))
    assert storage.make_room(1) == ""
    set_rating(disk.folder / "a.jpg", 5)
    storage.limits = Limits(max_age=DAY)
    storage.make_room(1)
    assert disk.names == {"a.jpg"}


def test_age_waits_for_the_clock(disk: Disk, caplog: pytest.LogCaptureFixture) -> None:
    """While the clock is in the past no picture is too old, and that is said once."""
    disk.add("old.jpg", -100)
    disk.add("new.jpg", 0)
    storage = disk.storage(Limits(max_age=DAY))
    disk.wall = START - timedelta(days=50)
    storage.make_room(1)
    storage.make_room(1)
    assert disk.names == {"old.jpg", "new.jpg"}
    assert [each.message for each in caplog.records] == [
        "max_age waits: the clock says 2026-10-01, which is before 2026-11-20"
    ]


def test_a_picture_from_before_the_clock_was_set_has_no_age(disk: Disk) -> None:
    """A picture dated 1970 is not decades old: its age is unknown, and it stays."""
    disk.add("a.jpg", taken=datetime(1970, 1, 1, 0, 5, tzinfo=UTC))
    storage = disk.storage(Limits(max_age=DAY))
    assert storage.make_room(1) == ""
    assert disk.names == {"a.jpg"}


def test_a_leap_of_the_clock_does_not_age_this_runs_pictures(disk: Disk) -> None:
    """A picture of this run is as old as the time that really passed, whatever the wall clock did."""
    storage = disk.storage(Limits(max_age=DAY))
    disk.add("a.jpg", 0)
    storage.saved("a.jpg")
    disk.passed = 60
    storage.make_room(1)
    assert disk.names == {"a.jpg"}
    disk.passed = 2 * DAY
    storage.make_room(1)
    assert disk.names == set()


def test_this_runs_pictures_are_newer_than_those_found(disk: Disk) -> None:
    """With a clock that was set back, the picture just taken is not mistaken for the oldest."""
    size = disk.add("found.jpg", 5)
    storage = disk.storage(Limits(max_size=2 * size, when_full="remove_oldest"))
    disk.add("taken.jpg", -50)
    storage.saved("taken.jpg")
    assert storage.make_room(size // 2) == ""
    assert disk.names == {"taken.jpg"}


def test_each_file_is_read_once(disk: Disk, monkeypatch: pytest.MonkeyPatch) -> None:
    """Unchanged pictures are not opened again for every new one."""
    import smartselfie.saving.storage as module

    read: list[str] = []
    real = module.read_metadata

    def counting(path: Path) -> object:
        read.append(path.name)
        return real(path)

    monkeypatch.setattr(module, "read_metadata", counting)
    for n in range(5):
        disk.add(f"{n}.jpg", n)
    storage = disk.storage(Limits(max_size=10**9))
    for _ in range(3):
        storage.make_room(1)
    assert sorted(read) == [f"{n}.jpg" for n in range(5)]


def test_without_a_limit_near_the_folder_is_not_searched(disk: Disk) -> None:
    """With only `min_free`, and enough of it, not even the folder's entries are read."""
    storage = Storage(disk.folder / "nowhere", Limits(min_free=10), free=lambda folder: 1000)
    assert storage.make_room(100) == ""


def test_the_newest_are_kept(disk: Disk) -> None:
    """`keep_newest` leaves that many, and those rated 5."""
    for n in range(6):
        disk.add(f"{n}.jpg", n, rating=5 if n == 1 else None)
    disk.storage(Limits()).keep_newest(2)
    assert disk.names == {"1.jpg", "4.jpg", "5.jpg"}
    disk.storage(Limits()).keep_newest(10)
    assert disk.names == {"1.jpg", "4.jpg", "5.jpg"}


def test_a_large_folder_is_learnt_in_between(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What has only been listed counts with its size and stays; `learn` reads it in slices."""
    monkeypatch.setattr(storage_module, "READING", 0.0)
    for number in range(5):
        (tmp_path / f"{number}.jpg").write_bytes(encode(make_shot(taken=START + timedelta(seconds=number))))
    size = sum(path.stat().st_size for path in tmp_path.iterdir())
    storage = Storage(tmp_path, Limits(max_size=size, when_full="remove_oldest"))
    assert "would not be enough" in storage.make_room(10)
    assert len(list(tmp_path.iterdir())) == 5
    read: list[str] = []
    monkeypatch.setattr(storage_module, "_know", lambda path, key: read.append(path) or _know(path, key))
    ticks = iter(range(100))
    monkeypatch.setattr(storage, "_monotonic", lambda: float(next(ticks)))
    assert not storage.learn(2.0)
    assert len(read) == 2 - 1
    while not storage.learn(2.0):
        pass
    assert storage.make_room(10) == ""
    assert len(list(tmp_path.iterdir())) == 4
