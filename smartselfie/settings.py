"""Every setting once: its name, default, range, unit, what it trades and whether it applies at once.

`config.yaml`, its errors, the web page's controls and the docs are all made from these models.
"""

from __future__ import annotations

from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator
from pydantic_core import PydanticCustomError

from smartselfie.settings_types import (
    AutoSwitch,
    ClassOrder,
    Duration,
    Hold,
    HoldFor,
    Integer,
    Listen,
    NamePattern,
    Number,
    PathSetting,
    PictureSize,
    Policy,
    Size,
    SourceName,
    Switch,
    Text,
    Texts,
    TwoPaths,
)


def setting(
    default: object,
    help: str,
    *,
    gt: float | None = None,
    ge: float | None = None,
    le: float | None = None,
    unit: str | None = None,
    example: object = None,
    live: bool = False,
    private: bool = False,
) -> Any:
    """Declare a setting. `live`: a change applies at once; `private`: kept from the web page."""
    extra: Any = {"unit": unit, "example": example, "live": live, "private": private}
    return Field(default, gt=gt, ge=ge, le=le, description=help, json_schema_extra=extra)


def broken_rule(keys: tuple[str, ...], text: str) -> PydanticCustomError:
    """Return the error of a rule between the settings `keys`; it is reported at the first of them."""
    return PydanticCustomError("rule", "{text}", {"text": text, "keys": keys})


class Section(BaseModel):
    """One part of the settings: strict, frozen, no unknown names."""

    model_config = ConfigDict(
        strict=True, frozen=True, extra="forbid", allow_inf_nan=False, validate_default=True
    )


class Source(Section):
    """Where the pictures come from."""

    use: SourceName = setting(
        "auto",
        "auto (the first camera), a camera's number, /dev/video0, a video file, a folder of pictures, "
        "an http(s) or rtsp URL, picamera, or demo (a drawn face; needs no camera).",
        private=True,
        example="rtsp://camera.local/stream",
    )
    size: PictureSize = setting(
        (1280, 720),
        "Width and height asked of a camera. Larger: finer pictures, more work per frame. "
        "A camera that has no such mode gives the nearest it has; files keep their own size.",
        unit="pixels",
    )
    fps: Number = setting(30, "Frame rate asked of a camera.", gt=0, le=240, unit="frames per second")
    rotate: Literal[0, 90, 180, 270] = setting(
        0, "Turn the picture clockwise, for a camera that hangs on its side or upside down.", unit="degrees"
    )
    stall_after: Duration = setting(
        3.0,
        "A camera that gives no frame for this long counts as stalled and is opened again. "
        "Shorter: quicker recovery; too short: a slow camera is restarted for nothing.",
        ge=0.5,
        le=600,
    )
    black_after: Duration = setting(
        2.0,
        "Pictures that are black for this long are reported (a lens cap, a covered camera).",
        ge=0.5,
        le=3600,
    )
    frozen_after: Duration = setting(
        20.0,
        "A live camera whose pictures stay identical for this long is opened once more, then only reported.",
        ge=1,
        le=86400,
    )
    give_up: Duration | None = setting(
        None,
        "Stop trying to get a lost camera back after this long; null: try for ever.",
        gt=0,
        le=31_536_000,
    )


class Detector(Section):
    """How faces are found."""

    kind: Literal["haar", "yunet"] = setting(
        "haar",
        "haar: OpenCV's cascade, ships with everything. yunet: a small network, finds turned and tilted "
        "faces too; needs its .onnx file in `model`.",
    )
    cascade: PathSetting = setting(
        "haarcascade_frontalface_default.xml",
        "The cascade of haar: looked for here, then in haarcascade/, then in OpenCV's own data folder.",
        private=True,
    )
    detect_width: Integer = setting(
        320,
        "Faces are searched in a copy of the picture this wide. Wider: more distant faces are found, "
        "and a full search takes longer (twice as wide: four times).",
        ge=80,
        le=4096,
        unit="pixels",
    )
    scale_factor: Number = setting(
        1.1,
        "haar: step between the face sizes that are tried. Nearer to 1: fewer misses, slower.",
        gt=1,
        le=2,
    )
    min_neighbors: Integer = setting(
        5,
        "haar: how many overlapping finds make a face. More: fewer false faces, more missed ones.",
        ge=0,
        le=50,
    )
    min_score: Number = setting(
        0.8,
        "yunet: score from which a find is a face. Higher: fewer false faces, more missed ones.",
        gt=0,
        le=1,
    )
    rescan: Integer = setting(
        15,
        "Once a face is known only its surroundings are searched, and the whole picture every so many frames "
        "(at least once a second). Fewer: newcomers are seen sooner, more work.",
        ge=1,
        le=1000,
        unit="frames",
    )
    model: PathSetting | None = setting(
        None, "The .onnx file of yunet.", private=True, example="face_detection_yunet_2023mar.onnx"
    )

    @model_validator(mode="after")
    def _rules(self) -> Detector:
        if self.kind == "yunet" and self.model is None:
            raise broken_rule(("model", "kind"), "kind yunet needs the path of its .onnx file here")
        return self


