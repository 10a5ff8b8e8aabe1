"""Labelled pictures in the forms in which people have them."""

import json
import zipfile
from pathlib import Path

import cv2
import numpy as np
import pytest

from smartselfie.errors import DataError
from smartselfie.training.detection import readers

MARKS = [[10, 10], [20, 10], [15, 15], [11, 20], [19, 20]]
JPEG = cv2.imencode(".jpg", np.full((50, 100, 3), 90, np.uint8))[1].tobytes()


def bundle(path: Path, *rows: str) -> Path:
    """A .zip of `labels.csv` and one picture."""
    with zipfile.ZipFile(path, "w") as made:
        made.writestr("labels.csv", "image,split,source,width,height,faces,ignore\n" + "\n".join(rows))
        made.writestr("images/a.jpg", JPEG)
    return path


def row(faces: object, source: str = "humans", image: str = "images/a.jpg", ignore: str = "[]") -> str:
    """A line of labels.csv."""
    told = json.dumps(faces).replace('"', "'")
    return f'{image},val,{source},100,50,"{told}","{ignore}"'


def test_a_bundle_tells_boxes_landmarks_and_what_to_ignore(tmp_path: Path) -> None:
    """And its split and source."""
    source = bundle(tmp_path / "f.zip", row([[5, 4, 20, 25, 0.9, MARKS]], ignore="[[50, 10, 8, 9]]"))
    (made,) = readers.read(source).pictures
    assert (made.split, made.source, made.encoded) == ("val", "humans", JPEG)
    assert made.faces[0, :4].tolist() == [5, 4, 20, 25]
    assert made.faces[0, 4:14].tolist() == np.ravel(MARKS).tolist()
    assert made.ignore.tolist() == [[50, 10, 8, 9]]


def test_mouths_are_known_to_be_open_in_the_sources_without_masks(tmp_path: Path) -> None:
    """And unknown in all others."""
    faces = [[5, 4, 20, 25, 0.9, MARKS]]
    told = readers.read(bundle(tmp_path / "f.zip", row(faces), row(faces, "kmask"))).pictures
    assert told[0].faces[0, 14] == 0
    assert np.isnan(told[1].faces[0, 14])


def test_odd_items_cost_themselves_alone(tmp_path: Path) -> None:
    """A missing picture, labels that are none, a box without width, four landmarks; each is listed."""
    good = [[5, 4, 20, 25]]
    source = bundle(
        tmp_path / "f.zip",
        row(good),
        row(good, image="images/gone.jpg"),
        'images/a.jpg,val,x,100,50,"[[1, 2",[]',
        row([*good, [5, 4, 0, 25]]),
        row([[5, 4, 20, 25, 0.9, MARKS[:4]]]),
        row([[500, 4, 20, 25]]),
    )
    reading = readers.read(source)
    assert [len(each.faces) for each in reading.pictures] == [1, 1, 0]
    assert len(reading.broken) == 5
    assert reading.broken[0] == "images/gone.jpg: missing picture"
    assert "4 landmarks instead of 5" in reading.broken[3]


def yolo(folder: Path, **lines: str) -> Path:
    """A YOLO folder: a picture and a label file each."""
    for name, text in lines.items():
        for part in ("images/val", "labels/val"):
            (folder / part).mkdir(parents=True, exist_ok=True)
        (folder / "images/val" / f"{name}.jpg").write_bytes(JPEG)
        (folder / "labels/val" / f"{name}.txt").write_text(text)
    return folder


def test_yolo_boxes_are_shares_of_the_picture(tmp_path: Path) -> None:
    """From the middle; an empty file says that there is no face; the folder tells the split."""
    one, empty = readers.read(yolo(tmp_path, a="0 0.5 0.5 0.2 0.4\n", b="")).pictures
    assert one.faces[0, :4] == pytest.approx([40, 15, 20, 20])
    assert np.isnan(one.faces[0, 4:]).all()
    assert len(empty.faces) == 0
    assert one.split == "val"


