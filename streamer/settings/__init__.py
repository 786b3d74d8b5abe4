"""The settings: their values, the layers that they come from, and what they expose."""
