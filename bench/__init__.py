"""Benchmarks: the engine beside its floor and its peers, all in one run, on the same entries. `python -m bench --help`."""
