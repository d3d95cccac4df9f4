"""Seeds of all commands and files of the twin."""

import click

from lane.canonical import INTEGER_MAX

SEED_MAX = INTEGER_MAX
"""A seed stands in records and JSON files, which hold no larger number exactly."""
SEED = click.IntRange(0, SEED_MAX)
"""Type of an option ``--seed``."""
