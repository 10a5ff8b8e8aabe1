"""The settings of when a picture is taken, and which one."""

from __future__ import annotations

from typing import Literal

from pydantic import model_validator

from smartselfie.deciding.rules import Rules
from smartselfie.schema.fields import Section, broken_rule, setting
from smartselfie.schema.values import (
    Duration,
    Expressions,
    Hold,
    HoldFor,
    Integer,
    Number,
    PathSetting,
    Policy,
)

RULES = Rules()
"""The defaults, which are the trigger's own."""


class TriggerSettings(Section):
    """When the picture is taken."""

    threshold: Number = setting(
        RULES.threshold,
        "frames: a face smiles when its score for smiling is at least this. "
        "Higher: only broad smiles count, fewer false shots, more missed smiles.",
        gt=0,
        le=1,
        live=True,
    )
    expression: Expressions = setting(
        RULES.expression,
        "What a picture is wanted of: a class of the network, or a list of them, any of which will do. "
        "surprise, or a class of a network of your own; all that is said of smiles is then said of it.",
        example=["happy", "surprise"],
    )
    rule: Literal["evidence", "frames"] = setting(
        RULES.rule,
        "What makes a smile. evidence: a small model of the last second is sure enough (how high and steady "
        "the score is, how long, whether the mouth moves). frames: so many smiling frames in a row (`hold`).",
        live=True,
    )
    certainty: Number = setting(
        RULES.certainty,
        "evidence: how sure the model must be. Higher: fewer false shots, later pictures, more misses.",
        gt=0,
        le=0.99,
        live=True,
    )
    model: PathSetting | None = setting(
        None,
        "evidence: the model's file, from `smartselfie tune --learn`; null: the one that ships.",
        private=True,
        example="model/trigger.json",
    )
    release: Number | None = setting(
        RULES.release,
        "A smile is over when the score falls below this: the same face can fire again, and no such frame is "
        "kept; below threshold. Lower: one long smile is less likely to give two pictures. "
        "null: two thirds of threshold.",
        ge=0,
        le=1,
        live=True,
        example=0.4,
    )
    hold: HoldFor = setting(
        Hold(RULES.hold_frames, RULES.hold_seconds),
        "frames: how long the smile is held: consecutive frames (10), or a time (400ms; then at least 3 "
        "frames, none more than 250ms apart). One frame between threshold and release is forgiven. Longer: "
        "fewer false shots, a later picture.",
        live=True,
        example="400ms",
    )
    hold_rate: Number | None = setting(
        RULES.hold_rate,
        "Frames a second at which a hold in frames is meant: at other rates it lasts as long, three frames "
        "at least. null: so many frames at any rate.",
        gt=0,
        le=1000,
        live=True,
    )
    grace: Integer = setting(
        RULES.grace,
        "So many frames in which a known face is not detected neither count nor reset the hold. "
        "More: forgives a flickering detector; too many: bridges real gaps.",
        ge=0,
        le=100,
        unit="frames",
        live=True,
    )
    leave_after: Duration = setting(
        RULES.leave_after, "A face has left when it was not detected for this long.", gt=0, le=60, live=True
    )
    cooldown: Duration = setting(
        RULES.cooldown, "Shortest time between two shots of one face.", ge=0, le=3600, live=True
    )
    repeat: Duration | None = setting(
        RULES.repeat,
        "Take another picture this often while the smile lasts, not shorter than cooldown; "
        "null: one smile is one picture.",
        gt=0,
        le=3600,
        live=True,
        example="5s",
    )
    policy: Policy = setting(
        RULES.policy,
        "Who must smile: any (one face for the whole hold), all, largest (the nearest face), or a count "
        "such as 2.",
        live=True,
    )
    min_face: Number = setting(
        RULES.min_face,
        "Faces smaller than this share of the picture's shorter side take no part. "
        "Smaller: people further away count, with less reliable scores.",
        ge=0,
        le=1,
        live=True,
    )
    min_relative: Number = setting(
        RULES.min_relative,
        "Faces smaller than this share of the largest face's width take no part: people in the background. "
        "0: everybody counts.",
        ge=0,
        le=1,
        live=True,
    )
    min_presence: Duration = setting(
        RULES.min_presence,
        "A face takes part after it has been there this long: passers-by neither fire nor block.",
        ge=0,
        le=60,
        live=True,
    )
    min_score: Number = setting(
        RULES.min_score,
        "A face of which the detector is less sure than this is shown and takes no part. Higher: fewer "
        "pictures of what is no face.",
        ge=0,
        le=1,
        live=True,
    )
    together: Duration | None = setting(
        RULES.together,
        "all and counts: smiles need not be held at the same moment, it is enough that each was within "
        "this time. null: at the same moment.",
        gt=0,
        le=60,
        live=True,
        example="1s",
    )
    countdown: Duration | None = setting(
        RULES.countdown,
        "For posed pictures: count down this long, shown large, after the smile was held; a lost pose "
        "cancels it.",
        gt=0,
        le=60,
        live=True,
        example="3s",
    )

    @model_validator(mode="after")
    def _rules(self) -> TriggerSettings:
        if self.release is not None and self.release >= self.threshold:
            raise broken_rule(
                ("release", "threshold"),
                "need 0 <= release < threshold <= 1, "
                f"got release={self.release:g}, threshold={self.threshold:g}",
            )
        if self.repeat is not None and self.repeat < self.cooldown:
            raise broken_rule(
                ("repeat", "cooldown"),
                f"need repeat >= cooldown, got repeat={self.repeat:g}s, cooldown={self.cooldown:g}s",
            )
        return self


class MomentSettings(Section):
    """Which frame of the smile is kept: the best of a short window; null: plainly the last of the hold."""

    before: Duration = setting(
        0.3,
        "The window begins this long before the trigger fires. Longer: more choice, more memory.",
        ge=0,
        le=3,
        live=True,
    )
    after: Duration = setting(
        0.2,
        "The window ends this long after it. Longer: more choice, the picture appears later.",
        ge=0,
        le=3,
        live=True,
    )
    keep: Integer = setting(
        1, "How many frames are kept: the best and its alternatives, apart in time.", ge=1, le=3, live=True
    )
