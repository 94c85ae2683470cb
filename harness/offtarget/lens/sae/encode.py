"""The `sae` lens: a frozen model's activations through a sparse autoencoder, pooled per span.

Pooling follows arXiv 2606.12360 (per-example features, X^max and X^freq): for each latent the maximum
over a span's tokens, and the share of the span's tokens on which it fires. An SAE trained with BatchTopK
is used in the form it is saved in, with one fixed threshold per latent (JumpReLU), so what is read in a
row does not depend on the rows beside it.
"""

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from offtarget.data.pairs import PairSet
from offtarget.errors import ConfigError, UndecidedError
from offtarget.lens.activations import encode_spans
from offtarget.lens.features import FILE_VERSION, Column, FeatureMatrix
from offtarget.lens.reader import MAX_LENGTH, Reader
from offtarget.lens.sae import logit_lens
from offtarget.lens.sae.pooling import SAMPLED_TOKENS, Pool
from offtarget.lens.shards import Shard, Stage, clear, join, shards
from offtarget.lens.tokens import tokenise_pairs
from offtarget.machine import precision
from offtarget.models import EMBEDDED, GGUF_SHA256, ModelRef, template_hash
from offtarget.progress import Steps
from offtarget.store import canonical_json, file_sha256, hash_of, write_atomic

STAGE, VERSION = "sae-features", 5
TAU = 0.01
"""A latent counts as present in a span if it fires on more than this share of its tokens."""
PRETRAINED = Path(__file__).parents[1] / "pretrained"
SHIPPED = {"smollm2-135m-l20": (EMBEDDED, GGUF_SHA256)}
"""SAEs that come with the package: name, and the alias and identity of the model they read."""
WEIGHTS, CONFIG = "sae_weights.safetensors", "cfg.json"
PICKLES = {".pt", ".pth", ".bin", ".pkl", ".pickle", ".ckpt"}
SAFE_LOADERS = {None, "sae_lens", "gemma_2", "gemma_3", "llama_scope", "llama_scope_r1_distill", "sparsify"}
"""Formats of public releases that are read without unpickling."""


@dataclass(frozen=True)
class SaeLens:
    """A sparse autoencoder in inference form, and where in the model it reads."""

    sae: Any
    """A `sae_lens.SAE` in float32."""
    name: str
    layer: int
    """Decoder layer whose output it reads, from 0."""
    sha256: str
    """Hash over weights and configuration."""

    @property
    def width(self) -> int:
        """Width of the activations that it reads."""
        return int(self.sae.cfg.d_in)

    @property
    def latents(self) -> int:
        """Number of latents."""
        return int(self.sae.cfg.d_sae)

    @property
    def encoder(self) -> NDArray[np.float32]:
        """The direction that each latent reads, `(width, latents)`."""
        return np.asarray(self.sae.W_enc.detach().cpu().numpy())

    @property
    def decoder(self) -> NDArray[np.float32]:
        """The direction that each latent writes, `(width, latents)`."""
        return np.asarray(self.sae.W_dec.detach().cpu().numpy().T)

    @property
    def columns(self) -> tuple[Column, ...]:
        """One column per latent: `sae:0` to `sae:<latents - 1>`."""
        return tuple(Column(f"sae:{i}", f"latent {i}", "share of tokens", "presence", TAU) for i in range(self.latents))

    def encode(self, pairs: PairSet, reader: Reader) -> FeatureMatrix:
        """Read every span of a set of pairs, once: the result is kept in the store.

        Args:
            pairs: what to read.
            reader: the model whose activations the SAE was made for, and how it reads.

        Returns:
            Statistics "max" and "freq" of the spans prompt, chosen and rejected; `info` says how well the
            SAE fits this data.

        Raises:
            ConfigError: the SAE's width or layer does not fit the model.
            DataError: the template refuses a pair, or an activation is not finite.
        """
        inputs = self._inputs(pairs, reader)
        parts = self.shards(pairs, reader)

        def build(out: Path) -> None:
            if not parts:
                self._read(pairs, reader, out, reader.load())
                return
            alive = np.zeros(self.latents, dtype=bool)

            def look(part: FeatureMatrix) -> None:
                for _, blocks in part.row_blocks(("chosen", "max"), ("rejected", "max")):
                    for block in blocks:
                        alive[block.indices] = True

            join((FeatureMatrix.load(s.make()) for s in parts), out, lambda all_of: _of_all(all_of, alive), look)

        folder = reader.store.get(STAGE, VERSION, inputs, build)
        clear(reader.store, parts)
        matrix = FeatureMatrix.load(folder)
        columns = tuple(replace(c, hints=h) for c, h in zip(self.columns, self.promoted(reader), strict=True))
        return replace(matrix, columns=columns)

    def shards(self, pairs: PairSet, reader: Reader) -> list[Shard]:
        """The shards that a large set is read in."""
        inputs = self._inputs(pairs, reader)
        whole = reader.store.path(STAGE, VERSION, inputs)
        loaded: list[Any] = []  # once for all that are read here

        def read(rows: PairSet, own: Reader, out: Path) -> None:
            if not loaded:
                loaded.append(own.load())
            self._read(rows, own, out, *loaded)

        return shards(pairs, Stage("sae", f"{STAGE}-rows", VERSION), whole, reader, read)

    def _inputs(self, pairs: PairSet, reader: Reader) -> dict[str, Any]:
        return {
            "rows": pairs.rows_sha256,
            "sae": self.sha256,
            "layer": self.layer,
            "format": FILE_VERSION,
            **reader.inputs("sae-lens"),
        }

    def _read(self, pairs: PairSet, reader: Reader, out: Path, loaded: tuple[Any, Any]) -> None:
        matrix = read_features(self, *loaded, pairs, max_length=reader.max_length, progress=reader.step("sae features"))
        matrix.info.update(model=reader.ref.name, model_identity=reader.ref.identity, dtype=precision(reader.dtype))
        matrix.save(out)

    def promoted(self, reader: Reader) -> list[tuple[str, ...]]:
        """The tokens that each latent promotes in a model, from the store or computed now."""
        exact = replace(reader, dtype="float32")
        inputs = {"sae": self.sha256, **exact.identity()}

        def build(out: Path) -> None:
            tokens = logit_lens.promoted_tokens(self.decoder, *exact.load())
            write_atomic(out / "promoted.json", json.dumps(tokens, ensure_ascii=False))

        folder = reader.store.get("promoted-tokens", logit_lens.VERSION, inputs, build)
        return [tuple(t) for t in json.loads((folder / "promoted.json").read_text(encoding="utf-8"))]


