"""A language model as a lens: which concepts separate two responses, and which of the two has more of each."""
