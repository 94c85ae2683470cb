"""A policy that another program trains: a plan as a dataset folder for it, and its policy as a cell."""
