"""What papers claim, held against the committed cells and verifications."""
