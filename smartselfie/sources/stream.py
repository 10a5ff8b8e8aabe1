"""A network camera: MJPEG over HTTP read by ourselves, whatever else by FFmpeg."""

from __future__ import annotations

import logging
from collections.abc import Callable

from smartselfie.seams import Source
from smartselfie.sources import SourceSettings

log = logging.getLogger(__name__)


def build(settings: SourceSettings, *, timeout: float) -> Callable[[], Source]:
    """Return the opener of the stream that `source.use` names."""

    def open_stream() -> Source:
        from smartselfie.sources.http_client import split_address
        from smartselfie.sources.opencv import NetworkStream

        url = str(settings.use)
        if url.lower().startswith("http"):
            from smartselfie.sources.mjpeg import MjpegStream, UnsuitableStreamError

            try:
                return MjpegStream(
                    url,
                    rotate=settings.rotate,
                    timeout=timeout,
                    open_timeout=settings.open_after,
                    trust=settings.tls,
                )
            except UnsuitableStreamError as error:
                log.debug("%s; reading it with FFmpeg", error)
        split_address(url)
        return NetworkStream(url, rotate=settings.rotate, timeout=timeout, open_timeout=settings.open_after)

    return open_stream
