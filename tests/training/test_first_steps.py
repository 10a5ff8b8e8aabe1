"""The first things that people do who come with pictures, labels or networks of their own."""

import json
import zipfile
from pathlib import Path

import cv2
import numpy as np
import pytest

from smartselfie.errors import DataError, ModelError, UsageError
from smartselfie.records import CLASSES
from smartselfie.training import datasets, label_sets, prepare, readers, settings
from smartselfie.training.datasets import VOTES, Faces
from tests.training.faces import draw, make
from tests.training.test_commands import run

pytestmark = pytest.mark.filterwarnings("default")  # Keras and its backends warn about each other
PIXELS = " ".join(["7"] * 2304)
FLAT = "tests.training.faces:flat"
"""A network that costs next to nothing."""
TINY = {"widths": (8, 16), "blocks": (1, 1)}


def tree(folder: Path, *classes: str, each: int = 10) -> Path:
    """Drawn faces as `folder/<class>/*.png`, `each` of a class."""
    rng = np.random.default_rng(0)
    for number, name in enumerate(classes):
        (folder / name).mkdir(parents=True)
        for face in range(each):
            cv2.imwrite(str(folder / name / f"face{face:03d}.png"), draw(number, rng))
    return folder


def tensorboard_scalars(path: Path) -> dict[str, float]:
    """What TensorFlow's own reader finds in a file for TensorBoard."""
    import tensorflow as tf

    events = [tf.compat.v1.Event.FromString(each.numpy()) for each in tf.data.TFRecordDataset(str(path))]
    assert events[0].file_version == "brain.Event:2"
    return {value.tag: value.simple_value for event in events for value in event.summary.value}


def network(path: Path, heads: tuple[str, ...] = ("ferplus", "fer2013"), **options: object) -> Path:
    """An untrained `smile` in a file."""
    from smartselfie.training import networks

    networks.build("smile", heads, 24, **{**TINY, **options}).save(path)
    return path


def test_pictures_in_folders_alone_are_split(tmp_path: Path) -> None:
    """mine/<class>/*.jpg: of each class the last tenth is PrivateTest, the one before PublicTest."""
    faces = readers.read(tree(tmp_path / "mine", "happy", "neutral")).faces()
    for label in ("happy", "neutral"):
        splits = faces.splits[faces.labels == CLASSES.index(label)].tolist()
        assert splits == [0] * 8 + [1, 2]


def test_a_tree_of_train_and_test_gets_faces_to_choose_by(tmp_path: Path) -> None:
    """A tenth of Training is set aside, and that is said."""
    tree(tmp_path / "data" / "train", "happy", "sad")
    tree(tmp_path / "data" / "test", "happy", "sad", each=2)
    run("prepare", tmp_path / "data", "--out", tmp_path / "faces.npz")
    assert np.bincount(datasets.load(tmp_path / "faces.npz").splits).tolist() == [18, 2, 4]


def test_only_the_missing_split_is_set_aside() -> None:
    """Faces that have a PublicTest stay as they are."""
    assert prepare.hold_out(make(70), 0.1).splits.tolist() == make(70).splits.tolist()


def test_own_pictures_train_on(tmp_path: Path) -> None:
    """Prepared without votes, they go on from a network with both outputs; no option names labels."""
    run("prepare", tree(tmp_path / "mine", *CLASSES), "--out", tmp_path / "mine.npz")
    start = network(tmp_path / "shipped.keras")
    options = ("--epochs", 1, "--batch", 8, "--sizes", "0:24", "--rate", 0)
    run("train", "--data", tmp_path / "mine.npz", "--from", start, *options, "--run", tmp_path / "run")
    stored = settings.read(tmp_path / "run" / "settings.json")
    assert stored.heads == ("fer2013",)
    assert (tuple(stored.options["widths"]), tuple(stored.options["blocks"])) == ((8, 16), (1, 1))


