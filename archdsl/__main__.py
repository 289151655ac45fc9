"""`python -m archdsl`."""

import sys

from archdsl.cli.main import entry_point

sys.exit(entry_point())
