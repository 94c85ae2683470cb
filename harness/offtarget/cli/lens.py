"""`offtarget lens train`: a sparse autoencoder for a model."""

from pathlib import Path
from typing import Annotated

import typer

from offtarget.cli.options import ChatTemplate
from offtarget.cli.ui import MAX_SEED, echo_json, progress

app = typer.Typer(help="Make lenses.", no_args_is_help=True)


@app.callback()
def group() -> None:
    """Make lenses."""


@app.command("train")
def train(
    model: Annotated[str, typer.Argument(help="Alias, directory, or hf:org/name.")],
    out: Annotated[Path, typer.Option(help="Output folder of the SAE (safetensors).")],
    data: Annotated[
        list[str], typer.Option(help="Training dataset: its prompts and answers are read. May be repeated.")
    ],
    held_out: Annotated[str | None, typer.Option(help="Dataset on which the SAE is measured and not trained.")] = None,
    layer: Annotated[int | None, typer.Option(help="Decoder layer; default: two thirds up.")] = None,
    expansion: Annotated[int, typer.Option(min=1, help="Latents for each dimension of the model.")] = 8,
    k: Annotated[int, typer.Option(min=1, help="Latents that fire on a token, on average.")] = 32,
    epochs: Annotated[float, typer.Option(min=0.01, help="Passes over the tokens.")] = 3.0,
    buffer_tokens: Annotated[
        int,
        typer.Option(
            min=10_000,
            help="Tokens whose activations are held at once (2 bytes for each and each dimension of the model). Data with more is "
            "read in stretches of that many, again at each pass.",
        ),
    ] = 2_000_000,
    limit: Annotated[int | None, typer.Option(min=1, help="Pairs to read of each dataset.")] = None,
    chat_template: ChatTemplate = None,
    seed: Annotated[int, typer.Option(min=0, max=MAX_SEED, help="Random seed of initialisation and order.")] = 0,
) -> None:
    """Train a BatchTopK SAE on a model's residual stream and save it in its JumpReLU form. Interrupted, it goes on where it was."""
    from offtarget.data.loading import load_pairs
    from offtarget.lens.reader import Reader
    from offtarget.lens.sae.train import SaeRecipe, train_sae
    from offtarget.models import resolve
    from offtarget.store import Store

    store = Store()
    recipe = SaeRecipe(layer=layer, expansion=expansion, k=k, epochs=epochs, buffer_tokens=buffer_tokens, seed=seed)
    with progress() as report:
        # a name that means no model is said before any data is read
        reader = Reader(resolve(model, store), store, template=chat_template, progress=report)
        metrics = train_sae(
            reader,
            [load_pairs(d, limit=limit) for d in data],
            out,
            recipe,
            held_out=load_pairs(held_out, limit=400) if held_out else None,
        )
    echo_json(metrics)