class Classifier(Section):
    """The network that scores the expressions of a face."""

    kind: Literal["litert", "keras"] = setting(
        "litert",
        "litert: runs a .tflite file, light enough for a Pi. keras: runs a .keras, .h5 or .hdf5 file; "
        "needs TensorFlow.",
    )
    model: PathSetting | None = setting(
        None, "The network's file; null: the one that ships.", private=True, example="model/mine.tflite"
    )
    architecture: PathSetting | None = setting(
        None,
        "keras: the .json file with the architecture, where `model` holds only the weights.",
        private=True,
        example="fer.json",
    )
    classes: ClassOrder | None = setting(
        None,
        "Order of the network's seven outputs, for a network without a description (a .json file) beside it; "
        "null: what the description says, else the order of FER2013.",
    )
    scaling: Literal["0..255", "0..1", "-1..1"] | None = setting(
        None,
        "Range of gray values that a network without a description wants; null: what the description says.",
    )


class Trigger(Section):
    """When the picture is taken."""

    threshold: Number = setting(
        0.6,
        "A face smiles when happy is its largest class and P(happy) is at least this. "
        "Higher: only broad smiles count, fewer false shots, more missed smiles.",
        gt=0,
        le=1,
        live=True,
    )
    release: Number | None = setting(
        None,
        "After a shot, P(happy) must fall below this before the same face can fire again; below threshold. "
        "Lower: one long smile is less likely to give two pictures. null: two thirds of threshold.",
        ge=0,
        le=1,
        live=True,
        example=0.4,
    )
    hold: HoldFor = setting(
        Hold(frames=10),
        "How long the smile is held: consecutive frames (10), or a time (400ms; then at least 3 frames, none "
        "more than 250ms apart). Longer: fewer false shots, a later picture.",
        live=True,
        example="400ms",
    )
    grace: Integer = setting(
        2,
        "So many frames in which a known face is not detected neither count nor reset the hold. "
        "More: forgives a flickering detector; too many: bridges real gaps.",
        ge=0,
        le=100,
        unit="frames",
        live=True,
    )
    leave_after: Duration = setting(
        1.0, "A face has left when it was not detected for this long.", gt=0, le=60, live=True
    )
    cooldown: Duration = setting(2.0, "Shortest time between two shots.", ge=0, le=3600, live=True)
    repeat: Duration | None = setting(
        None,
        "Take another picture this often while the smile lasts, not shorter than cooldown; "
        "null: one smile is one picture.",
        gt=0,
        le=3600,
        live=True,
        example="5s",
    )
    policy: Policy = setting(
        "any",
        "Who must smile: any (one face for the whole hold), all, largest (the nearest face), or a count "
        "such as 2.",
        live=True,
    )
    min_face: Number = setting(
        0.14,
        "Faces smaller than this share of the picture's shorter side take no part. "
        "Smaller: people further away count, with less reliable scores.",
        ge=0,
        le=1,
        live=True,
    )
    min_relative: Number = setting(
        0.4,
        "Faces smaller than this share of the largest face's width take no part: people in the background. "
        "0: everybody counts.",
        ge=0,
        le=1,
        live=True,
    )
    min_presence: Duration = setting(
        0.3,
        "A face takes part after it has been there this long: passers-by neither fire nor block.",
        ge=0,
        le=60,
        live=True,
    )
    together: Duration | None = setting(
        None,
        "all and counts: smiles need not be held at the same moment, it is enough that each was within "
        "this time. null: at the same moment.",
        gt=0,
        le=60,
        live=True,
        example="1s",
    )
    countdown: Duration | None = setting(
        None,
        "For posed pictures: count down this long, shown large, after the smile was held; a lost pose "
        "cancels it.",
        gt=0,
        le=60,
        live=True,
        example="3s",
    )

    @property
    def release_level(self) -> float:
        """`release`, or two thirds of `threshold` where it is null."""
        return self.threshold * 2 / 3 if self.release is None else self.release

    @model_validator(mode="after")
    def _rules(self) -> Trigger:
        if self.release is not None and self.release >= self.threshold:
            raise broken_rule(
                ("release", "threshold"),
                "need 0 <= release < threshold <= 1, "
                f"got release={self.release:g}, threshold={self.threshold:g}",
            )
        if self.repeat is not None and self.repeat < self.cooldown:
            raise broken_rule(
                ("repeat", "cooldown"),
                f"need repeat >= cooldown, got repeat={self.repeat:g}s, cooldown={self.cooldown:g}s",
            )
        return self


