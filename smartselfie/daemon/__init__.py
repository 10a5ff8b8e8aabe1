"""The running program: its composition root, the settings in effect, the watchdog."""
