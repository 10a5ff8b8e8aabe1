"""The settings of what is around: window, machine, web page, pins."""

from __future__ import annotations

from typing import Literal

from pydantic import model_validator

from smartselfie.schema.fields import Section, broken_rule, setting
from smartselfie.schema.values import (
    AutoSwitch,
    Integer,
    Listen,
    Number,
    SiteAddress,
    Switch,
    Text,
    Texts,
    TwoPaths,
)


class WindowSettings(Section):
    """The window on this machine's screen."""

    show: AutoSwitch = setting("auto", "auto: when there is a display.")
    mirror: Switch = setting(
        True, "Show people as in a mirror; what is analysed and saved is never mirrored.", live=True
    )
    overlay: Switch = setting(True, "Draw boxes, bars and the ring over the picture.", live=True)
    fullscreen: Switch = setting(False, "Fill the screen.", live=True)


class PerformanceSettings(Section):
    """How much of the machine it may use. Recordings are never slowed down by these."""

    max_fps: Number = setting(
        30,
        "Most frames analysed in a second. Fewer: less work, holds counted in frames take longer.",
        gt=0,
        le=240,
        unit="frames per second",
        live=True,
    )
    idle_fps: Number = setting(
        10,
        "The same while there is no face. Fewer: less work and heat, a face is noticed a little later.",
        gt=0,
        le=240,
        unit="frames per second",
        live=True,
    )
    threads: Integer = setting(
        1,
        "Threads of the network and the detector. More: faster on large pictures, more of the machine.",
        ge=1,
        le=64,
    )
    cpu_budget: Number | None = setting(
        None,
        "Share of one core that the program may use; analysis slows down to keep it, pictures stay as good. "
        "null: no limit.",
        gt=0,
        le=64,
        live=True,
        example=0.5,
    )


class WebSettings(Section):
    """The page for browsers and the API."""

    enabled: Switch = setting(False, "Serve the page (also: --web).")
    listen: Listen = setting(
        "127.0.0.1:8000",
        "Address and port. 127.0.0.1: this machine only. 0.0.0.0:8000: the whole network, behind a password.",
        private=True,
        example="0.0.0.0:8000",
    )
    password: Text | None = setting(
        None,
        "What the page asks for on any address but this machine's own; null: one is made, and shown at the "
        "first start: on the terminal, else in a file that only its owner can read.",
        private=True,
    )
    require_password: Literal["auto", "always"] = setting(
        "auto", "auto: on any other address than this machine's own. always: here too.", private=True
    )
    tls: TwoPaths | None = setting(
        None,
        "Certificate and key as PEM files: the page is served as https, which browsers demand to lend "
        "their camera.",
        private=True,
        example=["cert.pem", "key.pem"],
    )
    public_url: SiteAddress | None = setting(
        None,
        "Address under which people reach the page, when that differs from `listen` (a reverse proxy).",
        private=True,
        example="https://booth.example.org",
    )
    allowed_hosts: Texts = setting(
        (),
        "More host names under which the page may be asked for; others are refused (DNS rebinding).",
        private=True,
        example=["booth.local"],
    )
    trust_proxy: Switch = setting(
        False,
        "Take a client's address from X-Forwarded-For; only behind a reverse proxy of your own.",
        private=True,
    )
    public: Switch = setting(
        False,
        "Serve only the try-it page and its API, without a password: no camera, no gallery, no settings.",
        private=True,
    )


class GpioSettings(Section):
    """Pins of a Raspberry Pi, by their BCM number."""

    led: Integer | None = setting(
        None, "An LED that follows the progress of the hold.", ge=0, le=27, example=17
    )
    buzzer: Integer | None = setting(None, "A buzzer that sounds at a shot.", ge=0, le=27, example=18)
    shutter: Integer | None = setting(None, "A button that takes a picture now.", ge=0, le=27, example=2)
    arm: Integer | None = setting(None, "A switch: closed, the trigger may fire.", ge=0, le=27, example=3)

    @model_validator(mode="after")
    def _rules(self) -> GpioSettings:
        taken: dict[int, str] = {}
        for name in ("led", "buzzer", "shutter", "arm"):
            pin = getattr(self, name)
            if pin in taken:
                raise broken_rule((name, taken[pin]), f"pin {pin} is already that of gpio.{taken[pin]}")
            if pin is not None:
                taken[pin] = name
        return self
