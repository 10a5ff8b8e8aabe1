"""Frames as they are wanted: the capture thread, the watch on the camera, the pace."""
