"""What `import offtarget` gives to programs and notebooks: the commands as functions, and their results as objects.

Each function reads its arguments as its command does, and calls the same engine.
"""
