"""How pictures are stored unless somebody says otherwise: for the saver and for its settings."""

FORMAT = "jpg"
QUALITY = 95
NAME = "selfie-{date}-{time}-{ms}"
