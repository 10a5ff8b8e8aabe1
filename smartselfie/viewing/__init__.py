"""What a person sees: the window, and what is painted on the picture."""
