"""The messages on the wire: events out, requests in."""
