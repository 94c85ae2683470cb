"""offtarget: audit preference data, shape the learning signal, retrain, and measure what changed."""

__version__ = "0.1.0"
