"""From posteriors of single windows to scores and a label that stay readable."""
