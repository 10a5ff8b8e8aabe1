"""One file per kind, imported only when config.yaml names it."""
