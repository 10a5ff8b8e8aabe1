"""Pictures on their way to the disk: whole files or none, limits, names, the folder."""
