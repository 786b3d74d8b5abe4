"""What is printed of results: levels and formats."""
