"""Training on drawn faces: killed, resumed, exported, used."""

import csv
import dataclasses
import json
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

from smartselfie.classifiers.litert import LiteRtClassifier
from smartselfie.errors import DataError, ModelError, UsageError
from smartselfie.training import datasets, settings
from smartselfie.training.settings import FitSettings
from tests.training.faces import make

pytestmark = pytest.mark.filterwarnings("default")  # Keras and its backends warn about each other

QUICK = FitSettings(
    epochs=4, batch=28, sizes=((0.0, 24), (0.5, 48)), options={"widths": (8, 16), "blocks": (1, 1)}, rate=0.05
)
KILLED = """
import sys
from pathlib import Path
from smartselfie.training import backend; backend.choose()
from smartselfie.training import datasets, fit, settings
run = Path(sys.argv[1])
fit.fit(datasets.load(Path(sys.argv[2])), settings.read(run / "settings.json"), run, resume=True)
"""


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with faces and one unbroken run of QUICK."""
    from smartselfie.training import fit

    made = tmp_path_factory.mktemp("fit")
    datasets.save(make(280), made / "faces.npz")
    fit.fit(make(280), QUICK, made / "unbroken", command="smartselfie train", say=lambda text: None)
    return made


def log(run: Path) -> list[dict[str, str]]:
    """The rows of a run's log."""
    with (run / "log.csv").open(newline="") as file:
        return list(csv.DictReader(file))


def test_a_run_leaves_all_that_was_promised(folder: Path) -> None:
    """Settings, log, curves, network and the exact command."""
    run = folder / "unbroken"
    assert (run / "command.txt").read_text() == "smartselfie train\n"
    assert settings.read(run / "settings.json").sizes == QUICK.sizes
    assert [row["size"] for row in log(run)] == ["24", "24", "48", "48"]
    assert (run / "curves.png").read_bytes().startswith(b"\x89PNG")
    assert (run / "network.keras").stat().st_size > 1000


def test_it_learns(folder: Path) -> None:
    """The loss on faces it learns from falls."""
    losses = [float(row["loss"]) for row in log(folder / "unbroken")]
    assert losses[-1] < losses[0]


