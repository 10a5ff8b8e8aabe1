"""A camera's login: every way it offers is read, the best that works is taken (RFC 7616, 7617)."""

from __future__ import annotations

import base64
import hashlib
import re
import secrets
from collections.abc import Iterable, Iterator, Set
from dataclasses import dataclass
from urllib.parse import SplitResult, unquote

_PIECE = re.compile(r"([A-Za-z][\w-]*)\s*=\s*(\"(?:[^\"\\]|\\.)*\"|[^\s,\"]+)|([A-Za-z][\w-]*)")
_ORDER = ("SHA-256", "MD5")


@dataclass(frozen=True, slots=True)
class Way:
    """One of the ways to log in that an answer offers."""

    name: str
    """Tells ways apart: "digest-sha-256", "basic"."""
    words: str
    parameters: dict[str, str]


def ways(headers: Iterable[str]) -> Iterator[tuple[str, dict[str, str]]]:
    """Give each challenge of the headers, its scheme in lower case; several may stand in one header."""
    for header in headers:
        scheme, parameters = "", dict[str, str]()
        for match in _PIECE.finditer(header):
            if match[3] is not None:
                if scheme:
                    yield scheme, parameters
                scheme, parameters = match[3].lower(), {}
            else:
                value = match[2]
                value = re.sub(r"\\(.)", r"\1", value[1:-1]) if value.startswith('"') else value
                parameters[match[1].lower()] = value
        if scheme:
            yield scheme, parameters


@dataclass(frozen=True, slots=True)
class Login:
    """A user and a password."""

    user: str
    password: str

    @classmethod
    def of(cls, parts: SplitResult) -> Login | None:
        """Return the login that stands in an address."""
        before, at, _ = parts.netloc.rpartition("@")
        if not at:
            return None
        user, _, password = before.partition(":")
        return cls(unquote(user), unquote(password))

    def knows(self, headers: Iterable[str]) -> bool:
        """Whether any of the ways offered can be gone."""
        return bool(_usable(headers))

    def next_way(self, headers: Iterable[str], tried: Set[str]) -> Way | None:
        """Return the best way that has not been tried; one whose nonce was too old may be tried again."""
        for way in _usable(headers):
            again = f"{way.name} again"
            if way.name not in tried:
                return way
            if way.parameters.get("stale", "").lower() == "true" and again not in tried:
                return Way(again, way.words, way.parameters)
        return None

    def answer(self, way: Way, method: str, target: str) -> str:
        """Return the header `Authorization`."""
        if way.name.startswith("basic"):
            told = f"{self.user}:{self.password}".encode()
            return "Basic " + base64.b64encode(told).decode("ascii")
        given = way.parameters
        algorithm = given.get("algorithm", "MD5")
        make = hashlib.sha256 if algorithm.upper().startswith("SHA-256") else hashlib.md5

        def hashed(text: str) -> str:
            return make(text.encode()).hexdigest()

        realm, nonce, client = given.get("realm", ""), given.get("nonce", ""), secrets.token_hex(8)
        secret = hashed(f"{self.user}:{realm}:{self.password}")
        if algorithm.lower().endswith("-sess"):
            secret = hashed(f"{secret}:{nonce}:{client}")
        what = hashed(f"{method}:{target}")
        fields = {"username": self.user, "realm": realm, "nonce": nonce, "uri": target}
        bare = {"algorithm": algorithm} if "algorithm" in given else {}
        if "auth" in re.split(r"[\s,]+", given.get("qop", "")):
            fields |= {"cnonce": client}
            bare |= {"qop": "auth", "nc": "00000001"}
            fields["response"] = hashed(f"{secret}:{nonce}:00000001:{client}:auth:{what}")
        else:
            fields["response"] = hashed(f"{secret}:{nonce}:{what}")
        if "opaque" in given:
            fields["opaque"] = given["opaque"]
        quoted = [f'{name}="{_escaped(value)}"' for name, value in fields.items()]
        return "Digest " + ", ".join([*quoted, *(f"{name}={value}" for name, value in bare.items())])


def _usable(headers: Iterable[str]) -> list[Way]:
    found = []
    for scheme, parameters in ways(headers):
        if scheme == "basic":
            found.append(Way("basic", "Basic", parameters))
        elif scheme == "digest":
            algorithm = parameters.get("algorithm", "MD5").upper()
            if algorithm.removesuffix("-SESS") in _ORDER:
                found.append(Way(f"digest-{algorithm.lower()}", f"Digest {algorithm}", parameters))
    order = [f"digest-{name.lower()}" for name in _ORDER]
    return sorted(
        found, key=lambda way: next((n for n, name in enumerate(order) if way.name.startswith(name)), 9)
    )


def _escaped(text: str) -> str:
    return text.replace("\\", "\\\\").replace('"', '\\"')
