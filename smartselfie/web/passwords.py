"""Passwords, kept as scrypt hashes only."""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import os
import secrets
from pathlib import Path

from smartselfie.errors import ConfigError

_ALPHABET = "abcdefghjkmnpqrstuvwxyz23456789"  # none that look alike on a label
_COST, _BLOCK, _LANES = 2**14, 8, 1  # 16 MB and some 50 ms a try
_PREFIX = "scrypt"


def generate() -> str:
    """Return a new password of some 59 bits that is easy to type: `k7wq-m3xd-p9ha`."""
    return "-".join("".join(secrets.choice(_ALPHABET) for _ in range(4)) for _ in range(3))


def read_kept(path: Path) -> str | None:
    """Return the password of a file that nobody but its owner can read or write; None where there is none."""
    try:
        status = path.stat()
        if hasattr(os, "getuid") and (status.st_uid != os.getuid() or status.st_mode & 0o077):
            return None
        return path.read_text(encoding="utf-8").strip() or None
    except (OSError, UnicodeDecodeError):
        return None


def is_hash(text: str) -> bool:
    """Whether `text` is what `hash_password` gave."""
    return text.startswith(_PREFIX + ":") and text.count(":") == 5


def hash_password(password: str) -> str:
    """Return `scrypt:N:r:p:salt:hash`; every call salts anew."""
    salt = secrets.token_bytes(16)
    key = _derive(password, salt, _COST, _BLOCK, _LANES)
    told = (base64.urlsafe_b64encode(part).decode().rstrip("=") for part in (salt, key))
    return ":".join((_PREFIX, str(_COST), str(_BLOCK), str(_LANES), *told))


def verify(password: str, stored: str) -> bool:
    """Whether `password` is the one behind the hash; raises `ConfigError` for a hash that is none."""
    try:
        prefix, cost, block, lanes, salt, key = stored.split(":")
        if prefix != _PREFIX:
            raise ValueError(prefix)
        expected = _unbase(key)
        derived = _derive(password, _unbase(salt), int(cost), int(block), int(lanes))
    except (ValueError, binascii.Error) as error:
        raise ConfigError("web.password is not a hash of this program; set the password anew") from error
    return hmac.compare_digest(derived, expected)


def _derive(password: str, salt: bytes, cost: int, block: int, lanes: int) -> bytes:
    if cost * block > 2**20:
        raise ValueError("a hash that takes more than 128 MB to check")
    return hashlib.scrypt(
        password.encode("utf-8", "surrogatepass"), salt=salt, n=cost, r=block, p=lanes, maxmem=2**28, dklen=32
    )


def _unbase(text: str) -> bytes:
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
