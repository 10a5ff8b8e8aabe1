"""Cascades that users bring; a package so that it is found wherever smartselfie is installed."""
