"""Recordings, the film made of them, and the page in a real browser."""
