"""Banks to try the product on: one from real data, one made up; both written with plain SQL as a banking app would."""
