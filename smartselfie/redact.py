"""Keeps secrets out of everything that is written or sent: one function, by shape and by name."""

from __future__ import annotations

import re

HIDDEN = "***"
"""What stands where a secret was."""

# An address up to a blank or a quote. A password may hold what should be encoded: / # ? [ and @ included.
_URL = re.compile(r"([A-Za-z][A-Za-z0-9+.-]*://)([^\s\"'<>]*)")
_SECRET = (
    r"[\w.-]*(?:passw|passphrase|pwd|pasw|psw|loginpas|token|secret|auth|credential|apikey|api_key|signature)[\w-]*"
    r"|(?:pass|pw|key|sig|sid|session|usr|user|username|login|loginuse|account)"
)
_PARAMETER = re.compile(rf"([?&;](?:{_SECRET})=)[^&;#\s\"'<>]*", re.IGNORECASE)
_SETTING = re.compile(r"(?i)\b((?:[\w-]+\.)*(?:password|passwd|passphrase|token|secret))=(?!\*\*\*)\S+")


def redact(text: str) -> str:
    """Return `text` without the logins of its addresses and the values that are secret by their name.

    `rtsp://me:pa/ss@host/a?pwd=x` becomes `rtsp://host/a?pwd=***`, `web.password=x` `web.password=***`.
    What could be a login is taken for one: better to lose a piece of an address than to print a password.
    """
    text = _URL.sub(lambda match: match[1] + _without_login(match[2]), text)
    text = _PARAMETER.sub(rf"\1{HIDDEN}", text)
    return _SETTING.sub(rf"\1={HIDDEN}", text)


def _without_login(rest: str) -> str:
    """Cut `user:password@` from what follows the `://` of an address."""
    authority = re.split(r"[/?#]", rest, maxsplit=1)[0]
    # An @ behind the authority is part of a path, unless a colon before it may have begun a password.
    return rest[(rest if ":" in authority else authority).rfind("@") + 1 :]


def redacted(value: object) -> object:
    """Return a JSON-able value with every text in it redacted."""
    match value:
        case str():
            return redact(value)
        case dict():
            return {key: redacted(each) for key, each in value.items()}
        case list() | tuple():
            return [redacted(each) for each in value]
        case _:
            return value
