"""Tests: unit (no I/O), sql (real PostgreSQL), stack (whole chain), simulation (seeded crashes), long."""
