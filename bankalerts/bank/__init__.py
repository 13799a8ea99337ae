"""Banks to try the product on, one real and one made up, written with plain SQL as a banking app would."""
