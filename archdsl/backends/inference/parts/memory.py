"""Memory that a call has freed stays for the next one."""

import ctypes


def keep_freed_memory() -> None:
    """Tell glibc to keep what is freed, in all of this process; elsewhere do nothing.

    Otherwise large maps go back to the system, and the next call gets their memory
    page by page.
    """
    try:
        mallopt = ctypes.CDLL(None).mallopt
    except (AttributeError, TypeError):
        return
    trim_threshold, mmap_max = -1, -4
    mallopt(trim_threshold, 2**31 - 1)
    mallopt(mmap_max, 0)
