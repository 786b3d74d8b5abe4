"""The graphs of both models, and their export as ``.tflite``."""
