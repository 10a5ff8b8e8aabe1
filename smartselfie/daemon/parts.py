"""Settings to the parts of the pipeline: each kind is imported only when it is chosen."""

from __future__ import annotations

import logging
from pathlib import Path

import cv2

from smartselfie import settings as s
from smartselfie.deciding.eyes import EYE_CASCADE, EyeMeter
from smartselfie.deciding.face_quality import FaceQualityMeter
from smartselfie.deciding.moment import Moment
from smartselfie.deciding.tracking import Tracker
from smartselfie.deciding.trigger import Rules, Trigger
from smartselfie.errors import ConfigError
from smartselfie.pipeline import Analysis
from smartselfie.seams import Classifier, Detector

log = logging.getLogger(__name__)

PHOTO_WIDTH = 640
"""Pixels across a single photo when faces are searched in it: finds 12 % more of them than 320; wider copies
add mostly false ones."""
FULL_EVERY = 1.0
"""Seconds between two searches of the whole picture at the most."""
VISIBLE_BELOW = 0.8
"""Faces down to this share of `min_face` are found too, so that people see why they take no part."""


def build_detector(settings: s.DetectorSettings, *, min_face: float) -> Detector:
    """Make the face detector; `min_face`: smallest face wanted, a share of the picture's shorter side."""
    match settings.kind:
        case "haar":
            from smartselfie.detectors.haar import HaarDetector, find_cascade

            cascade = Path(settings.cascade)
            return HaarDetector(
                find_cascade(str(cascade) if cascade.is_file() else cascade.name, (cascade.parent,)),
                detect_width=settings.detect_width,
                scale_factor=settings.scale_factor,
                min_neighbors=settings.min_neighbors,
                smallest=smallest_wanted(min_face),
            )
        case "yunet":
            from smartselfie.detectors.yunet import YuNetDetector

            if settings.model is None:
                raise ConfigError("detector.kind: yunet needs its .onnx file; set detector.model")
            return YuNetDetector(
                Path(settings.model),
                detect_width=settings.detect_width,
                min_score=settings.min_score,
                smallest=smallest_wanted(min_face),
            )


def smallest_wanted(min_face: float) -> float:
    """Return the smallest face to search for, as a share of the picture's shorter side."""
    return min_face * VISIBLE_BELOW


def build_photo_detector(settings: s.DetectorSettings) -> Detector:
    """Make the face detector for single photos, where small faces count and a search may take longer."""
    wide = settings.model_copy(update={"detect_width": max(PHOTO_WIDTH, settings.detect_width)})
    return build_detector(wide, min_face=0.0)


def build_classifier(settings: s.ClassifierSettings, *, threads: int) -> Classifier:
    """Load the expression network; without a model the one that ships."""
    model = None if settings.model is None else Path(settings.model)
    match settings.kind:
        case "litert":
            from smartselfie.classifiers.litert import LiteRtClassifier, default_model

            return LiteRtClassifier(
                model or default_model(),
                threads=threads,
                classes=settings.classes,
                scaling=settings.scaling,
            )
        case "keras":
            from smartselfie.classifiers.keras import KerasClassifier

            if model is None:
                raise ConfigError(
                    "classifier.kind: keras needs a .keras, .h5 or .hdf5 file; set classifier.model"
                )
            architecture = None if settings.architecture is None else Path(settings.architecture)
            return KerasClassifier(
                model,
                architecture=architecture,
                threads=threads,
                classes=settings.classes,
                scaling=settings.scaling,
            )


def build_rules(settings: s.TriggerSettings) -> Rules:
    """Turn the trigger's settings into its rules."""
    return Rules(
        threshold=settings.threshold,
        release=settings.release,
        hold_frames=settings.hold.frames,
        hold_seconds=settings.hold.seconds,
        grace=settings.grace,
        leave_after=settings.leave_after,
        cooldown=settings.cooldown,
        repeat=settings.repeat,
        policy=settings.policy,
        min_face=settings.min_face,
        min_relative=settings.min_relative,
        min_presence=settings.min_presence,
        together=settings.together,
        countdown=settings.countdown,
    )


def build_tracker(settings: s.Settings) -> Tracker:
    """Make the tracker."""
    return Tracker(
        rescan=settings.detector.rescan, full_every=FULL_EVERY, leave_after=settings.trigger.leave_after
    )


def build_analysis(settings: s.Settings) -> Analysis:
    """Make detector, tracker, classifier and trigger; sets how many threads OpenCV may use."""
    cv2.setNumThreads(settings.performance.threads)
    return Analysis(
        build_detector(settings.detector, min_face=settings.trigger.min_face),
        build_tracker(settings),
        build_classifier(settings.classifier, threads=settings.performance.threads),
        Trigger(build_rules(settings.trigger)),
    )


def build_moment(settings: s.Settings) -> Moment | None:
    """Make the choice of the best frame; None: plainly the frame at which the trigger fires."""
    if settings.moment is None:
        return None
    from smartselfie.detectors.haar import find_cascade

    return Moment(
        settings.moment.before,
        settings.moment.after,
        settings.moment.keep,
        measure=FaceQualityMeter(EyeMeter(find_cascade(EYE_CASCADE))),
        repeats=settings.trigger.repeat is not None,
    )
