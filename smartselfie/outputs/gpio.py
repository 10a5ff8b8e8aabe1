"""Lamp, buzzer, button and switch on the pins of a Raspberry Pi."""

from __future__ import annotations

import logging
import warnings
from collections.abc import Callable
from contextlib import ExitStack
from types import TracebackType
from typing import Any, Self

from smartselfie.errors import BusyError, GpioError
from smartselfie.outputs import BaseOutput
from smartselfie.records import Arm, Command, Shutter, State, View

log = logging.getLogger(__name__)

BOUNCE = 0.05
"""Seconds in which a contact may chatter."""
BEEP = 0.15
"""Seconds that the buzzer sounds."""
STEPS = 50
"""Brightnesses of the LED: a finer change is not seen, and need not be sent."""


class Gpio(BaseOutput):
    """An output that shows the progress on an LED and sounds at a shot; contacts send commands.

    Pins are BCM numbers, None for what is not there. The button takes a picture, whoever smiles; the switch
    lets the trigger fire while it is closed (both connect their pin to ground). `send` is called in
    gpiozero's thread. Raises `GpioError` when a pin cannot be used, `ImportError` without gpiozero.
    """

    view_every = 0.0

    def __init__(
        self,
        *,
        led: int | None = None,
        buzzer: int | None = None,
        shutter: int | None = None,
        arm: int | None = None,
        send: Callable[[Command], None],
    ) -> None:
        import gpiozero

        self._level = 0.0
        self._shots: int | None = None
        with ExitStack() as stack:

            def use(kind: Callable[..., Any], name: str, pin: int | None, **options: object) -> Any:
                if pin is None:
                    return None
                try:
                    with warnings.catch_warnings():  # each library that is not there warns of the next
                        warnings.simplefilter("ignore")
                        device = kind(pin, **options)
                except (gpiozero.GPIOZeroError, OSError, RuntimeError, ValueError) as error:
                    raise GpioError(
                        f"gpio.{name}: pin {pin} cannot be used: {error}", remedy=_REMEDY
                    ) from error
                stack.callback(device.close)
                return device

            def ask(command: Command) -> None:
                try:
                    send(command)
                except BusyError as error:  # there is nobody to tell in gpiozero's thread
                    log.warning("gpio: %s", error)

            self._led = use(gpiozero.PWMLED, "led", led)
            self._buzzer = use(gpiozero.Buzzer, "buzzer", buzzer)
            button = use(gpiozero.Button, "shutter", shutter, bounce_time=BOUNCE)
            switch = use(gpiozero.Button, "arm", arm, bounce_time=BOUNCE)
            if button is not None:
                button.when_pressed = lambda: ask(Shutter("button"))
            if switch is not None:
                switch.when_pressed = lambda: ask(Arm(True))
                switch.when_released = lambda: ask(Arm(False))
                ask(Arm(bool(switch.is_pressed)))
            self._stack = stack.pop_all()

    def view(self, view: View) -> None:
        """Show the progress, sound at a new shot."""
        if self._led is not None:
            shown = view.decision.state in (State.HOLDING, State.COUNTDOWN)
            level = round(view.decision.progress * STEPS) / STEPS if shown else 0.0
            if level != self._level:
                self._level = self._led.value = level
        shots, self._shots = self._shots, view.shots
        if self._buzzer is not None and shots is not None and view.shots > shots:
            self._buzzer.beep(on_time=BEEP, off_time=BEEP, n=1)

    def close(self) -> None:
        """Switch all off and give the pins back. Harmless when repeated."""
        self._stack.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


_REMEDY = "pins need a Raspberry Pi, python3-lgpio and a user in the group gpio; or set gpio's pins to null"
