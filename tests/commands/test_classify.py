"""`smartselfie classify`: every face of every picture, in words, as JSON lines, and drawn."""

import io
import json
import zipfile
from pathlib import Path

import cv2
import numpy as np
import pytest

from smartselfie import settings as s
from smartselfie.commands.annotate import annotate
from smartselfie.commands.classify import classify, expand
from smartselfie.daemon.parts import build_photo_detector
from smartselfie.errors import DetectorError, ModelError, SaveError
from smartselfie.pictures.photos import decode
from smartselfie.records import CLASSES, Box, Face, Image, Look, Scores
from smartselfie.sources.demo import DemoSource
from tests import tiny_network
from tests.fakes import scores
from tests.shared import shared_path


@pytest.fixture(scope="module")
def person() -> Image:
    """A drawn face."""
    source = DemoSource((640, 480), 10)
    for _ in range(15):
        frame = source.read()
    source.close()
    assert frame is not None
    return frame.image


@pytest.fixture
def settings(tmp_path: Path) -> s.Settings:
    """The defaults with a tiny network."""
    return s.load(None, [f"classifier.model={tiny_network.write(tmp_path)}"])


def write(path: Path, image: Image) -> str:
    """Write a picture and return its name."""
    path.parent.mkdir(parents=True, exist_ok=True)
    assert cv2.imwrite(str(path), image)
    return str(path)


def lines(names: list[str], settings: s.Settings, **options: bool) -> tuple[int, list[dict]]:
    """The exit code and what `--json` prints."""
    out = io.StringIO()
    code = classify(names, settings, as_json=True, out=out, **options)
    return code, [json.loads(line) for line in out.getvalue().splitlines()]


def test_json_has_a_line_with_box_and_scores_per_picture(
    person: Image, settings: s.Settings, tmp_path: Path
) -> None:
    """A face is `{"box": [x, y, w, h], "scores": {...}}`, the classes in order; nobody is an empty list."""
    somebody = write(tmp_path / "pictures/somebody.png", person)
    nobody = write(tmp_path / "pictures/nobody.png", np.zeros_like(person))
    code, (first, second) = lines([somebody, nobody], settings)
    assert (code, first["image"], second) == (0, somebody, {"image": nobody, "faces": []})
    (face,) = first["faces"]
    x, y, width, height = face["box"]
    assert 0 < x < x + width < 640
    assert 0 < y < y + height < 480
    assert tuple(face["scores"]) == CLASSES
    assert sum(face["scores"].values()) == pytest.approx(1, abs=1e-4)


def test_two_people_are_two_faces(person: Image, settings: s.Settings, tmp_path: Path) -> None:
    """The larger one comes first."""
    smaller = cv2.copyMakeBorder(cv2.resize(person, (480, 360)), 60, 60, 0, 0, cv2.BORDER_REPLICATE)
    name = write(tmp_path / "two.png", np.hstack([smaller, person]))
    _, (line,) = lines([name], settings)
    left, right = (face["box"] for face in line["faces"])
    assert left[2] > right[2]
    assert right[0] < 480 < left[0]


def test_whole_takes_the_picture_as_the_crop(settings: s.Settings, tmp_path: Path) -> None:
    """A crop with a white row 3 is happy, without any detection."""
    names = [write(tmp_path / f"crops/{row}.png", tiny_network.row_crop(row)) for row in range(7)]
    code, found = lines(names, settings, whole=True)
    assert code == 0
    assert [line["faces"][0]["box"] for line in found] == [[0, 0, 8, 8]] * 7
    tops = [max(line["faces"][0]["scores"], key=line["faces"][0]["scores"].get) for line in found]
    assert tops == list(CLASSES)


def test_an_unreadable_picture_does_not_stop_the_others(
    person: Image, settings: s.Settings, tmp_path: Path
) -> None:
    """Its line says why, the code is 1, and the pictures after it are done."""
    bad = tmp_path / "bad.jpg"
    bad.write_text("no picture")
    good = write(tmp_path / "good.png", person)
    code, found = lines([str(bad), str(tmp_path / "none.jpg"), good], settings)
    assert code == 1
    assert found[0] == {"image": str(bad), "error": f"{bad}: not a picture of a known format"}
    assert "No such file" in found[1]["error"]
    assert len(found[2]["faces"]) == 1


def test_folders_and_patterns_are_expanded_in_natural_order(tmp_path: Path) -> None:
    """Pictures only, 2 before 10; what is not there, or a folder without pictures, is left to be reported."""
    for name in ("10.jpg", "2.JPG", "b.png", "notes.txt"):
        (tmp_path / name).touch()
    (tmp_path / "empty").mkdir()
    assert [Path(name).name for name in expand([str(tmp_path)])] == ["2.JPG", "10.jpg", "b.png"]
    assert [Path(name).name for name in expand([str(tmp_path / "*.[jJ]*")])] == ["2.JPG", "10.jpg"]
    gone = [str(tmp_path / "empty"), str(tmp_path / "*.gif"), "none.jpg"]
    assert list(expand(gone)) == gone


def test_a_name_with_pattern_signs_is_a_file_when_there_is_one(tmp_path: Path) -> None:
    """`party [1].jpg` is not taken for a pattern."""
    (tmp_path / "party [1].jpg").touch()
    (tmp_path / "party 1.jpg").touch()
    name = str(tmp_path / "party [1].jpg")
    assert list(expand([name])) == [name]


def test_a_folder_without_pictures_is_an_error(settings: s.Settings, tmp_path: Path) -> None:
    """Not a silent success."""
    (tmp_path / "empty").mkdir()
    code, (line,) = lines([str(tmp_path / "empty")], settings)
    assert code == 1
    assert "a folder without pictures" in line["error"]


