"""What every section of the settings is made with."""

from __future__ import annotations

from typing import Any

from pydantic import BaseModel, ConfigDict, Field
from pydantic_core import PydanticCustomError


def setting(
    default: object,
    help: str,
    *,
    gt: float | None = None,
    ge: float | None = None,
    le: float | None = None,
    unit: str | None = None,
    example: object = None,
    live: bool = False,
    private: bool = False,
    secret: bool = False,
) -> Any:
    """Declare a setting; `...` as default: it must be given.

    `live`: a change applies at once; `private`: kept from the web page; `secret`: no message shows its value.
    """
    extra: Any = {"unit": unit, "example": example, "live": live, "private": private, "secret": secret}
    return Field(default, gt=gt, ge=ge, le=le, description=help, json_schema_extra=extra)


def broken_rule(keys: tuple[str, ...], text: str) -> PydanticCustomError:
    """Return the error of a rule between the settings `keys`; it is reported at the first of them."""
    return PydanticCustomError("rule", "{text}", {"text": text, "keys": keys})


class Section(BaseModel):
    """One part of the settings: strict, frozen, no unknown names."""

    model_config = ConfigDict(
        strict=True, frozen=True, extra="forbid", allow_inf_nan=False, validate_default=True
    )
