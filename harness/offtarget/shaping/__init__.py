"""What a protocol asks of the trainer: row edits, row columns, hooks; and the scores it reads."""
