"""The port for WebSocket and HTTP: connections, access, limits, pages and metrics."""
