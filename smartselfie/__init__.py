"""A camera that takes the picture when you smile."""

from smartselfie._version import __version__

__all__ = ["__version__"]
