"""bankalerts tells bank customers at once when something happens on their accounts."""
