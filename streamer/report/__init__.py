"""The report: results or recorded sessions as one HTML file that stands alone."""
