"""``python -m lane.verifier RUN``."""

import sys

from lane.verifier.main import main

if __name__ == "__main__":
    sys.exit(main())
