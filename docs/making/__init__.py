"""What `docs/make.py` makes: one module for each part of the documents."""
