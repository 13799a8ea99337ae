"""Tamper evidence: alerts and the ends of messages in a hash chain, its signed heads outside of the database; and erasure.

signing.py    the key; what is signed; the file of heads
sealer.py     seals what is due, block by block: make, sign, commit, append the head outside
verifier.py   finds what was edited, deleted, reordered or rewritten, from the heads and the public key
erase.py      erases a customer by destroying their key
commands.py   `bankalerts seal`, `verify-chain`, `erase`
"""
