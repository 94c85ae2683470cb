"""What the start model's own answers say of training: which of them a row makes likelier, and which rows make a concept grow."""
