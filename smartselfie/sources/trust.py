"""Whose certificate an https camera may have: most have one that nobody vouches for."""

from __future__ import annotations

import hashlib
import socket
import ssl
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

from pydantic import PlainSerializer, PlainValidator, ValidationInfo

from smartselfie.errors import NoCameraError
from smartselfie.schema.values import Kind, expand


@dataclass(frozen=True, slots=True)
class Trust:
    """`source.tls`: the certificates that are taken. Without any: those that the system trusts."""

    verify: bool = True
    """False: any certificate."""
    ca: Path | None = None
    """A PEM file: those that it vouches for."""
    sha256: str = ""
    """Only the one with this fingerprint, in hexadecimal."""

    @classmethod
    def parse(cls, value: object, base: Path | None = None) -> Trust:
        """Read `{verify: false}`, `{ca: FILE}` or `{sha256: FINGERPRINT}`. Raises ValueError."""
        if isinstance(value, Trust):
            return value
        if not isinstance(value, dict) or len(value) != 1:
            raise ValueError("need one of verify, ca, sha256")
        match value:
            case {"verify": bool(verify)}:
                return cls(verify=verify)
            case {"ca": str(ca)} if ca.strip():
                path = expand(ca)
                return cls(ca=base / path if base is not None else path)
            case {"sha256": str(given)}:
                digits = given.replace(":", "").replace(" ", "").lower()
                if len(digits) == 64 and all(digit in "0123456789abcdef" for digit in digits):
                    return cls(sha256=digits)
        raise ValueError("need one of verify, ca, sha256")

    def as_given(self) -> dict[str, str | bool]:
        """Return what `parse` reads."""
        if self.sha256:
            return {"sha256": self.sha256}
        return {"verify": self.verify} if self.ca is None else {"ca": str(self.ca)}

    def context(self) -> ssl.SSLContext:
        """Return what a connection is made with. Raises `NoCameraError` when `ca` cannot be read."""
        try:
            context = ssl.create_default_context(cafile=None if self.ca is None else str(self.ca))
        except (OSError, ssl.SSLError) as error:
            raise NoCameraError(
                f"source.tls: {self.ca} holds no certificates", remedy="give a PEM file"
            ) from error
        if not self.verify or self.sha256:
            context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
            # Cameras that nobody vouches for are often as old as their protocols.
            context.minimum_version = ssl.TLSVersion.MINIMUM_SUPPORTED
            context.set_ciphers("DEFAULT:@SECLEVEL=0")
        return context

    def check(self, connection: ssl.SSLSocket) -> None:
        """Look at the certificate of a connection. Raises `NoCameraError` when it is another."""
        if not self.sha256:
            return
        got = _fingerprint(connection)
        if got != self.sha256:
            raise NoCameraError(
                f"source.tls: the camera's certificate has another fingerprint, {got}",
                remedy="if it was renewed, write the new one",
            )

    def remedy(self, host: str, port: int, timeout: float) -> str:
        """Say how a certificate that was refused can be taken, with its fingerprint."""
        try:
            with (
                socket.create_connection((host, port), timeout) as plain,
                Trust(verify=False).context().wrap_socket(plain, server_hostname=host) as connection,
            ):
                got = _fingerprint(connection)
        except (OSError, ValueError):
            return "set source.tls: {verify: false} to take any"
        return f"if it is your camera's, set source.tls: {{sha256: {got}}}"


def _fingerprint(connection: ssl.SSLSocket) -> str:
    return hashlib.sha256(connection.getpeercert(binary_form=True) or b"").hexdigest()


def _trust(value: object, info: ValidationInfo) -> Trust:
    return Trust.parse(value, info.context.get("base") if info.context else None)


TlsTrust = Annotated[
    Trust,
    PlainValidator(_trust, json_schema_input_type=dict[str, str | bool]),
    PlainSerializer(Trust.as_given, return_type=dict),
    Kind(
        "trust", "{verify: false}, {ca: FILE} or {sha256: FINGERPRINT}, 64 hexadecimal digits", "one of these"
    ),
]
