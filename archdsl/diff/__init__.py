"""What two networks differ in: stages, shapes, costs, and names of the `state_dict`.

compare(old, new)   one net with another
pairs(old, new)     which nets of two specs belong together
"""

from archdsl.diff.compare import compare
from archdsl.diff.pairs import pairs

__all__ = ["compare", "pairs"]
