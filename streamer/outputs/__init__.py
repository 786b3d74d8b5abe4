"""The outputs: where events go."""
