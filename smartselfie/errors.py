"""The exception tree: one root, and below each kind a built-in that callers may already catch.

Every error a user can cause is one of these; its text is one line that says what, where and what to do.
`exit_code` is what the command line ends with when the error reaches it.
"""


class SmartSelfieError(Exception):
    """The root of all errors of this package: what is wrong, and what to do about it.

    Its text is both, "what; remedy".
    """

    exit_code = 1

    def __init__(self, what: str = "", *, remedy: str = "") -> None:
        super().__init__(what)
        self.what = what
        self.remedy = remedy

    def __str__(self) -> str:
        return f"{self.what}; {self.remedy}" if self.remedy else self.what


class ConfigError(SmartSelfieError, ValueError):
    """A setting is missing, unknown or out of range."""

    exit_code = 2


class UsageError(SmartSelfieError, ValueError):
    """The command line asks for something that cannot be."""

    exit_code = 2


class PluginError(SmartSelfieError, ImportError):
    """A kind of part that another package brings cannot be loaded."""

    exit_code = 2


class SourceError(SmartSelfieError, OSError):
    """A source of frames cannot be opened or read."""


class NoCameraError(SourceError):
    """There is no camera, or none that opens."""

    exit_code = 3


class CameraLostError(SourceError):
    """A camera that gave frames gives none any more."""


class CameraStuckError(SourceError):
    """A reader is blocked inside the driver; only a new process gets the device back."""

    exit_code = 75


class PictureError(SmartSelfieError, ValueError):
    """A picture cannot be decoded, or is larger than allowed."""


class PictureTooLargeError(PictureError):
    """A picture has more bytes or pixels than are read."""


class DetectorError(SmartSelfieError, ValueError):
    """A cascade or detector model is missing or of the wrong kind."""


class ModelError(SmartSelfieError, ValueError):
    """An expression network is missing, of the wrong kind or does not fit its description."""


class SaveError(SmartSelfieError, OSError):
    """A picture cannot be written."""


class DisplayError(SmartSelfieError, RuntimeError):
    """There is no display to open a window on."""


class GpioError(SmartSelfieError, RuntimeError):
    """A pin of the Raspberry Pi cannot be used."""


class OutputError(SmartSelfieError, OSError):
    """An output cannot tell what happened now; it is asked again."""

    pause = 0.0
    """Seconds that the far side asks to be left alone for."""


class RefusedError(OutputError):
    """The far side is there and does not take this one thing; `again`: it may another time."""

    def __init__(self, what: str, *, remedy: str = "", again: bool = False) -> None:
        super().__init__(what, remedy=remedy)
        self.again = again


class ExtraMissingError(SmartSelfieError, ImportError):
    """What a kind of output needs is not installed."""

    exit_code = 2


class BusyError(SmartSelfieError, RuntimeError):
    """The loop does not get to the commands it has."""


class WebError(SmartSelfieError, OSError):
    """The web server cannot listen."""


class DataError(SmartSelfieError, ValueError):
    """Training or evaluation data is missing or malformed."""
