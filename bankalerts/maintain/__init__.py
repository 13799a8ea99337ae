"""Partitions ahead of time, retention by class of data."""
