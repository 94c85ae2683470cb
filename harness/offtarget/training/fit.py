"""Whether a model can be trained as it is asked to be: its layout, the layers trained, the places of hooks."""

from typing import Any

from offtarget.architecture import parts_of
from offtarget.errors import ConfigError
from offtarget.shaping.plan import ShapingPlan
from offtarget.training.spec import TrainingSpec


def require_fit(model: Any, name: str, plan: ShapingPlan, spec: TrainingSpec) -> int:
    """Index of the lowest layer that is trained.

    Args:
        model: the causal LM, or its `skeleton`.
        name: what messages call it.
        plan: whose hooks need a place.
        spec: training options under the plan.

    Raises:
        ConfigError: a model without decoder layers under a head; no such layer to train; a hook on a layer or module that
            the model does not have, or of another width.
    """
    from offtarget.training.intervene import module_of

    try:
        parts = parts_of(model)
    except ConfigError as e:
        raise ConfigError(f"model '{name}' cannot be trained here: {e}") from None
    layers, width = parts.layers, parts.width
    first = spec.first_trained(len(layers))
    for hook in plan.hooks:
        if not 0 <= hook.layer < len(layers):
            raise ConfigError(
                f"plan of '{plan.protocol}' hooks layer {hook.layer}; the model has layers 0 to {len(layers) - 1}"
            )
        module_of(layers[hook.layer], hook.module)
        if hook.directions.shape[-1] != width:
            raise ConfigError(
                f"plan of '{plan.protocol}' hooks layer {hook.layer} with vectors of {hook.directions.shape[-1]} values; the "
                f"model's are {width} wide"
            )
    return first
