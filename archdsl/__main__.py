"""`python -m archdsl`."""

import sys

from archdsl.cli.main import main

sys.exit(main())
