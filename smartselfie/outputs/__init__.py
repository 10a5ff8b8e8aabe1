"""The outputs, which tell others what happens: one file per kind, imported only when it is chosen."""

from __future__ import annotations

from smartselfie.records import Event, View
from smartselfie.schema.fields import Section, setting
from smartselfie.schema.kinds import Family, KindEntry
from smartselfie.schema.values import Texts
from smartselfie.seams import Output


class OutputSettings(Section):
    """One of those who are told what happens."""

    kind: str = ""
    only: Texts = setting(
        (), "Names of the events it is told, such as [shot]; none: every event.", example=["shot"]
    )


class BaseOutput:
    """An output that takes nothing: a kind overrides what it wants."""

    view_every: float | None = None

    def event(self, event: Event) -> None:
        """Take an event."""

    def view(self, view: View) -> None:
        """Take the newest view."""

    def close(self) -> None:
        """Give back what it holds."""


OUTPUTS: Family[Output] = Family(
    "outputs",
    {"events": KindEntry("smartselfie.outputs.events", "a file with one JSON object a line.")},
    base=OutputSettings,
)
"""A kind's module has `Settings(OutputSettings)` and `build(settings, *, around: Surroundings) -> Output`."""
