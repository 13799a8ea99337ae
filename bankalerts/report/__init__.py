"""What came out: alerts against the SQL reference, and how long each stage took."""
