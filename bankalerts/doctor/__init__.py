"""Doctor: what is wrong, or will be, with database, capture and delivery; each finding with the statement that mends it."""
