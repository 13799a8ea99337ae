"""The long forms of the product's promises, each against a local stack of its own: `python -m tests.long NAME`."""
