"""The readout kernel, against autograd on a model to which the layers that it speaks of were added."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from transformers import AutoModelForCausalLM

from offtarget.influence.kernel import along, kernel_of

LOWEST = 2
LEARNED = [([5, 6, 7], [8, 9]), ([5, 6], [10, 11, 12, 13]), ([20], [21])]
ASKED = [([5, 6, 7], [9, 8, 14]), ([30, 31], [32])]
WEIGHTS = np.array([1.0, -2.0, 0.5])


@pytest.fixture(scope="module")
def model(tiny_model: Path) -> Any:
    return AutoModelForCausalLM.from_pretrained(tiny_model, dtype=torch.float32).eval()


def with_writes(model: Any, matrices: list[torch.Tensor], text: tuple[list[int], list[int]]) -> torch.Tensor:
    """log p(answer) where each layer from LOWEST on also writes M·h, h what enters it at unit length, to the last residual."""
    entering: list[torch.Tensor] = []
    layers = model.model.layers

    def keep(_m: Any, args: Any, kwargs: Any) -> None:
        entering.append((args[0] if args else kwargs["hidden_states"]).detach())

    def write(_m: Any, _args: Any, output: Any) -> Any:
        hidden = output[0] if isinstance(output, tuple) else output
        more = sum(torch.nn.functional.normalize(h, dim=-1) @ m.T for h, m in zip(entering, matrices, strict=True))
        return (hidden + more, *output[1:]) if isinstance(output, tuple) else hidden + more

    handles = [layer.register_forward_pre_hook(keep, with_kwargs=True) for layer in layers[LOWEST:]]
    handles.append(layers[-1].register_forward_hook(write))
    prompt, answer = text
    logits = model(torch.tensor([[*prompt, *answer]]), use_cache=False).logits[0].log_softmax(-1)
    for h in handles:
        h.remove()
    return torch.stack([logits[len(prompt) - 1 + k, t] for k, t in enumerate(answer)]).sum()


def test_the_kernel_is_the_gradient_of_writes_to_the_last_residual(model: Any) -> None:
    n, d = len(model.model.layers) - LOWEST, model.config.hidden_size
    matrices = [torch.zeros(d, d, requires_grad=True) for _ in range(n)]
    total = sum(float(w) * with_writes(model, matrices, t) for w, t in zip(WEIGHTS, LEARNED, strict=True))
    want = torch.stack(torch.autograd.grad(total, matrices)).numpy()
    kernel = kernel_of(model, LEARNED, WEIGHTS, LOWEST, pad=0)
    assert kernel.matrices == pytest.approx(want, abs=1e-4 * float(np.abs(want).max()))

    small = 1e-3 / float(np.abs(want).max())
    moved = [torch.from_numpy(m * small) for m in want]
    none = [torch.zeros(d, d) for _ in range(n)]
    with torch.no_grad():
        change = [float(with_writes(model, moved, t) - with_writes(model, none, t)) / small for t in ASKED]
    assert along(model, ASKED, kernel, pad=0) == pytest.approx(change, rel=0.01)


def test_kernels_add_up_and_an_answer_without_tokens_moves_nothing(model: Any) -> None:
    one, other = (
        kernel_of(model, LEARNED, w, LOWEST, pad=0) for w in (np.array([1.0, 0, 0]), np.array([0, -2.0, 0.5]))
    )
    both = kernel_of(model, LEARNED, WEIGHTS, LOWEST, pad=0)
    assert one.matrices + other.matrices == pytest.approx(both.matrices, abs=1e-5 * float(np.abs(both.matrices).max()))
    assert along(model, [([5, 6], [])], both, pad=0) == pytest.approx([0.0])
