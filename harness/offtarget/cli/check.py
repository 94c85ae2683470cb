"""`offtarget check`: does a protocol keep the promises of all protocols?"""

from typing import Annotated

import typer

from offtarget.cli.ui import echo_json, note_problems, parameters_option, table


def check(
    protocol: Annotated[str, typer.Argument(help="Name of a protocol (see `offtarget list protocols`).")],
    params: Annotated[list[str] | None, typer.Option("-P", help="Parameter of the protocol, key=value.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Try a protocol on 64 planted pairs, without training: sign, strength 0, seed, no decision, order of the pairs."""
    from dataclasses import asdict

    from offtarget.engine.checking import check_protocol
    from offtarget.registry import default
    from offtarget.store import Store

    presets = default().get("protocol", protocol).card.get("parameters", {})
    note_problems()
    found = check_protocol(protocol, parameters_option(params, presets=presets), Store())
    if as_json:
        echo_json({"protocol": protocol, "checks": [asdict(c) for c in found]})
    else:
        table(("promise", "result", "what was seen"), [(c.name, c.verdict, c.seen) for c in found])
    if any(c.verdict == "broken" for c in found):
        raise typer.Exit(1)
