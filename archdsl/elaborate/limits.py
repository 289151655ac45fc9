"""What a spec may ask for. Each limit is checked before the work is done."""

from __future__ import annotations

MAX_INTEGER = 2**63 - 1
MAX_EXPANDED_LAYERS = 10**9
MAX_DISTINCT_STAGES = 100_000
MAX_CALL_DEPTH = 64
MAX_LABEL_PARTS = 64
MAX_EXPRESSION_DEPTH = 200
MAX_SIZES_IN_SHAPE = 4
MAX_USE_DEPTH = 8
MAX_USED_FILES = 64
