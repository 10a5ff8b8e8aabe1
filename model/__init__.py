"""The network that ships: `expression.tflite`, and in `expression.json` what it is and how it was measured."""
