"""Settings to the parts of the pipeline: each kind is imported only when it is chosen."""

from __future__ import annotations

from pathlib import Path

import cv2

from smartselfie import settings as s
from smartselfie.classifiers import CLASSIFIERS, ClassifierSettings
from smartselfie.deciding.evidence import EvidenceModel
from smartselfie.deciding.eyes import EYE_CASCADE, EyeMeter
from smartselfie.deciding.face_quality import FaceQualityMeter
from smartselfie.deciding.moment import Moment
from smartselfie.deciding.rules import Rules
from smartselfie.deciding.spread_search import SpreadSearchTracker
from smartselfie.deciding.tracking import Tracker
from smartselfie.deciding.trigger import Trigger
from smartselfie.detectors import DETECTORS, DetectorSettings
from smartselfie.errors import ConfigError, ModelError
from smartselfie.pipeline import Analysis
from smartselfie.seams import Classifier, Detector

FULL_EVERY = 1.0
"""Seconds between two searches of the whole picture at the most."""
EVIDENCE_NAME = "trigger.json"
"""The model of the last second that ships, beside the networks."""
VISIBLE_BELOW = 0.8
"""Faces down to this share of `min_face` are found too, so that people see why they take no part."""


def build_detector(settings: DetectorSettings, *, min_face: float) -> Detector:
    """Make the face detector; `min_face`: smallest face wanted, a share of the picture's shorter side."""
    return DETECTORS.build(settings, smallest=smallest_wanted(min_face))


def smallest_wanted(min_face: float) -> float:
    """Return the smallest face to search for, as a share of the picture's shorter side."""
    return min_face * VISIBLE_BELOW


def build_photo_detector(settings: DetectorSettings, *, width: int | None = None) -> Detector:
    """Make the face detector for single photos, where small faces count and a search may take longer.

    `width`: pixels across the copy that is searched, where the kind searches one.
    """
    return build_detector(settings.for_photos(width), min_face=0.0)


def build_classifier(
    settings: ClassifierSettings, *, threads: int, expression: tuple[str, ...] | None = None
) -> Classifier:
    """Load the expression network; without a model the one that ships.

    `expression`: what a picture is wanted of. Raises ConfigError when the network does not tell it.
    """
    classifier = CLASSIFIERS.build(settings, threads=threads)
    about = getattr(classifier, "description", None)
    if expression is None or about is None:
        return classifier
    unknown = [name for name in expression if name not in about.known]
    if unknown:
        raise ConfigError(
            f"trigger.expression: the network does not tell {unknown[0]!r}",
            remedy=f"it tells {', '.join(about.known)}",
        )
    classifier.description = about.model_copy(update={"expression": expression})  # type: ignore[misc]
    return classifier


def build_rules(settings: s.TriggerSettings) -> Rules:
    """Turn the trigger's settings into its rules."""
    return Rules(
        rule=settings.rule,
        expression=settings.expression,
        certainty=settings.certainty,
        threshold=settings.threshold,
        release=settings.release,
        hold_frames=settings.hold.frames,
        hold_seconds=settings.hold.seconds,
        hold_rate=settings.hold_rate,
        grace=settings.grace,
        leave_after=settings.leave_after,
        cooldown=settings.cooldown,
        repeat=settings.repeat,
        policy=settings.policy,
        min_face=settings.min_face,
        min_relative=settings.min_relative,
        min_presence=settings.min_presence,
        min_score=settings.min_score,
        together=settings.together,
        countdown=settings.countdown,
    )


def build_trigger(settings: s.TriggerSettings) -> Trigger:
    """Make the trigger, with the model of the last second that its rule may ask. Raises ModelError."""
    return Trigger(build_rules(settings), read_evidence(settings.model))


def read_evidence(path: Path | None) -> EvidenceModel:
    """Read a model of the last second; None: the one that ships. Raises ModelError."""
    from smartselfie.classifiers.litert import default_model

    file = path if path is not None else default_model().parent / EVIDENCE_NAME
    try:
        return EvidenceModel.from_json(file.read_text(encoding="utf-8"))
    except OSError as error:
        raise ModelError(
            f"{file}: {error.strerror}; set trigger.model, or install smartselfie again"
        ) from error
    except ValueError as error:
        raise ModelError(f"{file}: is no model of the last second: {error}") from error


def build_tracker(settings: s.Settings) -> Tracker:
    """Make the tracker: a network searches the whole picture each time, the cascade what it can afford."""
    leave_after = settings.trigger.leave_after
    spread = settings.detector.spread
    if spread is None:
        return Tracker(leave_after=leave_after)
    return SpreadSearchTracker(rescan=spread, full_every=FULL_EVERY, leave_after=leave_after)


def build_analysis(settings: s.Settings) -> Analysis:
    """Make detector, tracker, classifier and trigger; sets how many threads OpenCV may use."""
    cv2.setNumThreads(settings.performance.threads)
    return Analysis(
        build_detector(settings.detector, min_face=settings.trigger.min_face),
        build_tracker(settings),
        build_classifier(
            settings.classifier,
            threads=settings.performance.threads,
            expression=settings.trigger.expression,
        ),
        build_trigger(settings.trigger),
    )


def build_moment(settings: s.Settings) -> Moment | None:
    """Make the choice of the best frame; None: plainly the frame at which the trigger fires."""
    if settings.moment is None:
        return None
    from smartselfie.detectors.cascades import find_cascade, has_cascades

    return Moment(
        settings.moment.before,
        settings.moment.after,
        settings.moment.keep,
        measure=FaceQualityMeter(EyeMeter(find_cascade(EYE_CASCADE) if has_cascades() else None)),
        repeats=settings.trigger.repeat is not None,
        release=build_rules(settings.trigger).release_level,
    )
