"""Where cells run: a recipe becomes an audit, plans, policies, scores and cells."""
