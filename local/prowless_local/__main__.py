"""The `prowless` command."""

import sys

from prowless_local.cli import main

if __name__ == "__main__":
    sys.exit(main())
