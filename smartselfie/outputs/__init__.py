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

    def begin(self) -> None:
        """The program runs: begin what it does by itself."""

    def event(self, event: Event) -> None:
        """Take an event."""

    def view(self, view: View) -> None:
        """Take the newest view."""

    def report(self) -> dict[str, object]:
        """Tell how it is, for the status; JSON-able, never waits."""
        return {}

    def close(self) -> None:
        """Give back what it holds."""


OUTPUTS: Family[Output] = Family(
    "outputs",
    {
        "events": KindEntry("smartselfie.outputs.events", "a file with one JSON object a line."),
        "exec": KindEntry("smartselfie.outputs.exec", "a command that is run."),
        "webhook": KindEntry("smartselfie.outputs.webhook", "an address that is posted to, signed."),
        "notify": KindEntry(
            "smartselfie.outputs.notify", "messages to people, with the picture; needs smartselfie[notify]."
        ),
        "upload": KindEntry(
            "smartselfie.outputs.upload", "pictures into an object store; needs smartselfie[upload]."
        ),
        "immich": KindEntry("smartselfie.outputs.immich", "pictures into Immich."),
        "mqtt": KindEntry(
            "smartselfie.outputs.mqtt",
            "a broker, and with it Home Assistant: the camera as a device; needs smartselfie[mqtt].",
        ),
        "metrics": KindEntry(
            "smartselfie.outputs.metrics", "numbers for Prometheus at /metrics; needs smartselfie[metrics]."
        ),
    },
    base=OutputSettings,
)
"""A kind's module has `Settings(OutputSettings)` and `build(settings, *, around: Surroundings) -> Output`."""