def test_one_output_starts_from_a_network_with_two(tmp_path: Path) -> None:
    """The output of the same name gives its weights; without one any other with as many classes does."""
    from smartselfie.training import networks, start

    source = network(tmp_path / "both.keras")
    both = networks.build("smile", ("ferplus", "fer2013"), 24, **TINY)
    start.start_from(both, source, 1)
    for head, taken in (("fer2013", "fer2013"), ("blend", "ferplus")):
        one = networks.build("smile", (head,), 24, **TINY)
        start.start_from(one, source, 1)
        mine, theirs = one.get_layer(head).get_weights()[0], both.get_layer(taken).get_weights()[0]
        assert mine == pytest.approx(theirs)


def test_other_classes_start_from_the_trunk(tmp_path: Path) -> None:
    """Three classes have an output of their own, and everything below it from the file."""
    from smartselfie.training import networks, start

    source = network(tmp_path / "seven.keras", ("fer2013",))
    three = networks.build("smile", ("fer2013",), 24, classes=3, **TINY)
    before = three.get_layer("fer2013").get_weights()[0].copy()
    start.start_from(three, source, 1)
    seven = networks.build("smile", ("fer2013",), 24, **TINY)
    start.start_from(seven, source, 1)
    assert three.get_weights()[0] == pytest.approx(seven.get_weights()[0])
    assert three.get_layer("fer2013").get_weights()[0] == pytest.approx(before)


