"""The command line: options and help only; what a command does lies in `smartselfie.commands`."""

from __future__ import annotations

import os
import re
import signal
import sys
import traceback
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import typer

from smartselfie._version import __version__
from smartselfie.commands import measuring
from smartselfie.commands.console import one_line, start_logging
from smartselfie.commands.grouping import Group, complete_as_default
from smartselfie.commands.options import (
    Config,
    Json,
    Quiet,
    Set,
    Verbose,
    examples,
    quoted,
    read_settings,
    settings_file,
)
from smartselfie.errors import SmartSelfieError
from smartselfie.redact import redact

NETWORK_COMMANDS = ("prepare", "train", "evaluate", "export")
"""What `smartselfie.training.commands` holds; it is imported only for these and for the help."""

app = typer.Typer(
    name="smartselfie",
    cls=Group,
    rich_markup_mode="markdown",
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)


def _complete_source(given: str) -> list[str]:
    """Return the sources that are chosen by a name, for the shell."""
    from smartselfie.sources import names

    return [name for name in names() if name.startswith(given)]


SOURCE = typer.Option(help="What to watch.", autocompletion=_complete_source)
"""Its help is filled in when somebody asks for it: the registry of sources is not loaded for less."""


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


@app.command(
    epilog=examples(
        "smartselfie                              the first camera, a window, ten frames of smile",
        "smartselfie --source party.mp4 --headless --events -",
        "smartselfie --headless --web --listen 0.0.0.0:8000",
        "smartselfie --set trigger.threshold=0.7 --set trigger.policy=all",
    ),
)
def run(
    config: Config = None,
    source: Annotated[str | None, SOURCE] = None,
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
    from smartselfie.commands.run import RunOptions, run

    start_logging(verbose, quiet)
    given = list(overrides or ())
    for key, value in (("source.use", source), ("web.listen", listen)):
        if value is not None:
            given.append(f"{key}={quoted(value)}")
    if headless:
        given.append("window.show=false")
    if web or listen is not None:
        given.append("web.enabled=true")
    options = RunOptions(config=config, overrides=tuple(given), events=events, realtime=realtime, safe=safe)
    raise typer.Exit(run(options))


@app.command(
    name="web",
    epilog=examples(
        "smartselfie web                              http://127.0.0.1:8000",
        "smartselfie web --listen 0.0.0.0:8000        for the whole network, behind a password",
        "smartselfie web --public                     for a host: only the classifier, no password",
    ),
)
def serve(
    config: Config = None,
    listen: Annotated[
        str | None,
        typer.Option(metavar="HOST:PORT", help="Where; without it what PORT asks for, else web.listen."),
    ] = None,
    public: Annotated[
        bool, typer.Option("--public", help="Serve only the classifier, without a password.")
    ] = False,
    overrides: Set = None,
    verbose: Verbose = 0,
    quiet: Quiet = False,
) -> None:
    """Serve the page without a camera: try a photo, or the browser's own camera."""
    from smartselfie.commands.web import hosted_address, web

    start_logging(verbose, quiet)
    given = [*(overrides or ())]
    if (address := listen or hosted_address()) is not None:
        given.append(f"web.listen={quoted(address)}")
    if public:
        given.append("web.public=true")
    path = settings_file(config)
    raise typer.Exit(web(read_settings(path, given), path))


@app.command(
    epilog=examples(
        "smartselfie check",
        "smartselfie check --source http://camera/stream -v      what a camera sends, and what is forgiven",
        "smartselfie check --set source.use=/dev/video2 --json",
    ),
)
def check(
    config: Config = None,
    source: Annotated[str | None, SOURCE] = None,
    overrides: Set = None,
    as_json: Json = False,
    verbose: Verbose = 0,
) -> None:
    """Look at settings, camera, detector, model, display and disk; exit 1 if `run` would fail."""
    from smartselfie.commands.check import check

    start_logging(verbose, quiet=not verbose)
    given = tuple(overrides or ())
    if source is not None:
        given = (f"source.use={quoted(source)}", *given)
    raise typer.Exit(check(config, given, as_json=as_json, verbose=bool(verbose)))


@app.command(
    epilog=examples(
        "smartselfie classify party.jpg holiday/",
        "smartselfie classify --json *.png | jq .faces",
        "smartselfie classify --annotate annotated/ party.jpg",
    ),
)
def classify(
    images: Annotated[list[str], typer.Argument(metavar="IMAGE...", help="Pictures, folders, patterns.")],
    config: Config = None,
    overrides: Set = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print a line of JSON per picture.")] = False,
    annotate: Annotated[
        Path | None, typer.Option(metavar="DIR", help="Write copies with boxes and bars there.")
    ] = None,
    whole: Annotated[
        bool, typer.Option("--whole", help="Take each picture as one face; search nothing.")
    ] = False,
    detect_width: Annotated[
        int | None, typer.Option(min=80, max=4096, help="Search faces in a copy this wide.")
    ] = None,
    verbose: Verbose = 0,
) -> None:
    """Print the probabilities of every face in pictures."""
    from smartselfie.commands.classify import classify

    start_logging(verbose, quiet=not verbose)
    settings = read_settings(settings_file(config), overrides)
    raise typer.Exit(
        classify(
            images,
            settings,
            as_json=as_json,
            annotate_into=annotate,
            whole=whole,
            detect_width=detect_width,
        )
    )


app.registered_commands += measuring.app.registered_commands


@app.command(epilog=examples("smartselfie status", "smartselfie status --json | jq .camera"))
def status(
    as_json: Json = False,
    folder: Annotated[
        Path | None, typer.Option(metavar="DIR", help="Only the daemon that saves its pictures there.")
    ] = None,
    verbose: Verbose = 0,
) -> None:
    """Say how the running daemons are; exit 1 when one is unwell or none runs."""
    from smartselfie.commands.status import status

    start_logging(verbose, quiet=not verbose)
    raise typer.Exit(status(as_json=as_json, pictures=folder))


@app.command(epilog=examples("smartselfie init", "smartselfie init ~/party"))
def init(
    folder: Annotated[Path, typer.Argument(metavar="[DIR]", help="Where; default: here.")] = Path(),
    verbose: Verbose = 0,
) -> None:
    """Write a config.yaml with every setting explained, to start from."""
    from smartselfie.commands.init import init

    start_logging(verbose, quiet=not verbose)
    print(init(folder))


def _commands() -> set[str]:
    names = (command.name or getattr(command.callback, "__name__", "") for command in app.registered_commands)
    return {*names, *NETWORK_COMMANDS}


def _add_network_commands() -> None:
    from smartselfie.training import commands

    commands.register(app)


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the command line; ends the process with the exit code that README.md lists."""
    _open_closed_streams()
    words = list(sys.argv[1:] if arguments is None else arguments)
    shell_asks = any(name.startswith("_SMARTSELFIE_COMPLETE") for name in os.environ)
    groups = ("-h", "--help", "-V", "--version", "--install-completion", "--show-completion")
    if not shell_asks and (not words or (words[0].startswith("-") and words[0] not in groups)):
        words.insert(0, "run")
    if {"--help", "-h"} & set(words):
        from smartselfie.sources import SOURCES

        SOURCE.help = f"What to watch: {SOURCES.takes()}."
    if shell_asks:
        complete_as_default()
    if shell_asks or words[0] not in _commands() - set(NETWORK_COMMANDS):
        _add_network_commands()
    stops_well = words[:1] in (["run"], ["web"])  # these are stopped, not broken off, also while they start
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, _stop if stops_well else signal.default_int_handler)
    traceback_wanted = any(re.fullmatch(r"-[qv]*v[qv]*|--verbose", word) for word in words)
    try:
        app(words, prog_name="smartselfie", standalone_mode=True)
    except BrokenPipeError:  # whoever read our output has gone; nobody is left to tell
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(1)
    except Exception as error:
        if traceback_wanted:
            traceback.print_exc()
        print(f"smartselfie: {redact(one_line(error, traceback_wanted))}", file=sys.stderr)
        sys.exit(error.exit_code if isinstance(error, SmartSelfieError) else 1)


def _open_closed_streams() -> None:
    """Give standard streams that were closed a place to write to; else messages would go to another's."""
    for name in ("stdout", "stderr"):
        if getattr(sys, name) is None:
            setattr(sys, name, open(os.devnull, "w", encoding="utf-8"))  # noqa: SIM115, PTH123 - until the end


def _stop(number: int, stack: object) -> None:
    raise SystemExit(0)
