"""``python -m lane`` is the command ``lane``."""

from lane.cli.main import main

if __name__ == "__main__":
    main()
