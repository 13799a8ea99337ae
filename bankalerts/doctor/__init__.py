"""What is checked of a running system, each finding with its remedy."""
