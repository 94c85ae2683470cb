"""The views of an audit: does the whole set lean, does a topic, does a kind of prompt."""
