"""Every form in which people have faces, and what is broken in them."""

import csv
import subprocess
import sys
import zipfile
from pathlib import Path

import cv2
import numpy as np
import pytest

from smartselfie.errors import DataError
from smartselfie.records import CLASSES
from smartselfie.training import prepare, readers
from smartselfie.training.datasets import VOTES
from tests.shared import shared_path

PIXELS = " ".join(["7"] * 2304)


def write_csv(path: Path, header: list[str], *rows: list[object]) -> Path:
    """A table with this header."""
    with path.open("w", newline="") as file:
        csv.writer(file).writerows([header, *rows])
    return path


def picture(path: Path, size: tuple[int, int] = (48, 48)) -> None:
    """A gray picture."""
    path.parent.mkdir(parents=True, exist_ok=True)
    cv2.imwrite(str(path), np.full(size, 99, np.uint8))


def test_kaggles_table_is_read(tmp_path: Path) -> None:
    """fer2013.csv: emotion, pixels, Usage."""
    table = write_csv(
        tmp_path / "fer2013.csv",
        ["emotion", "pixels", "Usage"],
        [3, PIXELS, "Training"],
        [6, PIXELS, "PrivateTest"],
    )
    faces = readers.read(table).faces()
    assert faces.labels.tolist() == [3, 6]
    assert faces.splits.tolist() == [0, 2]
    assert (faces.images == 7).all()


def test_the_naming_with_spaces_is_read(tmp_path: Path) -> None:
    """icml_face_data.csv writes ` Usage` and ` pixels`."""
    table = tmp_path / "icml_face_data.csv"
    table.write_text(f"emotion, Usage, pixels\n3,PublicTest,{PIXELS}\n")
    assert readers.read(table).faces().splits.tolist() == [1]


def test_votes_join_by_row(tmp_path: Path) -> None:
    """fer2013new.csv has the same row order."""
    table = write_csv(tmp_path / "fer2013.csv", ["emotion", "pixels", "Usage"], [3, PIXELS, "Training"])
    votes = write_csv(
        tmp_path / "fer2013new.csv", ["Usage", "Image name", *VOTES], ["Training", "a.png", *range(10)]
    )
    assert readers.read(table, votes).faces().votes.tolist() == [list(range(10))]


def test_what_ferplus_calls_no_face_is_left_out(tmp_path: Path) -> None:
    """Its row has no picture's name."""
    table = write_csv(
        tmp_path / "fer2013.csv", ["emotion", "pixels", "Usage"], *[[3, PIXELS, "Training"]] * 2
    )
    votes = write_csv(
        tmp_path / "fer2013new.csv",
        ["Usage", "Image name", *VOTES],
        ["Training", "a.png", *[1] * 10],
        ["Training", "", *[0] * 9, 10],
    )
    reading = readers.read(table, votes)
    assert len(reading.faces()) == 1
    assert reading.broken == ["fer2013.csv:3: fer2013new.csv:3: FER+ says that it is no face"]


def test_votes_beside_pictures_are_refused(tmp_path: Path) -> None:
    """They go by rows of fer2013.csv."""
    legend = write_csv(tmp_path / "legend.csv", ["user.id", "image", "emotion"], [1, "a.jpg", "sad"])
    with pytest.raises(DataError, match="votes go with the rows"):
        readers.read(legend, tmp_path / "nowhere.csv")


def test_a_stray_quote_costs_its_own_row_alone(tmp_path: Path) -> None:
    """The rows after it are read."""
    table = tmp_path / "f.csv"
    row = f"3,{PIXELS},Training\n"
    table.write_text("emotion,pixels,Usage\n" + f'3,"{PIXELS[:99]},Training\n' + row * 100)
    reading = readers.read(table)
    assert len(reading.faces()) == 100
    assert [line.split(" ")[0] for line in reading.broken] == ["f.csv:2:"]


def test_a_quoted_table_is_read(tmp_path: Path) -> None:
    """Every field in quotes."""
    table = tmp_path / "f.csv"
    table.write_text(f'"emotion","pixels","Usage"\n"3","{PIXELS}","Training"\n')
    assert readers.read(table).faces().labels.tolist() == [3]


