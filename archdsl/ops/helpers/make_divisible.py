"""The rounding of channel counts in MobileNetV3."""


def make_divisible(v: float, by: int) -> int:
    """The multiple of `by` nearest to v, at least `by`, never under 0.9 v."""
    near = max(by, int(v + by / 2) // by * by)
    return near + by if near < 0.9 * v else near
