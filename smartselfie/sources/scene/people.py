"""Who plays in the demo."""

from __future__ import annotations

from dataclasses import dataclass

from smartselfie.sources.scene.canvas import Color


@dataclass(frozen=True, slots=True)
class Person:
    """What somebody looks like; colours are BGR."""

    skin: Color = (150, 182, 232)
    hair: Color = (32, 46, 78)
    iris: Color = (70, 96, 120)
    shirt: Color = (128, 104, 52)
    style: str = "bob"
    """The hair: bob, short or bun."""


PEOPLE = (
    Person(),
    Person(skin=(112, 146, 200), hair=(24, 24, 30), iris=(40, 58, 84), shirt=(86, 112, 178), style="short"),
    Person(skin=(164, 194, 238), hair=(58, 112, 176), iris=(132, 122, 84), shirt=(118, 132, 84), style="bun"),
    Person(skin=(84, 116, 170), hair=(20, 22, 30), iris=(32, 44, 66), shirt=(70, 150, 190), style="bob"),
    Person(skin=(146, 178, 228), hair=(40, 70, 120), iris=(110, 106, 70), shirt=(120, 84, 92), style="short"),
)
