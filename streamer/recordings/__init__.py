"""Recordings on disk: one stream's sound and its events, written in parts and read again."""
