"""Lamp, buzzer, button and switch, on gpiozero's mock pins."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pytest
from gpiozero import Device
from gpiozero.pins.mock import MockFactory, MockPWMPin

from smartselfie.errors import GpioError
from smartselfie.outputs.gpio import Gpio
from smartselfie.records import Arm, Command, Decision, Frame, Shutter, State, View
from tests.waiting import until

LED, BUZZER, BUTTON, SWITCH = 17, 18, 2, 3


@pytest.fixture(autouse=True)
def pins() -> Iterator[MockFactory]:
    """Pins in memory, for every device that is made."""
    before = Device.pin_factory
    factory = Device.pin_factory = MockFactory(pin_class=MockPWMPin)
    yield factory
    factory.reset()
    Device.pin_factory = before


def view(progress: float = 0.0, state: State = State.HOLDING, shots: int = 0) -> View:
    """What the loop shows."""
    frame = Frame(np.zeros((4, 4, 3), np.uint8), 1, 1.0)
    return View(frame, (), Decision(state, progress, False, ""), 0.6, 25.0, shots)


def test_the_led_follows_the_progress(pins: MockFactory) -> None:
    """Its brightness is the share of the hold that is done."""
    with Gpio(led=LED, send=print) as gpio:
        gpio.view(view(0.5))
        assert pins.pin(LED).state == pytest.approx(0.5)
        gpio.view(view(1.0))
        assert pins.pin(LED).state == 1


@pytest.mark.parametrize("state", [State.WATCHING, State.RESTING, State.DISARMED])
def test_the_led_is_dark_when_nothing_is_held(pins: MockFactory, state: State) -> None:
    """Only a hold or a countdown lights it."""
    with Gpio(led=LED, send=print) as gpio:
        gpio.view(view(0.8))
        gpio.view(view(0.8, state))
        assert pins.pin(LED).state == 0


def test_the_buzzer_sounds_at_a_shot(pins: MockFactory) -> None:
    """A new picture switches it on for a moment; pictures from before the start do not."""
    with Gpio(buzzer=BUZZER, send=print) as gpio:
        pin = pins.pin(BUZZER)
        pin.clear_states()
        gpio.view(view(shots=3))
        gpio.view(view(shots=3))
        assert [state.state for state in pin.states] == [False]
        gpio.view(view(shots=4))
        until(lambda: [state.state for state in pin.states] == [False, True, False])


def test_the_button_takes_a_picture(pins: MockFactory) -> None:
    """Pressed once, one command comes; letting go is none."""
    sent: list[Command] = []
    with Gpio(shutter=BUTTON, send=sent.append):
        pins.pin(BUTTON).drive_low()
        until(lambda: sent)
        pins.pin(BUTTON).drive_high()
        assert sent == [Shutter("button")]


def test_the_switch_arms(pins: MockFactory) -> None:
    """Closed the trigger may fire, open it may not; how it stands at the start counts too."""
    sent: list[Command] = []
    with Gpio(arm=SWITCH, send=sent.append):
        assert sent == [Arm(False)]
        pins.pin(SWITCH).drive_low()
        until(lambda: len(sent) == 2)
        pins.pin(SWITCH).drive_high()
        until(lambda: len(sent) == 3)
    assert sent[1:] == [Arm(True), Arm(False)]


def test_closing_switches_off_and_gives_the_pins_back(pins: MockFactory) -> None:
    """Afterwards the lamp is dark and another may use the pins; closing twice is harmless."""
    gpio = Gpio(led=LED, shutter=BUTTON, send=print)
    gpio.view(view(1.0))
    gpio.close()
    gpio.close()
    assert not pins.pin(LED).state
    Gpio(led=LED, shutter=BUTTON, send=print).close()


def test_a_pin_that_cannot_be_used_is_one_line(pins: MockFactory) -> None:
    """The error names the setting and the pin, and what was opened before is given back."""
    with Gpio(buzzer=BUZZER, send=print):
        with pytest.raises(GpioError, match=r"gpio\.buzzer: pin 18 cannot be used: .*null"):
            Gpio(led=LED, buzzer=BUZZER, send=print)
        Gpio(led=LED, send=print).close()


def test_a_machine_without_pins_is_one_line() -> None:
    """On a machine that is no Raspberry Pi the error says what pins need."""
    Device.pin_factory = None
    with pytest.raises(GpioError, match="Raspberry Pi"):
        Gpio(led=LED, send=print)
