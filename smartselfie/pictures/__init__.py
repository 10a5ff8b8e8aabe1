"""Picture files and what is written in them; single pictures read and searched for faces."""
