"""What offtarget makes of a machine: the precision models multiply in, and memory that is freed."""

import ctypes
import subprocess
import sys
from typing import Any

import pytest

from offtarget import machine
from offtarget.errors import OfftargetError
from offtarget.machine import in_halves, precision
from offtarget.training.spec import TrainingSpec


@pytest.mark.parametrize(
    ("instructions", "multiplies"),
    [
        ({"avx512_f": True, "avx512_bf16": False, "amx_bf16": False}, "float32"),
        ({"cpu_name": "AMD EPYC", "avx512_bf16": True, "amx_bf16": False}, "bfloat16"),
        ({"cpu_name": "Intel Xeon", "avx512_bf16": True, "amx_bf16": False}, "float32"),
        ({"cpu_name": "", "avx512_bf16": True, "amx_bf16": False}, "float32"),
        ({"cpu_name": "Intel Xeon", "avx512_bf16": True, "amx_bf16": True}, "bfloat16"),
        ({"neon": True, "bf16": True}, "bfloat16"),
        ({"neon": True}, "float32"),
    ],
)
def test_a_processor_without_bfloat16_multiplies_float32(
    monkeypatch: pytest.MonkeyPatch, instructions: dict[str, Any], multiplies: str
) -> None:
    monkeypatch.setattr("torch.cuda.is_available", lambda: False)
    monkeypatch.setattr("torch.cpu.get_capabilities", lambda: instructions)
    assert precision() == multiplies
    assert precision("bfloat16") == "bfloat16", "who asks for it gets it"
    assert TrainingSpec().bf16 == (multiplies == "bfloat16")
    assert TrainingSpec(bf16=True).bf16


FAULTS = """
import resource, sys
import numpy as np
from offtarget.machine import keep_freed_memory

def pages(n):
    np.ones(n)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
    for _ in range(8):
        np.ones(n)  # freed at once
    return resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before

given_back = pages(2**23)
keep_freed_memory()
print(given_back, pages(2**23), pages(2**18))  # 64 MiB, and 2 MiB
"""


@pytest.mark.skipif(
    sys.platform != "linux" or not hasattr(ctypes.CDLL(None), "mallopt"),
    reason="only glibc can be told to keep what is freed",
)
def test_freed_memory_is_used_again_without_asking_the_system() -> None:
    """The kernel has to clear pages for an array of the same size as the last, until freed ones are kept."""
    run = subprocess.run([sys.executable, "-c", FAULTS], capture_output=True, text=True, check=True)
    given_back, kept, small = map(int, run.stdout.split())
    assert given_back >= 8 * 2**26 // 2**21, "at least one fault for each page, even of huge pages"
    assert kept < given_back / 8 and small < given_back / 8


RETURNED = """
import numpy as np
from offtarget.machine import keep_freed_memory, return_freed_memory

def mib():
    with open("/proc/self/statm") as f:
        return int(f.read().split()[1]) * 4096 / 2**20

keep_freed_memory()
held = [np.ones(2**17) for _ in range(400)]  # 1 MiB each
last = np.ones(2**17)  # above them in the heap, so that its top stays where it is
del held
before = mib()
return_freed_memory()
print(before - mib())
"""


@pytest.mark.skipif(
    sys.platform != "linux" or not hasattr(ctypes.CDLL(None), "malloc_trim"),
    reason="only glibc can be told to give back what is freed",
)
def test_freed_memory_goes_back_to_the_system_when_asked() -> None:
    run = subprocess.run([sys.executable, "-c", RETURNED], capture_output=True, text=True, check=True)
    assert float(run.stdout) > 350, "of 400 MiB that were freed"


GROWN = """
import gc, weakref
import numpy as np
from offtarget.machine import return_freed_memory

class Node:
    pass

gc.disable()
return_freed_memory()
node = Node()
node.own = node  # garbage that only a search through all objects finds
seen = weakref.ref(node)
del node
return_freed_memory()
print(seen() is not None)
held = np.ones(2**26)  # 512 MiB
return_freed_memory()
print(seen() is None)
"""


@pytest.mark.skipif(
    sys.platform != "linux" or not hasattr(ctypes.CDLL(None), "malloc_trim"),
    reason="only glibc can be told to give back what is freed",
)
def test_freed_memory_is_looked_for_where_the_process_has_grown_alone() -> None:
    run = subprocess.run([sys.executable, "-c", GROWN], capture_output=True, text=True, check=True)
    assert run.stdout.split() == ["True", "True"], "not for nothing, and then all of it"


def test_a_batch_that_memory_does_not_hold_is_done_in_halves_and_that_is_said_once(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    import torch

    monkeypatch.setattr(machine, "_halved", set())
    sizes = []

    def do(batch: Any) -> list[int]:
        sizes.append(len(batch))
        if len(batch) > 3:
            raise torch.OutOfMemoryError("CUDA out of memory")
        return [x * x for x in batch]

    for _ in range(2):
        assert in_halves(range(11), do, "squares") == [x * x for x in range(11)]
    assert sizes == [11, 5, 2, 3, 6, 3, 3] * 2
    assert [r.getMessage() for r in caplog.records] == [
        "squares: the GPU's memory does not hold 11 texts at once; going on with fewer"
    ]
    monkeypatch.setattr(machine, "_halved", {"squares"})
    with pytest.raises(OfftargetError, match=r"squares: .* does not hold a single text"):
        in_halves([1, 2], lambda batch: (_ for _ in ()).throw(torch.OutOfMemoryError()), "squares")