def _of_all(infos: Sequence[Mapping[str, Any]], alive: NDArray[np.bool_]) -> dict[str, Any]:
    """What shards say of themselves as one: counts are added, the rest are means over response tokens."""
    tokens = np.array([x["n_response_tokens"] for x in infos], dtype=np.float64)

    def mean(name: str) -> float | None:
        known = [(x[name], n) for x, n in zip(infos, tokens, strict=True) if x[name] is not None]
        return float(sum(v * n for v, n in known) / sum(n for _, n in known)) if known else None

    return {
        **infos[0],
        "variance_explained": mean("variance_explained"),
        "l0": mean("l0"),
        "share_alive": float(alive.mean()) if tokens.any() else None,
        "n_response_tokens": int(tokens.sum()),
        "n_truncated": sum(x["n_truncated"] for x in infos),
    }


def read_features(
    lens: SaeLens,
    model: Any,
    tokenizer: Any,
    pairs: PairSet,
    *,
    max_length: int = MAX_LENGTH,
    batch_tokens: int | None = None,
    threads: int | None = None,
    progress: Steps | None = None,
) -> FeatureMatrix:
    """The features of a set of pairs under a loaded model; see `SaeLens.encode`."""
    require_fit(lens, model)
    lens.sae.to(model.device)
    tokens = tokenise_pairs(tokenizer, pairs.pairs, max_length=max_length)
    pool = Pool(lens.sae, max(1, tokens.n_response_tokens // SAMPLED_TOKENS), tokens)
    encode_spans(
        model, tokenizer, tokens, lens.layer, pool.take,
        batch_tokens=batch_tokens, threads=threads, progress=progress,
    )  # fmt: skip
    info = {
        "name": "sae",
        "sae": lens.name,
        "sae_sha256": lens.sha256,
        "layer": lens.layer,
        "latents": lens.latents,
        **pool.fit(),
        "max_length": max_length,
        "n_truncated": tokens.n_truncated,
        "template": template_hash(tokenizer),
    }
    groups = tuple(p.group for p in pairs.pairs)
    return FeatureMatrix(
        "sae", lens.columns, pool.matrices(), tokens.pair_ids, groups, info, kind="latent", reads_model=True
    )


def require_fit(lens: SaeLens, model: Any) -> None:
    """Check that an SAE can read a model.

    Raises:
        ConfigError: its width or layer is not one of the model's.
    """
    config = model.config.get_text_config()
    if lens.width != config.hidden_size:
        raise ConfigError(
            f"SAE '{lens.name}' reads activations of width {lens.width}, but the model's are "
            f"{config.hidden_size} wide: choose the model that it was trained on, or train one "
            "with `offtarget lens train`"
        )
    if not 0 <= lens.layer < config.num_hidden_layers:
        raise ConfigError(
            f"SAE '{lens.name}' reads layer {lens.layer}, but the model has {config.num_hidden_layers} layers, "
            f"0 to {config.num_hidden_layers - 1}: choose the model that it was trained on"
        )


def shipped_sae(ref: ModelRef) -> str:
    """The name of the SAE that comes with the package for a model.

    Raises:
        ConfigError: there is none; says how to train one.
    """
    for name, (_, identity) in SHIPPED.items():
        if ref.identity == identity:
            return name
    raise ConfigError(
        f"no SAE is available for model '{ref.name}': train one with "
        f"`offtarget lens train {ref.name} --out DIR`, or name one with --lens sae:FOLDER"
    )


def load_sae(name: str | Path, *, layer: int | None = None) -> SaeLens:
    """Load an SAE by the name of a shipped one, from a folder, or from a public release through sae-lens.

    Args:
        name: `smollm2-135m-l20`; a folder with `cfg.json` and `sae_weights.safetensors`; or
            `release/sae_id` as sae-lens knows it (also `org/repository/path`).
        layer: the decoder layer after which it reads, where its configuration does not say.

    Raises:
        ConfigError: the folder holds no SAE, a pickle, one in training form, or one of another kind of site.
        UndecidedError: the release cannot be fetched.
    """
    folder = PRETRAINED / str(name) if str(name) in SHIPPED else Path(name)
    if folder.is_dir():
        sae, digest = _from_folder(folder)
    elif isinstance(name, Path) or name.count("/") == 0 or folder.is_absolute() or name.startswith("."):
        raise ConfigError(
            f"SAE '{name}': there is no such folder; shipped are {', '.join(SHIPPED)}, "
            "and a public one is written release/sae_id"
        )
    else:
        sae, digest = _from_release(name)
    sae = sae.float().eval()
    sae.requires_grad_(False)
    return SaeLens(sae, str(name), _layer_of(sae, str(name), layer), digest)


def _from_folder(folder: Path) -> tuple[Any, str]:
    from sae_lens import SAE
    from safetensors import SafetensorError

    files = (folder / CONFIG, folder / WEIGHTS)
    if not all(f.is_file() for f in files):
        pickles = sorted(p.name for p in folder.iterdir() if p.suffix in PICKLES)
        if pickles:
            raise ConfigError(f"SAE '{folder}': {pickles[0]} is a pickle, which is not read; save it as {WEIGHTS}")
        raise ConfigError(f"SAE '{folder}': a folder with {CONFIG} and {WEIGHTS} is needed (the form sae-lens saves)")
    try:
        kind = json.loads(files[0].read_text()).get("architecture")
        if "batchtopk" in str(kind):
            raise ConfigError(
                f"SAE '{folder}' is in training form ({kind}), in which a row depends on its batch; "
                "save it with sae-lens' save_inference_model"
            )
        sae = SAE.load_from_disk(folder, device="cpu", dtype="float32")
    except (ValueError, KeyError, TypeError, RuntimeError, OSError, SafetensorError) as error:
        raise ConfigError(
            f"SAE '{folder}' cannot be read ({str(error).splitlines()[0]}): {CONFIG} and weights in safetensors, "
            "as sae-lens saves them, are needed; pickles are not read"
        ) from error
    return sae, hash_of([file_sha256(f) for f in files])


def _from_release(name: str) -> tuple[Any, str]:
    from sae_lens import SAE
    from sae_lens.loading.pretrained_saes_directory import get_pretrained_saes_directory

    known = get_pretrained_saes_directory()
    release, _, sae_id = name.partition("/")
    if release not in known:
        parts = name.split("/", 2)
        release, sae_id = "/".join(parts[:2]), parts[2] if len(parts) > 2 else "."
    elif known[release].conversion_func not in SAFE_LOADERS:
        raise ConfigError(f"SAE '{name}': this release is a pickle or no plain SAE, and is not read")
    try:
        sae = SAE.from_pretrained(release, sae_id, device="cpu", dtype="float32")
    except ValueError as error:
        raise ConfigError(f"SAE '{name}': {str(error).splitlines()[0]}") from error
    except OSError as error:
        raise UndecidedError(
            f"SAE '{name}' cannot be fetched: check the name and the network, or give a folder"
        ) from error
    weights = {k: v.double().sum().item() for k, v in sae.state_dict().items()}
    return sae, hash_of([name, canonical_json(weights)])


def _layer_of(sae: Any, name: str, layer: int | None) -> int:
    if layer is not None:
        return layer
    hook = str(getattr(sae.cfg.metadata, "hook_name", None) or "")
    if match := re.fullmatch(r"blocks\.(\d+)\.hook_resid_(post|pre)", hook):
        return int(match[1]) - (match[2] == "pre")
    if match := re.fullmatch(r"(?:model\.)?layers\.(\d+)", hook):
        return int(match[1])
    raise ConfigError(
        f"SAE '{name}' reads '{hook or 'an unnamed site'}', but only the residual stream after a layer "
        "is read here; if it is that, say which with --layer"
    )
