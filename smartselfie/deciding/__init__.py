"""Which face is which, when to take the picture, which frame to keep. Pure: no I/O, no clock."""