def test_votes_of_another_length_are_refused(tmp_path: Path) -> None:
    """Joined by row they would be other faces' votes."""
    table = write_csv(tmp_path / "fer2013.csv", ["emotion", "pixels", "Usage"], [3, PIXELS, "Training"])
    votes = write_csv(tmp_path / "fer2013new.csv", ["Usage", "Image name", *VOTES])
    with pytest.raises(DataError, match="0 rows"):
        readers.read(table, votes)


@pytest.mark.parametrize(
    ("row", "why"),
    [
        ([3, "1 2 3", "Training"], "3 pixels instead of 2304"),
        ([9, PIXELS, "Training"], "unknown emotion '9'"),
        ([3, PIXELS, "Holiday"], "unknown usage 'Holiday'"),
        ([3, PIXELS.replace("7", "700", 1), "Training"], "outside 0..255"),
        ([3, PIXELS.replace("7", "x", 1), "Training"], "invalid literal"),
        ([3], "unknown usage ''"),
    ],
)
def test_a_broken_row_is_listed_with_its_line(tmp_path: Path, row: list[object], why: str) -> None:
    """It is left out, not silently."""
    table = write_csv(tmp_path / "f.csv", ["emotion", "pixels", "Usage"], [3, PIXELS, "Training"], row)
    reading = readers.read(table)
    assert len(reading.faces()) == 1
    assert len(reading.broken) == 1
    assert reading.broken[0].startswith("f.csv:3: ")
    assert why in reading.broken[0]


def test_a_picture_tree_is_read(tmp_path: Path) -> None:
    """The files' names tell the split, else the folders do; class names have synonyms."""
    picture(tmp_path / "test" / "surprised" / "PublicTest_12.jpg")
    picture(tmp_path / "test" / "disgusted" / "PrivateTest_3.jpg")
    picture(tmp_path / "train" / "scared" / "im0.png", (64, 80))
    faces = readers.read(tmp_path).faces()
    found = {(CLASSES[label], int(split)) for label, split in zip(faces.labels, faces.splits, strict=True)}
    assert found == {("surprise", 1), ("disgust", 2), ("fear", 0)}


def test_a_picture_of_no_class_is_listed(tmp_path: Path) -> None:
    """Its folder is not the name of a class."""
    picture(tmp_path / "train" / "happy" / "a.png")
    picture(tmp_path / "train" / "hungry" / "b.png")
    (tmp_path / "train" / "happy" / "c.png").write_bytes(b"no picture")
    assert [line.split(": ")[1] for line in readers.read(tmp_path).broken] == [
        "not a picture",
        "unknown emotion 'hungry' (--classes names others, or maps it",
    ]


def test_a_file_that_is_no_picture_is_listed(tmp_path: Path) -> None:
    """Nothing in a tree is dropped silently."""
    picture(tmp_path / "train" / "happy" / "a.tiff")
    (tmp_path / "train" / "happy" / "b.gif").write_bytes(b"GIF89a")
    reading = readers.read(tmp_path)
    assert len(reading.faces()) == 1
    assert reading.broken == ["train/happy/b.gif: not a picture by its name"]


def test_ferg_is_split_by_subject(tmp_path: Path) -> None:
    """No subject is on two sides."""
    for subject in ("aia", "bonnie", "jules", "malcolm"):
        picture(tmp_path / subject / f"{subject}_joy" / f"{subject}_joy_1.png", (256, 256))
    faces = readers.read(tmp_path).faces()
    assert faces.splits.tolist() == [0, 0, 1, 2]
    assert set(faces.labels.tolist()) == {CLASSES.index("happy")}


def test_a_legend_is_read(tmp_path: Path) -> None:
    """user.id, image, emotion; a missing picture is listed."""
    picture(tmp_path / "images" / "Ann_0001.jpg", (160, 160))
    write_csv(
        tmp_path / "legend.csv",
        ["user.id", "image", "emotion"],
        [1, "Ann_0001.jpg", "HAPPINESS"],
        [1, "gone.jpg", "anger"],
    )
    reading = readers.read(tmp_path)
    assert reading.faces().labels.tolist() == [CLASSES.index("happy")]
    assert reading.broken == ["legend.csv:3: missing picture"]


