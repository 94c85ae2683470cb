"""`offtarget lens train`: a sparse autoencoder for a model."""

from pathlib import Path
from typing import Annotated

import typer

from offtarget.cli.ui import echo_json, progress

app = typer.Typer(help="Make lenses.", no_args_is_help=True)


@app.callback()
def group() -> None:
    """Make lenses."""


@app.command("train")
def train(
    model: Annotated[str, typer.Argument(help="Alias, directory, or hf:org/name.")],
    out: Annotated[Path, typer.Option(help="Folder for the SAE (safetensors).")],
    data: Annotated[list[str], typer.Option(help="Datasets whose texts are read; may be repeated.")],
    held_out: Annotated[str | None, typer.Option(help="Dataset the SAE is measured on.")] = None,
    layer: Annotated[int | None, typer.Option(help="Decoder layer; two thirds up if left out.")] = None,
    latents: Annotated[int, typer.Option(min=8, help="Width of the SAE.")] = 4608,
    k: Annotated[int, typer.Option(min=1, help="Latents that fire on a token, on average.")] = 32,
    tokens: Annotated[int, typer.Option(min=1000, help="Activations to train on.")] = 1_000_000,
    epochs: Annotated[int, typer.Option(min=1, help="Passes over them.")] = 4,
    seed: Annotated[int, typer.Option(help="Of initialisation and order.")] = 0,
) -> None:
    """Train a BatchTopK SAE on a model's residual stream and save it in its JumpReLU form."""
    from offtarget.lens.sae_train import train_lens

    with progress() as report:
        metrics = train_lens(
            model, data, out, held_out=held_out, layer=layer, latents=latents, k=k, tokens=tokens, epochs=epochs,
            seed=seed, progress=report,
        )  # fmt: skip
    echo_json(metrics)
