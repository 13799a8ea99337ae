"""The local stack: every part of the product as processes of this machine, from packages alone."""
