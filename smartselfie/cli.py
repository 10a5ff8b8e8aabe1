"""The command line: options and help only; what a command does lies in `smartselfie.commands`."""

from __future__ import annotations

import logging
import os
import signal
import sys
import traceback
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import typer

from smartselfie._version import __version__
from smartselfie.errors import SmartSelfieError

app = typer.Typer(
    name="smartselfie",
    rich_markup_mode="markdown",
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)

Config = Annotated[
    Path | None,
    typer.Option("--config", "-c", help="Settings file; without it ./config.yaml, if there is one."),
]
Set = Annotated[
    list[str] | None, typer.Option("--set", metavar="KEY=VALUE", help="Override a setting; repeatable.")
]
Verbose = Annotated[int, typer.Option("--verbose", "-v", count=True, help="Say more; twice: everything.")]
Quiet = Annotated[bool, typer.Option("--quiet", "-q", help="Say only what is wrong.")]


def _show_version(wanted: bool) -> None:
    if wanted:
        print(f"smartselfie {__version__}")
        raise typer.Exit


@app.callback()
def root(
    version: Annotated[
        bool, typer.Option("--version", "-V", callback=_show_version, is_eager=True, help="Say the version.")
    ] = False,
) -> None:
    """A camera that takes the picture when you smile. Without a command it runs."""


EXAMPLES_RUN = """
Examples:

    smartselfie                                     the first camera, a window, ten frames of smile

    smartselfie --source party.mp4 --headless --events -

    smartselfie --source rtsp://10.0.0.7/stream --headless --web --listen 0.0.0.0:8000

    smartselfie --set trigger.threshold=0.7 --set trigger.policy=all
"""


@app.command(epilog=EXAMPLES_RUN)
def run(
    config: Config = None,
    source: Annotated[
        str | None,
        typer.Option(
            help="auto, 0, /dev/video0, clip.mp4, http://..., rtsp://..., a folder, picamera or demo."
        ),
    ] = None,
    headless: Annotated[bool, typer.Option("--headless", help="Open no window.")] = False,
    web: Annotated[bool, typer.Option("--web", help="Serve the page.")] = False,
    listen: Annotated[
        str | None, typer.Option(metavar="HOST:PORT", help="Where the page is served; implies --web.")
    ] = None,
    events: Annotated[
        str | None, typer.Option(metavar="FILE", help="Write events as JSON lines; - is standard output.")
    ] = None,
    realtime: Annotated[
        bool, typer.Option("--realtime", help="Play a recording or the demo at its own speed.")
    ] = False,
    safe: Annotated[
        bool, typer.Option("--safe", help="Start with the defaults when the settings file is broken.")
    ] = False,
    overrides: Set = None,
    verbose: Verbose = 0,
    quiet: Quiet = False,
) -> None:
    """Watch the camera and take the picture when somebody smiles."""
    from smartselfie.commands.run import Options, run

    start_logging(verbose, quiet)
    given = list(overrides or ())
    for key, value in (("source.use", source), ("web.listen", listen)):
        if value is not None:
            given.append(f"{key}={value}")
    if headless:
        given.append("window.show=false")
    if web or listen is not None:
        given.append("web.enabled=true")
    options = Options(config=config, overrides=tuple(given), events=events, realtime=realtime, safe=safe)
    raise typer.Exit(run(options))


def start_logging(verbose: int, quiet: bool) -> None:
    """Log to stderr in words for people; under systemd without times, which the journal adds itself."""
    level = logging.WARNING if quiet else logging.DEBUG if verbose > 1 else logging.INFO
    stamp = "" if "JOURNAL_STREAM" in os.environ else "%(asctime)s "
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(logging.Formatter(stamp + "%(levelname_lower)s%(message)s", "%H:%M:%S"))
    handler.addFilter(_name_level)
    logger = logging.getLogger("smartselfie")
    logger.handlers[:] = [handler]
    logger.setLevel(level)
    logger.propagate = False


def _name_level(record: logging.LogRecord) -> bool:
    """Name the level where it says something: information needs no label."""
    record.levelname_lower = "" if record.levelno == logging.INFO else record.levelname.lower() + ": "
    return True


def _commands() -> set[str]:
    return {
        command.name or str(getattr(command.callback, "__name__", "")) for command in app.registered_commands
    }


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the command line; ends the process with the exit code that DESIGN's list gives."""
    words = list(sys.argv[1:] if arguments is None else arguments)
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    shell_asks = any(name.startswith("_SMARTSELFIE_COMPLETE") for name in os.environ)
    groups = ("-h", "--help", "-V", "--version", "--install-completion", "--show-completion")
    if not shell_asks and not (words and (words[0] in _commands() or words[0] in groups)):
        words.insert(0, "run")
    traceback_wanted = any(word in ("-v", "-vv", "--verbose") for word in words)
    try:
        app(words, prog_name="smartselfie", standalone_mode=True)
    except KeyboardInterrupt:
        sys.exit(0)
    except BrokenPipeError:  # whoever read our output has gone; nobody is left to tell
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(1)
    except Exception as error:
        if traceback_wanted:
            traceback.print_exc()
        print(f"smartselfie: {_one_line(error, traceback_wanted)}", file=sys.stderr)
        sys.exit(error.exit_code if isinstance(error, SmartSelfieError) else 1)


def _one_line(error: Exception, traceback_shown: bool) -> str:
    match error:
        case SmartSelfieError():
            return str(error)
        case ImportError():
            return explain_import(error)
        case _:
            hint = "" if traceback_shown else "; -v shows where, please report it"
            return f"internal error: {type(error).__name__}: {error}{hint}"


def explain_import(error: ImportError) -> str:
    """Return one line that says what is missing and how to install it."""
    text = str(error)
    for library in ("libGL.so.1", "libgthread-2.0.so.0", "libglib-2.0.so.0"):
        if library in text:
            return f"the system library {library} is missing; run: sudo apt install libgl1 libglib2.0-0"
    return f"{text}; run: pip install '{_extra_of(error.name or '')}'"


def _extra_of(module: str) -> str:
    extras = {
        "web": ("fastapi", "uvicorn", "websockets", "multipart", "python_multipart", "starlette"),
        "train": ("tensorflow", "keras", "matplotlib", "sklearn"),
        "pi": ("gpiozero",),
    }
    for extra, modules in extras.items():
        if module.split(".")[0] in modules:
            return f"smartselfie[{extra}]"
    return "smartselfie"
