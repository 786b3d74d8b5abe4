"""Commands that need no daemon: analyze, enroll and doctor."""
