"""Proof that nothing is missing and nothing extra; what finds and mends a gap in capture."""