@pytest.mark.parametrize("better", [True, False])
def test_settling_is_kept_only_where_it_helps(
    tmp_path: Path, better: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The network of the lower PublicTest loss stays."""
    from smartselfie.training import fit

    path = network(tmp_path / "network.keras")
    losses = iter([(0.27, {"fer2013": 0.9}), (0.2 if better else 0.62, {"fer2013": 0.8})])
    monkeypatch.setattr(fit, "accuracies", lambda *arguments: next(losses))
    monkeypatch.setattr(fit, "SETTLE_FACES", 50)
    before = path.read_bytes()
    said = fit.settle_if_better(path, make(70), make(70), ("fer2013",))
    assert (path.read_bytes() == before) is not better
    assert said.startswith("best, settled: val_loss 0.2" if better else "best, not settled: ")


def test_few_faces_settle_nothing(tmp_path: Path) -> None:
    """They say too little of what faces are like."""
    from smartselfie.training import fit

    said = fit.settle_if_better(network(tmp_path / "n.keras"), make(70), make(70), ("fer2013",))
    assert "fewer than 1000" in said


@pytest.mark.parametrize("name", ["net.h5", "net.keras"])
def test_a_network_of_others_is_never_guessed_at(tmp_path: Path, name: str) -> None:
    """Without a description its scaling must be said; with it both formats give the same figures."""
    import keras

    from smartselfie.training import predictors

    inputs = keras.Input((48, 48, 1))
    x = keras.layers.Flatten()(keras.layers.AveragePooling2D(8)(inputs))
    keras.Model(inputs, keras.layers.Dense(7, activation="softmax")(x)).save(tmp_path / name)
    datasets.save(make(70), tmp_path / "faces.npz")
    for command in ("evaluate", "export"):
        with pytest.raises(ModelError, match=r"not known what gray values.*--scaling"):
            run(command, tmp_path / name, "--data", tmp_path / "faces.npz")
    told = predictors.Told(scaling="0..1")
    made = predictors.load(tmp_path / name, told)
    assert made.about.activation == "softmax"
    assert made.about.input.scale == pytest.approx(1 / 255)


def test_a_peer_without_a_description_is_told_by_its_own_options(tmp_path: Path) -> None:
    """--scaling is the model's, --peer-scaling the peer's."""
    from tests import tiny_network
    from tests.training.test_model import MODEL

    bare = tiny_network.write(tmp_path, side=48)
    bare.with_suffix(".json").unlink()
    datasets.save(make(70), tmp_path / "faces.npz")
    words = ("evaluate", MODEL, "--data", tmp_path / "faces.npz", "--no-latency", "--json", "--peer", bare)
    with pytest.raises(ModelError, match="--peer-scaling"):
        run(*words)
    assert json.loads(run(*words, "--peer-scaling", "-1..1"))[0]["peer"]["file"] == "tiny.tflite"


def test_an_exported_network_of_others_keeps_what_was_told(tmp_path: Path) -> None:
    """Its description has its scaling, its class order and that its outputs are probabilities."""
    import keras

    inputs = keras.Input((24, 24, 1))
    x = keras.layers.Flatten()(keras.layers.AveragePooling2D(6)(inputs))
    keras.Model(inputs, keras.layers.Dense(7, activation="softmax")(x)).save(tmp_path / "theirs.h5")
    datasets.save(make(140), tmp_path / "faces.npz")
    order = tuple(reversed(CLASSES))
    words = ("--scaling", "-1..1", "--classes", ",".join(order), "--tolerance", 1)
    run(
        "export",
        tmp_path / "theirs.h5",
        "--data",
        tmp_path / "faces.npz",
        *words,
        "--out",
        tmp_path / "o.tflite",
    )
    told = json.loads((tmp_path / "o.json").read_text())
    assert told["classes"] == list(order)
    assert told["activation"] == "softmax"
    assert (told["input"]["scale"], told["input"]["offset"]) == (pytest.approx(2 / 255), -1)


def test_weights_and_their_architecture_are_evaluated(tmp_path: Path) -> None:
    """fer.json and fer.h5, as older projects ship them."""
    import keras

    from smartselfie.training import predictors

    layers = [keras.Input((48, 48, 1)), keras.layers.Flatten(), keras.layers.Dense(7, activation="softmax")]
    made = keras.Sequential(layers)
    (tmp_path / "fer.json").write_text(made.to_json())
    made.save_weights(tmp_path / "fer.weights.h5")
    told = predictors.Told("0..1", architecture=tmp_path / "fer.json")
    assert predictors.load(tmp_path / "fer.weights.h5", told)(make(7).images)["scores"].shape == (7, 7)


def test_numbered_folders_are_not_taken_for_fer2013s_numbers(tmp_path: Path) -> None:
    """RAF-DB counts from 1 and begins with surprise: the numbers' meaning must be said."""
    tree(tmp_path / "data" / "train", "1", "4")
    with pytest.raises(DataError, match=r"what the number 1 means is not known.*--classes.*raf-db"):
        readers.read(tmp_path / "data").faces()
    for text in ("raf-db", "1=surprise,4=happy,7=neutral"):
        faces = readers.read(tmp_path / "data", labels=label_sets.read_classes(text)).faces()
        assert {faces.classes[label] for label in faces.labels} == {"surprise", "happy"}


def test_kaggles_pair_of_tables_is_read(tmp_path: Path) -> None:
    """train.csv has no Usage, test.csv no labels: the first is used, the second named."""
    (tmp_path / "train.csv").write_text("emotion,pixels\n" + f"3,{PIXELS}\n" * 10)
    (tmp_path / "test.csv").write_text(f"pixels\n{PIXELS}\n")
    reading = readers.read(tmp_path)
    assert len(reading.faces()) == 10
    assert "test.csv: has no labels" in reading.broken[0]
    both = prepare.join([readers.read(tmp_path / name) for name in ("train.csv", "test.csv")])
    assert len(both) == 10


@pytest.mark.parametrize("inside", ["fer2013.csv", "fer2013/fer2013.csv", "archive/train/happy/a.png"])
def test_a_zip_is_read_as_it_was_downloaded(tmp_path: Path, inside: str) -> None:
    """A table or a tree, at any depth."""
    _, picture = cv2.imencode(".png", np.full((48, 48), 7, np.uint8))
    with zipfile.ZipFile(tmp_path / "archive.zip", "w") as bundle:
        table = f"emotion,pixels,Usage\n3,{PIXELS},Training\n".encode()
        bundle.writestr(inside, picture.tobytes() if inside.endswith("png") else table)
        bundle.writestr("__MACOSX/._x.png", b"no picture")
    reading = readers.read(tmp_path / "archive.zip")
    assert reading.faces().labels.tolist() == [CLASSES.index("happy")]
    assert reading.broken == []


def test_semicolons_and_decimal_labels_are_read(tmp_path: Path) -> None:
    """As spreadsheets write them."""
    (tmp_path / "fer.csv").write_text(f"emotion;pixels;Usage\n3.0;{PIXELS};Training\n")
    assert readers.read(tmp_path / "fer.csv").faces().labels.tolist() == [3]


def test_numbers_before_names_are_left_out(tmp_path: Path) -> None:
    """0_angry is angry."""
    faces = readers.read(tree(tmp_path / "train", "0_angry", "03-happy", each=1)).faces()
    assert sorted(faces.labels.tolist()) == [0, 3]


def test_jaffe_is_read_by_its_file_names(tmp_path: Path) -> None:
    """KA.HA1.29.tiff: person, expression; no person is on two sides."""
    for person in ("KA", "KL", "KM", "KR"):
        cv2.imwrite(str(tmp_path / f"{person}.HA1.29.tiff"), np.full((256, 256), 99, np.uint8))
    faces = readers.read(tmp_path).faces()
    assert faces.splits.tolist() == [0, 0, 1, 2]
    assert {CLASSES[label] for label in faces.labels} == {"happy"}


@pytest.mark.parametrize(
    ("text", "classes"),
    [
        ("affectnet8", (*CLASSES, "contempt")),
        ("neutral,wink,happy", ("happy", "neutral", "wink")),
        ("smirk=happy,none=neutral", ("happy", "neutral")),
        ("joy=happy,calm=neutral,contempt=", ("happy", "neutral")),
    ],
)
def test_label_sets_are_named_listed_or_mapped(text: str, classes: tuple[str, ...]) -> None:
    """FER2013's classes come first and in their order."""
    assert label_sets.read_classes(text).classes == classes


@pytest.mark.parametrize("text", ["", "happy", "1,2", "raf", "a=happy,a=sad", "a=,b="])
def test_label_sets_that_make_no_sense_are_refused(text: str) -> None:
    """With what was given, and what is known."""
    with pytest.raises(UsageError, match="--classes"):
        label_sets.read_classes(text)


def test_contempt_is_learned_where_it_is_asked_for(tmp_path: Path) -> None:
    """FER+'s eighth class has its votes in the targets."""
    votes = np.zeros((1, len(VOTES)), np.int16)
    votes[0, VOTES.index("contempt")] = 8
    zero = np.zeros(1, np.int8)
    eight = label_sets.read_classes("ferplus8").classes
    face = Faces(np.zeros((1, 48, 48), np.uint8), zero, votes, zero, classes=eight)
    assert datasets.ferplus_targets(face)[0].tolist() == [0] * 7 + [1]
    assert datasets.ferplus_majority(face).tolist() == [7]


def test_a_resumed_run_refuses_other_settings(tmp_path: Path) -> None:
    """--epochs 9 would be ignored; it is named, with what the run has and what to do."""
    datasets.save(make(70), tmp_path / "faces.npz")
    words = ("--network", FLAT, "--rate", 0, "--epochs", 1, "--batch", 56, "--run", tmp_path / "run")
    run("train", *words, "--data", tmp_path / "faces.npz")
    with pytest.raises(UsageError, match=r"--epochs: a resumed run keeps its settings \(epochs 1\).*--from"):
        run("train", "--resume", "--epochs", 9, "--run", tmp_path / "run")


def test_corrected_labels_do_not_go_on_unnoticed(tmp_path: Path) -> None:
    """The same pictures with other labels are other data."""
    from smartselfie.training import fit

    faces = make(70)
    chosen = settings.FitSettings(network=FLAT, epochs=1, batch=56, rate=0.0)
    fit.fit(faces, chosen, tmp_path, say=lambda text: None)
    faces.labels[0] = 5
    with pytest.raises(DataError, match=r"other labels.*--from"):
        fit.fit(faces, chosen, tmp_path, resume=True)


@pytest.mark.parametrize(
    ("network_name", "rate", "batch"), [("smile", 0.1, 128), ("vgg", 0.01, 64), ("cnn4", 0.05, 128)]
)
def test_networks_have_rates_of_their_own(network_name: str, rate: float, batch: int) -> None:
    """One for all lets vgg diverge."""
    chosen = settings.default(network_name)
    assert (chosen.rate, chosen.batch) == (rate, batch)


def test_settings_of_a_run_begin_another(tmp_path: Path) -> None:
    """--config takes all of them, the options that are given go first."""
    datasets.save(make(70), tmp_path / "faces.npz")
    first = ("--network", FLAT, "--rate", 0, "--epochs", 1, "--batch", 56, "--data", tmp_path / "faces.npz")
    run("train", *first, "--run", tmp_path / "first")
    run("train", "--config", tmp_path / "first" / "settings.json", "--seed", 2, "--optimizer", "adamw",
        "--run", tmp_path / "second", "--tensorboard")  # fmt: skip
    first, second = (settings.read(tmp_path / name / "settings.json") for name in ("first", "second"))
    assert (second.network, second.batch, second.seed, second.optimizer) == (FLAT, 56, 2, "adamw")
    assert first.seed == 1
    about = json.loads((tmp_path / "second" / "about.json").read_text())
    assert about["packages"]["keras"]
    assert about["faces"]["labels"] == datasets.fingerprint_labels(make(70))
    (written,) = (tmp_path / "second" / "tensorboard").glob("events*")
    assert tensorboard_scalars(written)["val_loss"] > 0


def test_a_network_of_ones_own_trains(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """MODULE:FUNCTION is a function of the input and the outputs' classes; what regularises it is no loss."""
    (tmp_path / "mynets.py").write_text(
        "from keras import layers, regularizers\n"
        "def flat(inputs, heads):\n"
        "    x = layers.Flatten()(layers.Rescaling(1 / 255)(inputs))\n"
        "    large = regularizers.L2(100.0)\n"
        "    return {h: layers.Dense(n, name=h, kernel_regularizer=large)(x) for h, n in heads.items()}\n"
    )
    monkeypatch.syspath_prepend(tmp_path)
    datasets.save(make(70), tmp_path / "faces.npz")
    words = ("--epochs", 1, "--batch", 56, "--data", tmp_path / "faces.npz", "--run", tmp_path / "run")
    assert "network.keras" in run("train", "--network", "mynets:flat", "--rate", 0, *words)
    header, row = (tmp_path / "run" / "log.csv").read_text().splitlines()
    told = dict(zip(header.split(","), map(float, row.split(",")), strict=True))
    assert told["loss"] == pytest.approx(told["val_loss"], abs=1)
    with pytest.raises(UsageError, match="unknown network 'flat'; there are smile"):
        run("train", "--network", "flat", *words[:-1], tmp_path / "other")


def test_a_trained_network_says_what_its_outputs_are(tmp_path: Path) -> None:
    """Its description lies beside it, so any command reads it as it is, with classes of one's own."""
    from smartselfie.classifiers.keras import KerasClassifier

    labels = label_sets.read_classes("happy,neutral,wink")
    faces = readers.read(tree(tmp_path / "mine", "happy", "neutral", "wink"), labels=labels).faces()
    datasets.save(faces, tmp_path / "mine.npz")
    words = ("--network", FLAT, "--epochs", 1, "--batch", 8, "--data", tmp_path / "mine.npz")
    run("train", *words, "--run", tmp_path / "run")
    scores = KerasClassifier(tmp_path / "run" / "network.keras")(faces.images[:2])
    assert tuple(scores[0]) == ("happy", "neutral", "wink")
    report = json.loads(run("evaluate", tmp_path / "run" / "network.keras", "--data", tmp_path / "mine.npz",
                            "--no-latency", "--json"))[0]  # fmt: skip
    assert list(report["model"]["labels"]["fer2013"]["classes"]) == ["happy", "neutral", "wink"]
