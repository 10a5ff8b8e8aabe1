"""What each sub-command does; `smartselfie.cli` only declares their options."""
