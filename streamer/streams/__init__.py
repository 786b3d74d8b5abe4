"""From chunks of sound to events: one stream, its pipeline, and the workers."""
