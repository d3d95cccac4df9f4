"""The command ``lane``: thin, everything it does lives below."""
