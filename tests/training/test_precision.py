"""The twin that trains in bfloat16."""

import numpy as np
import pytest

from smartselfie.errors import UsageError

pytestmark = pytest.mark.filterwarnings("default")

SMALL = {"widths": (8, 16), "blocks": (1, 1)}


def test_a_twin_computes_what_its_network_computes() -> None:
    """Up to rounding; its logits are float32."""
    from smartselfie.training import networks
    from smartselfie.training.precision import Precision, twin

    network = networks.build("smile", size=24, **SMALL)
    faces = np.random.default_rng(0).uniform(0, 255, (4, 24, 24, 1)).astype(np.float32)
    expected, made = network(faces), twin(network, Precision.mixed)(faces)
    for head, logits in expected.items():
        assert made[head].dtype in ("float32", np.float32)
        assert np.abs(np.array(made[head]) - np.array(logits)).max() < 0.05


def test_a_twins_weights_are_its_networks_in_the_same_order() -> None:
    """So what it learns goes straight back."""
    from smartselfie.training import networks
    from smartselfie.training.precision import Precision, twin

    network = networks.build("smile", size=24, **SMALL)
    for mine, its in zip(network.get_weights(), twin(network, Precision.mixed).get_weights(), strict=True):
        assert its.dtype == np.float32
        np.testing.assert_array_equal(mine, its)


def test_in_float32_the_network_is_its_own_twin() -> None:
    """Nothing is copied."""
    from smartselfie.training import networks
    from smartselfie.training.precision import Precision, twin

    network = networks.build("smile", size=24, **SMALL)
    assert twin(network, Precision.float32) is network


def test_separable_convolutions_have_no_twin() -> None:
    """They were never tried in half precision."""
    from smartselfie.training import networks
    from smartselfie.training.precision import Precision, twin

    with pytest.raises(UsageError, match="plain convolutions"):
        twin(networks.build("mini_xception"), Precision.mixed)


def test_a_run_in_mixed_precision_leaves_a_plain_network(tmp_path) -> None:
    """What is kept is float32, of Keras' own layers."""
    import keras

    from smartselfie.training import fit
    from smartselfie.training.settings import FitSettings
    from tests.training.faces import make

    chosen = FitSettings(epochs=1, batch=28, sizes=((0.0, 24),), options=SMALL, precision="mixed")
    kept = keras.saving.load_model(fit.fit(make(140), chosen, tmp_path / "run", say=lambda text: None))
    assert {layer.dtype_policy.name for layer in kept.layers} == {"float32"}
