"""Codes for differences of embeddings: a signed BatchTopK SAE, and principal components as the plain alternative.

After "What's In My Human Feedback?" (arXiv 2510.26202): difference vectors, deduplicated and augmented with both
signs, go through a sparse autoencoder whose latents are signed. Of a batch of B differences the B·K latents largest
in absolute value are kept; the decoder's rows have unit norm; the loss is the mean over nested prefixes of the
latents (Matryoshka), plus an auxiliary loss in which dead latents explain what is left over. Encoder and decoder have
no bias, so the code is odd: the code of -x is minus the code of x, to the last bit.
"""

from dataclasses import asdict, dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from offtarget.lens.activations import use_threads

if TYPE_CHECKING:
    import torch

Floats32 = NDArray[np.float32]
THRESHOLD_MEMORY = 0.9
MIN_BATCH, MIN_STEPS = 32, 16


@dataclass(frozen=True)
class SignedSaeRecipe:
    """How the SAE is trained; the defaults are those of arXiv 2510.26202 where it says."""

    latents: int = 32
    """M."""
    k: int = 4
    """K: latents kept for a difference, on average over a batch."""
    prefixes: tuple[int, ...] = (8, 32)
    batch: int = 256
    """At most; a set of fewer than 16 such batches gets smaller ones, of at least 32."""
    epochs: int = 50
    """At most; a pass sees each difference with both signs."""
    patience: int = 3
    """Passes without a better loss on the held-out differences before training ends."""
    lr: float = 5e-4
    aux: float = 1 / 32
    """Weight of the auxiliary loss."""
    dead_after: int = 20
    """Batches without being kept after which a latent counts as dead."""
    seed: int = 0


@dataclass(frozen=True, eq=False)
class DifferenceCode:
    """A linear, signed code of differences: what a fit leaves behind."""

    encoder: Floats32
    """`(n_latents, d)`"""
    decoder: Floats32
    """`(n_latents, d)`, rows of unit norm."""
    threshold: float
    """Latents smaller than this in absolute value are 0."""
    unit: Floats32
    """`(n_latents,)` root mean square of each latent over the rows it was fitted to (1 where it never fires)."""

    def latents(self, x: Floats32) -> Floats32:
        """Signed latents `(n, n_latents)` of differences `(n, d)`, in units of their root mean square."""
        z = x @ self.encoder.T
        z[np.abs(z) < self.threshold] = 0
        return np.asarray(z / self.unit, dtype=np.float32)

    def rebuilt(self, x: Floats32) -> Floats32:
        """The differences as decoded from their code, `(n, d)`."""
        return np.asarray((self.latents(x) * self.unit) @ self.decoder, dtype=np.float32)

    def variance_explained(self, x: Floats32) -> float:
        """Share of the squared length of some differences that their code explains."""
        return 1 - float(np.square(x - self.rebuilt(x)).sum() / np.square(x).sum())

    def arrays(self) -> dict[str, NDArray[Any]]:
        """As plain arrays."""
        return {k: np.asarray(v, dtype=np.float32) for k, v in asdict(self).items()}

    @classmethod
    def restore(cls, arrays: dict[str, NDArray[Any]]) -> "DifferenceCode":
        """From what `arrays` gave."""
        return cls(arrays["encoder"], arrays["decoder"], float(arrays["threshold"]), arrays["unit"])


def fit_pca(x: Floats32, n: int) -> DifferenceCode:
    """The first n principal components of differences with both signs (so their mean is zero).

    Args:
        x: `(n_differences, d)`.
        n: components; the sign of each is such that its largest coefficient is positive.
    """
    _, _, rows = np.linalg.svd(x.astype(np.float64), full_matrices=False)
    rows = rows[:n]
    rows *= np.sign(rows[np.arange(len(rows)), np.abs(rows).argmax(axis=1)])[:, None]
    return _with_unit(rows.astype(np.float32), rows.astype(np.float32), 0.0, x)


