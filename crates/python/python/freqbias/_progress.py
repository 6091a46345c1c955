"""Bars for long work, where tqdm is installed."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from typing import Any, Optional

Report = Callable[[str, str, int], None]


def reporter(progress: bool) -> Optional[Report]:
    """A function of (kind, text, number) that shows passes as bars; notes are warnings in any case."""
    bars: list[Any] = []
    bar = _tqdm() if progress else None

    def report(kind: str, text: str, number: int) -> None:
        if kind == "note":
            warnings.warn(text, stacklevel=2)
        elif bar is None:
            return
        elif kind == "begin":
            bars.append(bar(desc=text, total=number or None, unit="image", leave=False))
        elif bars and kind == "advance":
            bars[-1].update(number)
        elif bars and kind == "end":
            bars.pop().close()

    return report


def _tqdm() -> Any:
    try:
        from tqdm.auto import tqdm
    except ImportError:
        return None
    return tqdm
