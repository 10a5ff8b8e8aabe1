"""Recordings through the pipeline: what it did, how often it was right, and which settings would do better.

The daemon never imports this package.
"""