@pytest.mark.parametrize("source", [".", "data", "data/legend.csv"])
def test_a_legend_in_data_beside_images_is_read(tmp_path: Path, source: str) -> None:
    """As muxspace/facial_expressions comes."""
    picture(tmp_path / "images" / "Ann_0001.jpg", (160, 160))
    (tmp_path / "data").mkdir()
    write_csv(
        tmp_path / "data" / "legend.csv", ["user.id", "image", "emotion"], [1, "Ann_0001.jpg", "happiness"]
    )
    assert len(readers.read(tmp_path / source).faces()) == 1
    assert readers.are_photographs(tmp_path / source)


def test_one_persons_photographs_are_on_one_side(tmp_path: Path) -> None:
    """The split goes by the name without its number."""
    rows = [[1, f"Ann_Lee_{n:04d}.jpg", "sad"] for n in range(6)]
    for row in rows:
        picture(tmp_path / str(row[1]))
    write_csv(tmp_path / "legend.csv", ["user.id", "image", "emotion"], *rows)
    assert len(set(readers.read(tmp_path).faces().splits.tolist())) == 1


def test_a_bundle_without_usage_is_photographs(tmp_path: Path) -> None:
    """So `evaluate` sends them through the cascade."""
    with zipfile.ZipFile(tmp_path / "b.zip", "w") as bundle:
        bundle.writestr("labels.csv", "image,emotion\n")
    assert readers.are_photographs(tmp_path / "b.zip")


def test_a_corrupt_picture_in_a_bundle_is_listed(tmp_path: Path) -> None:
    """The rest of the bundle is read."""
    picture(tmp_path / "a.png")
    data = (tmp_path / "a.png").read_bytes()
    with zipfile.ZipFile(tmp_path / "b.zip", "w") as bundle:
        bundle.writestr("labels.csv", "image,emotion\na.png,happy\nb.png,sad\n")
        bundle.writestr("images/a.png", data)
        bundle.writestr("images/b.png", b"x" * 200)
    whole = (tmp_path / "b.zip").read_bytes()
    (tmp_path / "b.zip").write_bytes(whole.replace(b"x" * 200, b"y" * 200))
    reading = readers.read(tmp_path / "b.zip")
    assert len(reading.faces()) == 1
    assert len(reading.broken) == 1
    assert reading.broken[0].startswith("labels.csv:3: Bad CRC-32")


@pytest.mark.parametrize("votes", ["99999", "-1", "some"])
def test_votes_that_make_no_sense_are_listed(tmp_path: Path, votes: str) -> None:
    """With the line of the row."""
    picture(tmp_path / "images" / "a.png")
    names = [f"votes_{name}" for name in VOTES]
    write_csv(
        tmp_path / "labels.csv",
        ["image", "usage", "emotion", *names],
        ["a.png", "Training", "sad", *[votes] * 10],
    )
    assert [line.split(" ")[0] for line in readers.read(tmp_path).broken] == ["labels.csv:2:"]


def test_nothing_readable_is_an_error(tmp_path: Path) -> None:
    """And it says what was the first to fail."""
    table = write_csv(tmp_path / "f.csv", ["emotion", "pixels", "Usage"], [3, "1", "Training"])
    with pytest.raises(DataError, match=r"f\.csv:2"):
        readers.read(table).faces()


def test_written_pictures_read_back(tmp_path: Path) -> None:
    """The tree that `prepare` writes is one it reads."""
    table = write_csv(
        tmp_path / "fer2013.csv",
        ["emotion", "pixels", "Usage"],
        [3, PIXELS, "Training"],
        [4, PIXELS, "PublicTest"],
    )
    prepare.write_pictures(readers.read(table).faces(), tmp_path / "tree", lambda things, count: things)
    again = readers.read(tmp_path / "tree").faces()
    assert sorted(zip(again.labels.tolist(), again.splits.tolist(), strict=True)) == [(3, 0), (4, 1)]
    assert (again.images == 7).all()


def test_the_real_tables_are_read(tmp_path: Path) -> None:
    """Kaggle's and FER+'s, as the tool beside the data unpacks them."""
    tool = shared_path("tools/fer_csv.py")
    shared_path("data/fer2013.zip")
    subprocess.run([sys.executable, tool, tmp_path, "--rows", "20"], check=True, capture_output=True)
    reading = readers.read(tmp_path / "fer2013.csv", tmp_path / "fer2013new.csv")
    assert len(reading.faces()) == 60
    assert reading.faces().votes.sum() > 0
    assert not reading.broken