def test_a_killed_run_ends_where_an_unbroken_one_ends(folder: Path) -> None:
    """kill -9 after the first epoch, then --resume: the same log, the same weights, up to rounding."""
    from smartselfie.training import fit

    run = folder / "killed"
    run.mkdir()
    (run / "settings.json").write_text(json.dumps(dataclasses.asdict(QUICK)))
    process = subprocess.Popen(
        [sys.executable, "-c", KILLED, run, folder / "faces.npz"],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    deadline = time.monotonic() + 120
    while not (run / "state.npz").exists() and process.poll() is None and time.monotonic() < deadline:
        time.sleep(0.02)
    process.send_signal(signal.SIGKILL)
    assert process.wait(timeout=10) == -signal.SIGKILL
    with np.load(run / "state.npz") as state:
        assert json.loads(str(state["about"]))["epoch"] < QUICK.epochs
    fit.fit(make(280), QUICK, run, resume=True, say=lambda text: None)
    for mine, theirs in zip(log(run), log(folder / "unbroken"), strict=True):
        assert float(mine["loss"]) == pytest.approx(float(theirs["loss"]), rel=1e-3)
    with np.load(run / "state.npz") as ours, np.load(folder / "unbroken" / "state.npz") as other:
        for name in other.files:
            if name.startswith(("variable", "average")):
                assert ours[name] == pytest.approx(other[name], rel=1e-2, abs=1e-3), name


def test_a_finished_folder_is_not_trained_over(folder: Path) -> None:
    """Only --resume may touch it."""
    from smartselfie.training import fit

    with pytest.raises(UsageError, match="--resume"):
        fit.fit(make(280), QUICK, folder / "unbroken")


def test_a_state_of_another_network_is_refused(folder: Path, tmp_path: Path) -> None:
    """Resuming with other widths would be nonsense."""
    from smartselfie.training import fit

    (tmp_path / "state.npz").write_bytes((folder / "unbroken" / "state.npz").read_bytes())
    other = dataclasses.replace(QUICK, options={"widths": (8, 24), "blocks": (1, 1)})
    with pytest.raises(DataError, match="another network"):
        fit.fit(make(280), other, tmp_path, resume=True)


def test_other_faces_than_a_run_was_begun_with_are_refused(folder: Path) -> None:
    """It could not end where it would have."""
    from smartselfie.training import fit

    with pytest.raises(DataError, match="begun with other faces"):
        fit.fit(make(280, seed=1), QUICK, folder / "unbroken", resume=True)


def test_a_row_of_the_log_that_a_kill_took_is_written_again(folder: Path, tmp_path: Path) -> None:
    """The log follows the state, also after the last epoch."""
    from smartselfie.training import fit

    run = tmp_path / "run"
    shutil.copytree(folder / "unbroken", run)
    whole = (run / "log.csv").read_text()
    (run / "log.csv").write_text("\n".join(whole.splitlines()[:-1]) + "\n")
    fit.fit(make(280), QUICK, run, resume=True, say=lambda text: None)
    assert (run / "log.csv").read_text() == whole


def test_what_a_resumed_run_changes_stays_changed(folder: Path, tmp_path: Path) -> None:
    """Settings and command are those of the last start, the commands before it stay listed."""
    from smartselfie.training import fit

    run = tmp_path / "run"
    shutil.copytree(folder / "unbroken", run)
    calm = dataclasses.replace(QUICK, calm=0.5)
    fit.fit(make(280), calm, run, resume=True, command="smartselfie train --calm", say=lambda text: None)
    assert settings.read(run / "settings.json").calm == 0.5
    assert (run / "command.txt").read_text() == "smartselfie train\nsmartselfie train --calm\n"


@pytest.mark.parametrize(("head", "split"), [("ferplus", 0), ("ferplus", 1), ("fer2013", 0), ("fer2013", 1)])
def test_a_head_that_nothing_teaches_or_tests_is_refused(tmp_path: Path, head: str, split: int) -> None:
    """Pictures without votes would leave the output that the program reads untrained."""
    from smartselfie.training import fit

    faces = make(70)
    (faces.votes if head == "ferplus" else faces.labels)[faces.splits == split] = -1
    with pytest.raises(DataError, match=f"{datasets.SPLITS[split]} have no .*{head}.*--labels"):
        fit.fit(faces, QUICK, tmp_path)


@pytest.mark.parametrize("kind", ["float32", "float16", "int8"])
def test_an_exported_network_classifies(folder: Path, tmp_path: Path, kind: str) -> None:
    """The program's own classifier runs the file, one face or many, and agrees with the Keras network."""
    from smartselfie.training import export, predictors

    source = folder / "unbroken" / "network.keras"
    about = export.export(source, make(280), tmp_path / "net.tflite", kind=kind, tolerance=0.3)
    crops = make(70, seed=3).images
    scores = LiteRtClassifier(tmp_path / "net.tflite")(crops)
    keras_network = predictors.Keras(source)
    logits = keras_network(crops)["ferplus"] / about["temperature"]["ferplus"]
    expected = predictors.softmax(logits)
    near = 0.15 if kind == "int8" else 0.01
    assert np.abs(np.array([list(each.probabilities) for each in scores]) - expected).max() < near


def test_the_network_beside_the_file_is_the_source_rounded(folder: Path, tmp_path: Path) -> None:
    """To eleven bits, compressed, and readable as ever; the file's hash is its own."""
    from smartselfie.training import export, predictors

    source = folder / "unbroken" / "network.keras"
    about = export.export(source, make(280), tmp_path / "net.tflite", tolerance=1.0)
    kept = tmp_path / "net.keras"
    assert about["sha256"][kept.name] == predictors.sha256(kept)
    weights, expected = (predictors.Keras(path).network.get_weights() for path in (kept, source))
    for mine, theirs in zip(weights, expected, strict=True):
        assert mine == pytest.approx(theirs, rel=2**-11)
        assert not (mine.view(np.uint32) & 0x1FFF).any()


def test_an_average_of_runs_has_the_mean_of_their_weights(folder: Path, tmp_path: Path) -> None:
    """What is equal stays, what is 2 apart ends 1 up; other shapes are refused."""
    from smartselfie.training import networks, predictors, soup

    first = predictors.Keras(folder / "unbroken" / "network.keras").network
    second = predictors.Keras(folder / "unbroken" / "network.keras").network
    second.get_layer("fer2013").bias.assign(second.get_layer("fer2013").bias + 2)
    second.save(tmp_path / "second.keras")
    files = [folder / "unbroken" / "network.keras", tmp_path / "second.keras"]
    made = predictors.Keras(soup.cook(files, make(280), tmp_path / "made.keras")).network
    bias = first.get_layer("fer2013").bias
    assert np.asarray(made.get_layer("fer2013").bias) == pytest.approx(np.asarray(bias) + 1)
    assert np.asarray(made.get_layer("fer2013").kernel) == pytest.approx(
        np.asarray(first.get_layer("fer2013").kernel)
    )
    networks.build("smile", ("fer2013",), 48, widths=(8, 8), blocks=(1, 1)).save(tmp_path / "other.keras")
    with pytest.raises(DataError, match="another shape"):
        soup.cook([files[0], tmp_path / "other.keras"], make(280), tmp_path / "made.keras")


@pytest.mark.parametrize(("size", "left"), [(24, 0), (26, 1)])
def test_pooling_written_as_a_convolution_is_the_same_function(size: int, left: int) -> None:
    """All of it where the side is a multiple of the pool's; where it would pad it stays."""
    from keras import layers

    from smartselfie.training import export, networks

    network = networks.build("smile", size=size, widths=(8, 16), blocks=(1, 1))
    made = export.pool_by_convolving(network)
    assert sum(isinstance(layer, layers.AveragePooling2D) for layer in made.layers) == left
    faces = make(14).images[:, :size, :size, None].astype(np.float32)
    assert made.predict(faces, verbose=0)["ferplus"] == pytest.approx(
        network.predict(faces, verbose=0)["ferplus"], abs=1e-5
    )


def test_an_export_that_decides_otherwise_is_refused(folder: Path, tmp_path: Path) -> None:
    """And nothing is written."""
    from smartselfie.training import export

    right = {"ferplus": np.eye(7, dtype=np.float32)}
    wrong = {"ferplus": np.roll(right["ferplus"], 1, axis=0)}
    with pytest.raises(ModelError, match=r"refused.*100\.00%"):
        export.check(right, wrong, 0.03, "int8 file")
    with pytest.raises(ModelError, match="refused"):
        export.export(folder / "unbroken" / "network.keras", make(280), tmp_path / "n.tflite", tolerance=-1)
    assert list(tmp_path.iterdir()) == []


def test_a_teachers_soft_labels_soften_the_targets(folder: Path, tmp_path: Path) -> None:
    """Stored as float16, mixed in by their share, and only for the faces they were made for."""
    from smartselfie.training import distil, fit, predictors

    training = make(280).split("Training")
    distil.store(
        predictors.Keras(folder / "unbroken" / "network.keras").network, training, tmp_path / "t.npz"
    )
    with np.load(tmp_path / "t.npz") as file:
        soft = file["ferplus"]
    assert soft.dtype == np.float16
    taught = dataclasses.replace(QUICK, teachers=(str(tmp_path / "t.npz"),), distil=0.25)
    plain = fit.training_targets(training, QUICK)["ferplus"]
    assert fit.training_targets(training, taught)["ferplus"] == pytest.approx(
        0.75 * plain + 0.25 * soft, abs=1e-3
    )
    with pytest.raises(DataError, match="other faces"):
        fit.training_targets(make(280, seed=9).split("Training"), taught)


def test_class_weights_weigh_rare_classes_up() -> None:
    """By the square root of their rarity; the mean weight stays one."""
    from smartselfie.training import fit

    faces = make(280).split("Training")
    faces = faces.pick((faces.labels != 1) | (np.arange(len(faces)) % 4 == 1))
    weighted = fit.training_targets(faces, dataclasses.replace(QUICK, class_weights=True, smoothing=0))[
        "fer2013"
    ]
    assert weighted[faces.labels == 1].sum(1).mean() > 1.3 * weighted[faces.labels == 3].sum(1).mean()
    assert weighted.sum() == pytest.approx(len(faces), rel=0.01)


def test_mixup_mixes_faces_and_targets() -> None:
    """Two faces and their labels, by the same share."""
    from smartselfie.training import fit

    faces = make(56).split("Training")
    mixed = dataclasses.replace(QUICK, mixup=1.0, smoothing=0)
    targets = fit.training_targets(faces, mixed)
    _, y = next(fit.batches(faces, targets, mixed, 0, 48))
    assert y["fer2013"].sum(1) == pytest.approx(1)
    assert ((y["fer2013"] > 0.01) & (y["fer2013"] < 0.99)).any()


def test_an_epoch_is_a_function_of_seed_and_number() -> None:
    """Whatever threads do."""
    from smartselfie.training import fit

    faces = make(140).split("Training")
    targets = fit.training_targets(faces, QUICK)
    first, again, other = (
        [x for x, _ in fit.batches(faces, targets, QUICK, epoch, 24)] for epoch in (2, 2, 3)
    )
    assert all((a == b).all() for a, b in zip(first, again, strict=True))
    assert not (first[0] == other[0]).all()


def test_without_progress_it_stops_early(tmp_path: Path) -> None:
    """After `patience` epochs without a better PublicTest accuracy."""
    from smartselfie.training import fit

    still = FitSettings(network="cnn4", epochs=6, batch=28, rate=0.0, patience=1)
    said: list[str] = []
    fit.fit(make(70), still, tmp_path, say=said.append)
    assert "stopped" in said[-2]


@pytest.mark.parametrize("text", ["48", "0.2:48", "0:48,0.5:32,0.4:24", "0:8", "0:48,1:50", "a:b"])
def test_sizes_that_make_no_sense_are_refused(text: str) -> None:
    """With the rule and the value."""
    with pytest.raises(UsageError, match="sizes"):
        settings.read_sizes(text)


@pytest.mark.parametrize("text", ["32", "32,64", "a,b,c", "32,64,4", "8,8,8,8"])
def test_widths_that_make_no_sense_are_refused(text: str) -> None:
    """With the rule and the value."""
    with pytest.raises(UsageError, match="widths"):
        settings.read_widths(text)


def test_the_schedule_fits_the_time_that_is_left() -> None:
    """With --minutes each epoch is the share of the rest that its own duration is of the time left."""
    timed = dataclasses.replace(QUICK, minutes=10, epochs=30)
    assert timed.share_of_next(0, 0.0, 0, 0) == pytest.approx(1 / 30)
    assert timed.share_of_next(5, 0.4, 300, 100) == pytest.approx(0.6 / 3)
    assert timed.share_of_next(9, 0.9, 590, 100) == pytest.approx(0.1)


def test_the_rate_warms_up_and_falls_as_a_cosine() -> None:
    """To its peak after the warm-up, half of it in the middle of the rest, nothing at the end."""
    chosen = FitSettings(rate=0.1, warm_up=0.2)
    found = [chosen.rate_at(share) for share in (0.1, 0.2, 0.6, 1.0)]
    assert found == pytest.approx([0.051, 0.1, 0.05, 0.0])


def test_the_weights_that_are_kept_are_averages() -> None:
    """Moved towards the present ones by 1 - decay a step; early on further, to forget the start."""
    from smartselfie.training import checkpoint, networks

    network = networks.build("smile", ("fer2013",), 48, widths=(8, 8), blocks=(1, 1))
    state = checkpoint.FitState.of(network)
    state.averages[0][:] = 0
    present = np.asarray(network.get_weights()[0])
    state.average(network, 0.9)
    assert state.averages[0] == pytest.approx(present * 9 / 11)
    state.step = 10_000
    state.average(network, 0.9)
    assert state.averages[0] == pytest.approx(present * (1 - 0.9 * 2 / 11))


def test_settled_statistics_are_of_the_faces_as_they_are() -> None:
    """Whatever training left: on the faces they were taken from, a normalised map has mean 0, variance 1."""
    import keras

    from smartselfie.training import fit, networks

    network = networks.build("smile", ("fer2013",), 48, widths=(8, 8), blocks=(1, 1))
    first = next(layer for layer in network.layers if isinstance(layer, keras.layers.BatchNormalization))
    first.moving_mean.assign(first.moving_mean + 7)
    faces = make(70).images
    fit.settle(network, faces, 48)
    assert first.momentum == 0.9
    maps = np.asarray(
        keras.Model(network.inputs, first.output).predict(faces[..., None].astype(np.float32), verbose=0)
    )
    assert maps.mean((0, 1, 2)) == pytest.approx(np.zeros(8), abs=1e-3)
    assert maps.var((0, 1, 2)) == pytest.approx(np.ones(8), abs=0.02)


def test_mini_xception_trains(tmp_path: Path) -> None:
    """Without a crash, on AVX-512 too, and without TensorFlow's greetings."""
    datasets.save(make(70), tmp_path / "faces.npz")
    command = [sys.executable, "-m", "smartselfie.training.commands", "train", "--network", "mini_xception"]
    command += ["--data", tmp_path / "faces.npz", "--run", tmp_path / "run", "--epochs", "1", "--batch", "56"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[-2000:]
    greetings = ("I0000", "WARNING", "To enable")
    assert not [line for line in done.stderr.splitlines() if line.startswith(greetings)]
    assert (tmp_path / "run" / "network.keras").exists()


@pytest.mark.parametrize("head", ["fer2013", "blend"])
def test_one_kind_of_label_alone_trains(tmp_path: Path, head: str) -> None:
    """A network with one output has the same log."""
    from smartselfie.training import fit

    alone = dataclasses.replace(QUICK, heads=(head,), epochs=1, sizes=((0.0, 24),))
    fit.fit(make(70), alone, tmp_path, say=lambda text: None)
    assert 0 <= float(log(tmp_path)[0][f"accuracy_{head}"]) <= 1


def test_a_run_killed_before_its_first_state_starts_from_the_same_weights(
    folder: Path, tmp_path: Path
) -> None:
    """Without learning on, its network is the one that --from named; the command that named it stays."""
    from smartselfie.training import fit, predictors

    before = folder / "unbroken" / "network.keras"
    onward = dataclasses.replace(QUICK, start=str(before), rate=0.0, epochs=1, sizes=((0.0, 24),))
    (tmp_path / "command.txt").write_text("smartselfie train --from\n")
    after = fit.fit(make(70), onward, tmp_path, resume=True, command="--resume", say=lambda text: None)
    assert (tmp_path / "command.txt").read_text() == "smartselfie train --from\n--resume\n"
    expected = predictors.Keras(before).network.get_layer("fer2013").get_weights()[0]
    assert predictors.Keras(after).network.get_layer("fer2013").get_weights()[0] == pytest.approx(expected)


def test_a_wider_run_starts_from_a_narrower_one(folder: Path, tmp_path: Path) -> None:
    """Without learning on, the copies of a channel weigh together what it weighed."""
    from smartselfie.training import fit, predictors

    before = folder / "unbroken" / "network.keras"
    onward = dataclasses.replace(
        QUICK,
        start=str(before),
        rate=0.0,
        epochs=1,
        ema=0.0,
        sizes=((0.0, 48),),
        options={"widths": (8, 24), "blocks": (1, 1)},
    )
    after = fit.fit(make(70), onward, tmp_path, say=lambda text: None)
    narrow, wide = (predictors.Keras(path).network for path in (before, after))
    for name in ("ferplus", "fer2013"):
        mine, theirs = wide.get_layer(name).get_weights()[0], narrow.get_layer(name).get_weights()[0]
        assert mine.sum(0) == pytest.approx(theirs.sum(0), abs=1e-5)


def test_weights_of_another_shape_are_refused(folder: Path, tmp_path: Path) -> None:
    """Naming the file."""
    from smartselfie.training import fit

    other = dataclasses.replace(
        QUICK,
        start=str(folder / "unbroken" / "network.keras"),
        options={"widths": (8, 8), "blocks": (1, 1)},
    )
    with pytest.raises(DataError, match=r"network\.keras.*another shape"):
        fit.fit(make(70), other, tmp_path, say=lambda text: None)


def test_a_new_output_is_added_to_what_was_learned(folder: Path, tmp_path: Path) -> None:
    """The trunk and the old outputs start as they were; faces beside teach the new one alone."""
    from smartselfie.training import fit, predictors

    beside = dataclasses.replace(
        make(70),
        labels=np.full(70, -1, np.int8),
        votes=np.zeros((70, 10), np.int16),
        smiles=np.tile(np.float32([0, 0, 1]), (70, 1)),
    )
    datasets.save(beside, tmp_path / "beside.npz")
    start = folder / "unbroken" / "network.keras"
    chosen = dataclasses.replace(
        QUICK,
        heads=("ferplus", "fer2013", "smiling"),
        sizes=((0.0, 48),),
        start=str(start),
        beside=(str(tmp_path / "beside.npz"),),
        epochs=1,
        rate=0.0,
        weight_decay=0.0,
        augmentation=dataclasses.replace(QUICK.augmentation, degrade=0.0),
    )
    made = predictors.load(fit.fit(make(280), chosen, tmp_path / "run", say=lambda text: None))
    before, after = predictors.load(start)(make(70).images), made(make(70).images)
    assert after["smiling"].shape == (70, 3)
    assert (before["ferplus"].argmax(1) == after["ferplus"].argmax(1)).mean() > 0.8


def test_a_temperature_fits_soft_truth_too() -> None:
    """Where people half agree, it makes the network half sure."""
    from smartselfie.training import measures

    logits = np.float32([[4, 0, 0], [0, 4, 0]])
    sure, torn = np.float32([[1, 0, 0], [0, 1, 0]]), np.float32([[0.7, 0.3, 0], [0.3, 0.7, 0]])
    assert measures.fit_temperature(logits, torn) > 1 > measures.fit_temperature(logits, sure)
    assert measures.fit_temperature(logits, sure) == measures.fit_temperature(logits, np.array([0, 1]))
