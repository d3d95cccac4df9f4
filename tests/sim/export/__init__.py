"""What is written for other tools can be read again, and keeps their standards."""