def test_yolo_landmarks_are_read_with_and_without_visibility(tmp_path: Path) -> None:
    """Unknown where one is not visible or negative."""
    plain = " ".join(f"{x / 100} {y / 50}" for x, y in MARKS)
    seen = " ".join(f"{x / 100} {y / 50} 2" for x, y in MARKS)
    hidden = seen.replace(" 2", " 0", 1)
    lines = [f"0 .5 .5 .2 .4 {marks}" for marks in (plain, seen, hidden)]
    made = readers.read(yolo(tmp_path, a=lines[0], b=lines[1], c=lines[2]))
    for known in made.pictures[:2]:
        assert known.faces[0, 4:14] == pytest.approx(np.ravel(MARKS))
    assert np.isnan(made.pictures[2].faces[0, 4:14]).all()


def test_a_broken_line_of_yolo_costs_its_face_alone(tmp_path: Path) -> None:
    """And a picture without a label file is listed."""
    folder = yolo(tmp_path, a="0 0.5 0.5 0.2 0.4\n0 0.5 0.5\n0 x y z w\n")
    (folder / "images/val/lone.jpg").write_bytes(JPEG)
    reading = readers.read(folder)
    assert [len(each.faces) for each in reading.pictures] == [1]
    assert len(reading.broken) == 3
    assert "no .txt of its name" in reading.broken[2]


def test_coco_tells_boxes_keypoints_and_crowds(tmp_path: Path) -> None:
    """Keypoints count when there are five; a crowd is ignored; an odd annotation is listed."""
    points = [value for x, y in MARKS for value in (x, y, 2)]
    told = {
        "images": [{"id": 7, "file_name": "a.jpg"}, {"id": 8}],
        "annotations": [
            {"image_id": 7, "bbox": [5, 4, 20, 25], "keypoints": points},
            {"image_id": 7, "bbox": [30, 4, 20, 25], "keypoints": points[:9]},
            {"image_id": 7, "bbox": [60, 4, 20, 25], "iscrowd": 1},
            {"image_id": 7, "bbox": [60, 4]},
        ],
    }
    (tmp_path / "images").mkdir()
    (tmp_path / "images" / "a.jpg").write_bytes(JPEG)
    (tmp_path / "faces_val.json").write_text(json.dumps(told))
    reading = readers.read(tmp_path / "faces_val.json")
    (made,) = reading.pictures
    assert made.split == "val"
    assert made.faces[0, 4:14].tolist() == np.ravel(MARKS).tolist()
    assert np.isnan(made.faces[1, 4:14]).all()
    assert made.ignore.tolist() == [[60, 4, 20, 25]]
    assert len(reading.broken) == 2


def test_large_pictures_are_kept_smaller_with_their_labels(tmp_path: Path) -> None:
    """Faces keep their place in them."""
    large = cv2.imencode(".jpg", np.zeros((640, 1280, 3), np.uint8))[1].tobytes()
    (tmp_path / "a.jpg").write_bytes(large)
    (tmp_path / "a.txt").write_text("0 0.5 0.5 0.2 0.4")
    (made,) = readers.read(tmp_path).pictures
    assert made.pixels().shape == (320, 640, 3)
    assert made.faces[0, :4] == pytest.approx([256, 96, 128, 128])


@pytest.mark.parametrize("name", ["none", "text.zip", "text.json", "text.txt", "folder"])
def test_what_is_in_no_form_is_refused(tmp_path: Path, name: str) -> None:
    """In one line that names it."""
    (tmp_path / "folder").mkdir()
    for text in ("text.zip", "text.json", "text.txt"):
        (tmp_path / text).write_text("not this")
    with pytest.raises(DataError, match=name):
        readers.read(tmp_path / name)


def test_portraits_are_told_from_labelled_faces(tmp_path: Path) -> None:
    """By the columns of labels.csv; and one that is damaged is listed."""
    path = tmp_path / "p.zip"
    with zipfile.ZipFile(path, "w") as made:
        made.writestr("labels.csv", "image,emotion\na.jpg,happy\n")
        made.writestr("images/a.jpg", JPEG)
        made.writestr("images/b.jpg", b"no")
    broken: list[str] = []
    assert not readers.are_labels(path)
    assert readers.are_labels(bundle(tmp_path / "f.zip"))
    assert [each.shape for each in readers.portraits(path, readers.portrait_names(path), broken)] == [
        (50, 100, 3)
    ]
    assert len(broken) == 1