class Moment(Section):
    """Which frame of the smile is kept: the best of a short window; null: plainly the last of the hold."""

    before: Duration = setting(
        0.3,
        "The window begins this long before the trigger fires. Longer: more choice, more memory.",
        ge=0,
        le=3,
        live=True,
    )
    after: Duration = setting(
        0.2,
        "The window ends this long after it. Longer: more choice, the picture appears later.",
        ge=0,
        le=3,
        live=True,
    )
    keep: Integer = setting(
        1, "How many frames are kept: the best and its alternatives, apart in time.", ge=1, le=3, live=True
    )


class Saver(Section):
    """The files of the pictures."""

    folder: PathSetting = setting(
        "images_clicked", "Where pictures are saved; made when missing.", private=True
    )
    format: Literal["jpg", "png"] = setting(
        "jpg", "jpg: small files. png: without loss, several times larger and slower.", live=True
    )
    quality: Integer = setting(
        95,
        "jpg: higher is finer and larger; above 95 files grow and nobody sees it.",
        ge=1,
        le=100,
        live=True,
    )
    name: NamePattern = setting(
        "selfie-{date}-{time}-{ms}",
        "Name of a picture without its ending, made of text and {date} {time} {ms} {counter} {score}. "
        "A name that is taken gets a number.",
        live=True,
        example="party-{counter}-{score}",
    )
    save_overlay: Switch = setting(
        False, "Save the picture with boxes and bars drawn on it too, in a second file.", live=True
    )


class Storage(Section):
    """How much of the disk the pictures may take."""

    max_size: Size | None = setting(
        None,
        "Most that the folder's pictures may take together; null: no limit.",
        gt=0,
        live=True,
        example="8GB",
    )
    min_free: Size = setting(
        500_000_000, "Free space that is always left on the disk, for everything else on it.", ge=0, live=True
    )
    max_age: Duration | None = setting(
        None, "Pictures older than this are removed; null: they are kept.", gt=0, live=True, example="30d"
    )
    when_full: Literal["stop", "remove_oldest"] = setting(
        "stop",
        "At max_size or min_free: stop taking pictures, or remove_oldest (never one that a person rated 5).",
        live=True,
    )
    near_misses: Integer = setting(
        0,
        "Keep so many of the best frames that did not fire, in the pictures' folder near_misses, to see "
        "what the threshold cost. 0: none.",
        ge=0,
        le=10_000,
        unit="pictures",
        live=True,
    )


class Window(Section):
    """The window on this machine's screen."""

    show: AutoSwitch = setting("auto", "auto: when there is a display.")
    mirror: Switch = setting(
        True, "Show people as in a mirror; what is analysed and saved is never mirrored.", live=True
    )
    overlay: Switch = setting(True, "Draw boxes, bars and the ring over the picture.", live=True)
    fullscreen: Switch = setting(False, "Fill the screen.", live=True)


class Performance(Section):
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


class Web(Section):
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
        "What the page asks for on any address but this machine's own; null: one is made and printed at "
        "the first start.",
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
    public_url: Text | None = setting(
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


class Gpio(Section):
    """Pins of a Raspberry Pi, by their BCM number."""

    led: Integer | None = setting(
        None, "An LED that follows the progress of the hold.", ge=0, le=27, unit="BCM pin", example=17
    )
    buzzer: Integer | None = setting(
        None, "A buzzer that sounds at a shot.", ge=0, le=27, unit="BCM pin", example=18
    )
    shutter: Integer | None = setting(
        None, "A button that takes a picture now.", ge=0, le=27, unit="BCM pin", example=2
    )
    arm: Integer | None = setting(
        None, "A switch: closed, the trigger may fire.", ge=0, le=27, unit="BCM pin", example=3
    )

    @model_validator(mode="after")
    def _rules(self) -> Gpio:
        taken: dict[int, str] = {}
        for name in ("led", "buzzer", "shutter", "arm"):
            pin = getattr(self, name)
            if pin in taken:
                raise broken_rule((name, taken[pin]), f"pin {pin} is already that of gpio.{taken[pin]}")
            if pin is not None:
                taken[pin] = name
        return self


class Settings(Section):
    """All settings; `Settings()` are the defaults, relative paths as they stand."""

    source: Source = Field(default_factory=Source)
    detector: Detector = Field(default_factory=Detector)
    classifier: Classifier = Field(default_factory=Classifier)
    trigger: Trigger = Field(default_factory=Trigger)
    moment: Moment | None = Field(default_factory=Moment)
    saver: Saver = Field(default_factory=Saver)
    storage: Storage = Field(default_factory=Storage)
    window: Window = Field(default_factory=Window)
    performance: Performance = Field(default_factory=Performance)
    web: Web = Field(default_factory=Web)
    gpio: Gpio = Field(default_factory=Gpio)
