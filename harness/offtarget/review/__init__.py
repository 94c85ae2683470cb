"""The page on which a person decides, and what stands behind it."""
