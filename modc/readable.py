"""Time spans, sizes and counts as they are printed."""


def duration(seconds: float) -> str:
    """Return a time span in words: 42 s, 7 min 10 s, 3 h 20 min."""
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return f"{whole // 60} min {whole % 60} s"
    return f"{whole // 3600} h {whole % 3600 // 60} min"


def size(count: float) -> str:
    """Return a number of bytes in GB (10^9), or in MB below one."""
    return f"{count / 1e9:,.1f} GB" if count >= 1e9 else f"{count / 1e6:,.1f} MB"


def counted(count: int, noun: str) -> str:
    """Return a count with its noun: 1 result, 2 results."""
    return f"{count} {noun}" if count == 1 else f"{count} {noun}s"