def test_the_table_names_pictures_faces_and_trouble(
    person: Image, settings: s.Settings, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """A row for each face in per cent, one for nobody, one for what could not be read: stderr explains it."""
    bad = tmp_path / "a[b].jpg"
    bad.write_text("no picture")
    names = [write(tmp_path / "who.png", person), write(tmp_path / "no.png", np.zeros_like(person)), str(bad)]
    assert classify(names, settings) == 1
    shown = capsys.readouterr()
    header, who, nobody, unread = shown.out.splitlines()
    assert header.split() == ["picture", "face", *CLASSES]
    assert who.split()[:2] == ["who.png", "1"]
    assert sum(map(int, who.split()[2:])) == pytest.approx(100, abs=3)
    assert "no face" in nobody
    assert unread.split() == ["a[b].jpg", "not", "read"]
    assert shown.err == f"smartselfie: {bad}: not a picture of a known format\n"


def test_annotated_copies_overwrite_nothing(person: Image, settings: s.Settings, tmp_path: Path) -> None:
    """In the pictures' own folder the originals stay, and a second run writes beside the first."""
    original = write(tmp_path / "who.png", person)
    before = Path(original).read_bytes()
    other = write(tmp_path / "elsewhere/who.png", np.zeros_like(person))
    for _ in range(2):
        assert (
            classify([original, other], settings, annotate_into=tmp_path, as_json=True, out=io.StringIO())
            == 0
        )
    assert Path(original).read_bytes() == before
    copies = sorted(path.name for path in tmp_path.glob("who-faces*.png"))
    assert copies == ["who-faces-2.png", "who-faces-3.png", "who-faces-4.png", "who-faces.png"]
    assert not np.array_equal(cv2.imread(str(tmp_path / "who-faces.png")), person)


def test_a_folder_that_cannot_be_made_is_refused(settings: s.Settings, tmp_path: Path) -> None:
    """The copies' folder is a file: one line, before any work."""
    (tmp_path / "file").touch()
    with pytest.raises(SaveError, match="name a folder that can be written"):
        classify([], settings, annotate_into=tmp_path / "file")


def test_a_wrong_model_or_cascade_is_an_error_of_its_own(tmp_path: Path) -> None:
    """They make all pictures impossible: raised, not reported for each."""
    with pytest.raises(ModelError, match=r"none.tflite"):
        classify(["a.jpg"], s.load(None, ["classifier.model=none.tflite"]))
    model = tiny_network.write(tmp_path)
    haar = ["detector.kind=haar", "detector.cascade=none.xml"]
    with pytest.raises(DetectorError, match=r"none.xml"):
        classify(["a.jpg"], s.load(None, [f"classifier.model={model}", *haar]))


def face(box: Box, top: str = "happy") -> Face:
    """A face whose largest class is `top`."""
    return Face(box, 1, Scores(tuple(0.7 if name == top else 0.05 for name in CLASSES)))


def test_drawing_leaves_the_picture_and_the_face_alone() -> None:
    """Frame and bars are drawn on a copy, the bars beside the face."""
    image = np.full((720, 1280, 3), 90, np.uint8)
    drawn = annotate(image, [face(Box(200, 200, 240, 240))])
    assert drawn.shape == image.shape
    assert (image == 90).all()
    assert (drawn[210:430, 210:430] == 90).all()
    assert (drawn[250:400, 460:700] != 90).any()


def test_bars_go_where_there_is_room() -> None:
    """A face at the right border has them at its left, and they hide no other face."""
    image = np.full((720, 1280, 3), 90, np.uint8)
    others = [face(Box(900, 200, 300, 300)), face(Box(560, 240, 200, 200))]
    drawn = annotate(image, others)
    assert (drawn[250:430, 570:750] == 90).all()
    assert (drawn[250:450, 910:1190] == 90).all()


def test_a_face_in_a_crowd_has_its_name_only() -> None:
    """Where no bars fit, the frame and the expression are still drawn."""
    image = np.full((240, 320, 3), 90, np.uint8)
    drawn = annotate(image, [face(Box(40, 40, 240, 190))])
    assert drawn.shape == (480, 640, 3)
    assert (drawn[60:80, 80:560] != 90).any()


def test_a_crop_is_enlarged_and_gets_its_bars_beside_it() -> None:
    """A 48x48 face crop comes back readable, all of it to be seen."""
    crop = np.full((48, 48, 3), 90, np.uint8)
    drawn = annotate(crop, [face(Box(0, 0, 48, 48))])
    assert min(drawn.shape[:2]) >= 600
    assert drawn.shape[1] > drawn.shape[0]
    side = drawn.shape[0]
    assert (drawn[:, :side] == 90).all()


@pytest.mark.parametrize("box", [Box(-20, -20, 90, 90), Box(0, 0, 1, 1), Box(60, 60, 80, 80)])
def test_boxes_over_the_border_are_drawn(box: Box) -> None:
    """Nothing is raised for what lies outside."""
    assert annotate(np.zeros((100, 100, 3), np.uint8), [face(box), Face(box, 2, scores(0.2))]).any()


def test_tiny_pictures_are_drawn() -> None:
    """1x1 with a face in it, however that came about."""
    assert annotate(np.zeros((1, 1, 3), np.uint8), [face(Box(0, 0, 1, 1))]).any()


def test_ordinary_portraits_have_a_face() -> None:
    """Photographs that fill the picture, of people whom nobody trained on."""
    with zipfile.ZipFile(shared_path("data/facial_expressions.zip")) as file:
        names = sorted(name for name in file.namelist() if name.endswith(".webp"))[::200]
        images = [decode(file.read(name)) for name in names]
    detector = build_photo_detector(s.load(None).detector)
    assert sum(bool(detector(image, Look())) for image in images) >= 0.95 * len(images)
