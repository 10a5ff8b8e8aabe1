"""The commands that make the network, for typer, a module each; what is heavy waits until one runs."""

from __future__ import annotations

import typer

from smartselfie.training.commands import evaluate, export, prepare, train


def register(app: typer.Typer) -> None:
    """Add the four commands to the program's."""
    app.command(epilog=prepare.EXAMPLES)(prepare.prepare)
    app.command(epilog=train.EXAMPLES)(train.train)
    app.command(epilog=evaluate.EXAMPLES)(evaluate.evaluate)
    app.command(epilog=export.EXAMPLES)(export.export)


app = typer.Typer(no_args_is_help=True, pretty_exceptions_enable=False)
"""The four alone, for `python -m smartselfie.training.commands`."""
register(app)
