"""A run's log for TensorBoard, written without it: its file of events is a row of small records.

A record is its length, the length's checksum, an `Event` of TensorFlow's protocol buffers, its checksum
(https://www.tensorflow.org/tutorials/load_data/tfrecord, event.proto); checksums are masked CRC-32C.
"""

from __future__ import annotations

import struct
import time
from collections.abc import Mapping
from functools import cache
from pathlib import Path


def append(folder: Path, row: Mapping[str, float]) -> None:
    """Append a row of the log, its `epoch` the step, to the file of events in `folder`."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / "events.out.tfevents.0000000000.smartselfie"
    with path.open("ab") as file:
        if not file.tell():
            file.write(_record(_double(1, time.time()) + _bytes(3, b"brain.Event:2")))
        values = b"".join(
            _bytes(1, _bytes(1, name.encode()) + _float(2, float(value))) for name, value in row.items()
        )
        step = _number(2, int(row["epoch"]))
        file.write(_record(_double(1, time.time()) + step + _bytes(5, values)))


def _record(event: bytes) -> bytes:
    length = struct.pack("<Q", len(event))
    return length + _checksum(length) + event + _checksum(event)


def _checksum(data: bytes) -> bytes:
    crc = 0xFFFFFFFF
    for byte in data:
        crc = (crc >> 8) ^ _table()[(crc ^ byte) & 0xFF]
    crc ^= 0xFFFFFFFF
    return struct.pack("<I", (((crc >> 15) | (crc << 17)) + 0xA282EAD8) & 0xFFFFFFFF)


@cache
def _table() -> tuple[int, ...]:
    made = []
    for number in range(256):
        for _ in range(8):
            number = (number >> 1) ^ (0x82F63B78 if number & 1 else 0)
        made.append(number)
    return tuple(made)


def _varint(number: int) -> bytes:
    made = bytearray()
    while number > 0x7F:
        made.append(number & 0x7F | 0x80)
        number >>= 7
    return bytes([*made, number])


def _number(field: int, value: int) -> bytes:
    return _varint(field << 3) + _varint(value)


def _double(field: int, value: float) -> bytes:
    return _varint(field << 3 | 1) + struct.pack("<d", value)


def _float(field: int, value: float) -> bytes:
    return _varint(field << 3 | 5) + struct.pack("<f", value)


def _bytes(field: int, value: bytes) -> bytes:
    return _varint(field << 3 | 2) + _varint(len(value)) + value
