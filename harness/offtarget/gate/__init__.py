"""Pass or fail on an audit: a person's decisions, limits, and what changed since a baseline."""
