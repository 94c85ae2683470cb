"""From a dataset card to pairs: cards, adapters, loading, splitting, descriptive statistics."""
