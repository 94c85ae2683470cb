"""What this machine has, and how models use it: its user, cores, device, precision, memory."""

import ctypes
import gc
import logging
import os
import sys
from collections.abc import Callable, Sequence
from functools import cache
from pathlib import Path
from typing import TypeVar

from offtarget.errors import OfftargetError

log = logging.getLogger(__name__)
T = TypeVar("T")
R = TypeVar("R")

M_TRIM_THRESHOLD, M_MMAP_MAX = -1, -4
"""Options of mallopt, by the numbers in glibc's malloc.h."""


def cores() -> int:
    """Processor cores that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def user() -> str:
    """Who runs this; empty where the system does not know."""
    import getpass

    try:
        return getpass.getuser()
    except (KeyError, OSError, ImportError):
        return ""


def device() -> str:
    """Where models are loaded: "cuda" where there is such a device, else "cpu"."""
    import torch

    return "cuda" if torch.cuda.is_available() else "cpu"


def precision(asked: str | None = None) -> str:
    """What models multiply in where nobody says: "bfloat16" where the machine does it faster, else "float32".

    A processor without instructions for it imitates bfloat16, several times slower than it multiplies float32. Of the vector
    instructions of x86 (avx512_bf16), Intel's do no more per cycle than those for float32, and converting comes on
    top: there only the matrix unit (amx_bf16) counts.
    """
    if asked is not None:
        return asked
    import torch

    if device() == "cuda":
        return "bfloat16" if torch.cuda.is_bf16_supported(including_emulation=False) else "float32"
    able = torch.cpu.get_capabilities()
    name = str(able.get("cpu_name") or "Intel")
    vectors = able.get("avx512_bf16") and not name.startswith("Intel")
    return "bfloat16" if able.get("amx_bf16") or able.get("bf16") or vectors else "float32"


WORTH_RETURNING = 2**28
"""Bytes by which a process has grown before its freed memory is looked for: a search through all objects takes most of a
second."""
_kept = 0
"""Resident bytes after memory was last returned."""


def return_freed_memory() -> None:
    """Drop what only holds itself, and give what was freed back to the system: between two long pieces of work.

    Tensors of many sizes leave holes in glibc's heap: without this a grid of some cells holds several times the memory of
    one. A process that has not grown since the last time is left as it is, unless a GPU is in use, whose memory the system
    does not count.
    """
    global _kept
    torch = sys.modules.get("torch")
    on_gpu = torch is not None and torch.cuda.is_initialized()
    trim = getattr(ctypes.CDLL(None), "malloc_trim", None) if sys.platform == "linux" else None
    if trim is None or on_gpu or resident_bytes() > _kept + WORTH_RETURNING:
        gc.collect()
    if trim is not None and resident_bytes() > _kept + WORTH_RETURNING:
        trim(0)
        _kept = resident_bytes()


def resident_bytes() -> int:
    """Memory that this process holds (of Linux)."""
    pages = Path("/proc/self/statm").read_text(encoding="ascii").split()[1]
    return int(pages) * os.sysconf("SC_PAGE_SIZE")


@cache
def keep_freed_memory() -> None:
    """Have this process keep what it frees, for its next tensors.

    By itself glibc takes each large block from the system and gives it back at once, so every activation is written into
    pages that the kernel has to clear first: a fifth of the time of training on a CPU. Another C library is left as it is.
    """
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None) if sys.platform == "linux" else None
    if mallopt is not None:
        mallopt(M_MMAP_MAX, 0)
        mallopt(M_TRIM_THRESHOLD, -1)


_halved: set[str] = set()
"""Kinds of work of which it was said that they go on in smaller parts."""


def in_halves(batch: Sequence[T], do: Callable[[Sequence[T]], Sequence[R]], what: str) -> list[R]:
    """What `do` gives for each entry of a batch; of its halves, where the GPU's memory does not hold the whole.

    Args:
        batch: entries whose results do not depend on each other.
        do: one result an entry.
        what: is being done, for what is said once.

    Raises:
        OfftargetError: not even one entry fits.
    """
    import torch

    try:
        return list(do(batch))
    except torch.OutOfMemoryError:
        if len(batch) == 1:
            raise OfftargetError(
                f"{what}: the GPU's memory does not hold a single text; lower the longest length, or take a smaller model"
            ) from None
    if what not in _halved:
        _halved.add(what)
        log.warning("%s: the GPU's memory does not hold %d texts at once; going on with fewer", what, len(batch))
    torch.cuda.empty_cache()
    middle = len(batch) // 2
    return [*in_halves(batch[:middle], do, what), *in_halves(batch[middle:], do, what)]
