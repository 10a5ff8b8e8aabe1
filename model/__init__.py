"""The network that ships: `expression.tflite`; `expression.json` says what it is and how it was measured."""
