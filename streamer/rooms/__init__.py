"""Other daemons whose streams the page of this one shows."""
