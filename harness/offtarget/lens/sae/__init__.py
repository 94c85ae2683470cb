"""Sparse autoencoders: reading latents of tokens, training, evaluation, and the signed kind that reads differences."""