def fit_signed_sae(x: Floats32, held_out: NDArray[np.bool_], recipe: SignedSaeRecipe) -> DifferenceCode:
    """Train the SAE; the pass with the best loss on the held-out differences is kept.

    Args:
        x: `(n_differences, d)`, each once, with either sign: the result does not depend on it but for rounding.
        held_out: which rows decide when to stop, and are not trained on.
        recipe: settings.
    """
    import torch

    scale = float(np.sqrt(np.square(x).sum(axis=1).mean()))
    rows = torch.from_numpy(x / np.float32(scale))
    keep = torch.from_numpy(held_out)
    train, valid = torch.cat([rows[~keep], -rows[~keep]]), rows[keep]
    size = min(recipe.batch, max(MIN_BATCH, len(train) // MIN_STEPS))
    generator = torch.Generator().manual_seed(recipe.seed)
    with use_threads():
        model = _SignedSae(x.shape[1], recipe, generator)
        best, best_loss, waited = model.state(), float("inf"), 0
        for _ in range(recipe.epochs):
            for batch in torch.randperm(len(train), generator=generator).split(size):
                model.step(train[batch])
            loss = model.loss_at_threshold(valid)
            if loss < best_loss:
                best, best_loss, waited = model.state(), loss, 0
            else:
                waited += 1
                if waited >= recipe.patience:
                    break
    encoder, decoder, threshold = best
    return _with_unit(encoder, decoder, threshold * scale, x)


def _with_unit(encoder: Floats32, decoder: Floats32, threshold: float, x: Floats32) -> DifferenceCode:
    raw = DifferenceCode(encoder, decoder, threshold, np.ones(len(encoder), dtype=np.float32))
    size = np.sqrt(np.square(raw.latents(x)).mean(axis=0))
    return replace(raw, unit=np.where(size > 0, size, 1).astype(np.float32))


class _SignedSae:
    """The autoencoder while it is trained."""

    def __init__(self, width: int, recipe: SignedSaeRecipe, generator: "torch.Generator") -> None:
        import torch

        self.recipe = recipe
        start = torch.nn.functional.normalize(torch.randn(recipe.latents, width, generator=generator))
        self.encoder = start.clone().requires_grad_()
        self.decoder = start.clone().requires_grad_()
        self.optimiser = torch.optim.Adam([self.encoder, self.decoder], lr=recipe.lr)
        self.silent = torch.zeros(recipe.latents, dtype=torch.long)
        """Batches since each latent was last kept."""
        self.threshold: float | None = None

    def step(self, x: "torch.Tensor") -> None:
        """One step of Adam on a batch `(n, width)`."""
        import torch

        z = x @ self.encoder.T
        smallest = z.detach().abs().flatten().topk(min(self.recipe.k * len(x), z.numel())).values[-1]
        kept = z * (z.abs() >= smallest)
        # the smallest latent kept, averaged over batches: the threshold by which single rows are coded
        self.threshold = (
            float(smallest)
            if self.threshold is None
            else THRESHOLD_MEMORY * self.threshold + (1 - THRESHOLD_MEMORY) * float(smallest)
        )
        fired = (kept != 0).any(0)
        self.silent = torch.where(fired, 0, self.silent + 1)
        loss = self._error(x, kept) + self.recipe.aux * self._auxiliary(x, z, kept)
        self.optimiser.zero_grad()
        loss.backward()
        self.optimiser.step()
        with torch.no_grad():
            self.decoder.copy_(torch.nn.functional.normalize(self.decoder))

    def _error(self, x: "torch.Tensor", kept: "torch.Tensor") -> "torch.Tensor":
        """Unexplained share of the squared length, mean over the prefixes."""
        total = x.square().sum()
        errors = [(x - kept[:, :m] @ self.decoder[:m]).square().sum() / total for m in self.recipe.prefixes]
        return sum(errors[1:], errors[0]) / len(errors)

    def _auxiliary(self, x: "torch.Tensor", z: "torch.Tensor", kept: "torch.Tensor") -> "torch.Tensor":
        """How badly the dead latents explain what the others leave; 0 where none is dead."""
        dead = self.silent >= self.recipe.dead_after
        if not bool(dead.any()):
            return x.new_zeros(())
        left = (x - kept @ self.decoder).detach()
        return (left - z[:, dead] @ self.decoder[dead]).square().sum() / left.square().sum()

    def loss_at_threshold(self, x: "torch.Tensor") -> float:
        """The error of rows coded one by one."""
        import torch

        assert self.threshold is not None
        with torch.no_grad():
            z = x @ self.encoder.T
            return float(self._error(x, z * (z.abs() >= self.threshold)))

    def state(self) -> tuple[Floats32, Floats32, float]:
        """Encoder, decoder and threshold as they are now."""
        return (self.encoder.detach().numpy().copy(), self.decoder.detach().numpy().copy(), self.threshold or 0.0)
