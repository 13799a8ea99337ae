"""Decides: decode -> snapshots -> match -> outbox. Matching is pure; the loop in engine/loop.py is the shell around it."""
