"""The settings of the files: how they are written, and how much of the disk they take."""

from __future__ import annotations

from typing import Literal

from smartselfie.saving.defaults import FORMAT, NAME, QUALITY
from smartselfie.schema.fields import Section, setting
from smartselfie.schema.values import Duration, Integer, NamePattern, PicturesFolder, Size, Switch


class SaverSettings(Section):
    """The files of the pictures."""

    folder: PicturesFolder = setting(
        "images_clicked", "Where pictures are saved; made when missing.", private=True
    )
    format: Literal["jpg", "png"] = setting(
        FORMAT, "jpg: small files. png: without loss, several times larger and slower.", live=True
    )
    quality: Integer = setting(
        QUALITY,
        "jpg: higher is finer and larger; above 95 files grow and nobody sees it.",
        ge=1,
        le=100,
        live=True,
    )
    name: NamePattern = setting(
        NAME,
        "Name of a picture without its ending, made of text and {date} {time} {ms} {counter} {score}. "
        "A name that is taken gets a number.",
        live=True,
        example="party-{counter}-{score}",
    )
    save_overlay: Switch = setting(
        False, "Save the picture with boxes and bars drawn on it too, in a second file.", live=True
    )


class StorageSettings(Section):
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
