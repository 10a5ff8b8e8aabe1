"""What the labels of a data set mean: its words and numbers, and the classes that they become."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field

from smartselfie.errors import UsageError
from smartselfie.records import CLASSES

SYNONYMS = {
    "anger": "angry",
    "mad": "angry",
    "disgusted": "disgust",
    "afraid": "fear",
    "fearful": "fear",
    "scared": "fear",
    "happiness": "happy",
    "joy": "happy",
    "smile": "happy",
    "sadness": "sad",
    "surprised": "surprise",
    "suprise": "surprise",
    "calm": "neutral",
}
_WITH_CONTEMPT = (*CLASSES, "contempt")
_AFFECTNET = ("neutral", "happy", "sad", "surprise", "fear", "disgust", "angry", "contempt")
KNOWN: Mapping[str, tuple[tuple[str, ...], int]] = {
    "fer2013": (CLASSES, 0),
    "expw": (CLASSES, 0),
    "ferg": (CLASSES, 0),
    "jaffe": (CLASSES, 0),
    "raf-db": (("surprise", "fear", "disgust", "happy", "sad", "angry", "neutral"), 1),
    "affectnet7": (_AFFECTNET[:7], 0),
    "affectnet8": (_AFFECTNET, 0),
    "ferplus8": (_WITH_CONTEMPT, 0),
    "ck+": (("neutral", "angry", "contempt", "disgust", "fear", "happy", "sad", "surprise"), 0),
}
"""Sets that people download: their classes in the order of their numbers, and the first number."""


@dataclass(frozen=True, slots=True)
class LabelSet:
    """The classes, and how a data set writes them."""

    classes: tuple[str, ...] = CLASSES
    words: Mapping[str, str] = field(default_factory=dict)
    """Further words and numbers, lower case -> class, or "" for what is to be left out."""

    def index(self, label: str, *, numbers: bool = False) -> int:
        """Return the index of a label's class; `numbers`: without a mapping, 0 and so on are FER2013's.

        Folders such as `0_angry` and numbers such as `3.0` are understood. ValueError when it is unknown.
        """
        word = label.strip().lower()
        if re.fullmatch(r"\d+\.0*", word):
            word = word.split(".")[0]
        if word not in self.words and (named := re.fullmatch(r"\d+[\s_.-]+(\D.*)", word)):
            word = named[1]
        if word.isdigit() and word not in self.words:
            if numbers and not self.words and int(word) < len(self.classes):
                return int(word)
            if numbers:
                raise ValueError(f"unknown emotion {label.strip()!r}")
            raise ValueError(
                f"what the number {word} means is not known: say --classes {', '.join(KNOWN)}, "
                "or what each means, as in --classes 1=surprise,2=fear"
            )
        word = self.words.get(word, word)
        if word == "":
            raise ValueError(f"{label.strip()!r} is left out by --classes")
        word = word if word in self.classes else SYNONYMS.get(word, word)
        if word not in self.classes:
            raise ValueError(
                f"unknown emotion {label.strip()!r} (--classes names others, or maps it: {word}=happy)"
            )
        return self.classes.index(word)


def read_classes(text: str | None) -> LabelSet:
    """Read what `--classes` says: the name of a known set, class names, or words and numbers mapped to them.

    `raf-db`; `happy,neutral,wink`; `1=surprise,2=fear,contempt=` (nothing: left out). FER2013's classes come
    first and in their order, others as they are named. Raises UsageError.
    """
    if text is None:
        return LabelSet()
    if text.strip().lower() in KNOWN:
        names, first = KNOWN[text.strip().lower()]
        return LabelSet(_ordered(names), {str(first + place): name for place, name in enumerate(names)})
    words: dict[str, str] = {}
    named: list[str] = []
    for part in text.lower().split(","):
        word, equals, name = (each.strip() for each in part.partition("="))
        if not word or (not equals and word.isdigit()):
            raise UsageError(
                f"--classes {text!r}: need one of {', '.join(KNOWN)}, or names such as happy,neutral, "
                "or what each means such as 1=surprise,2=fear"
            )
        name = SYNONYMS.get(name, name) if equals else SYNONYMS.get(word, word)
        if word in words:
            raise UsageError(f"--classes {text!r}: says twice what {word} means")
        words[word] = name
        if name:
            named.append(name)
    if len(set(named)) < 2:
        raise UsageError(f"--classes {text!r}: need two classes at least")
    return LabelSet(_ordered(named), words)


def _ordered(names: list[str] | tuple[str, ...]) -> tuple[str, ...]:
    """FER2013's in their order, then the others."""
    known = [name for name in CLASSES if name in names]
    return tuple(dict.fromkeys([*known, *names]))
