"""The roles of the database, what each may do, and how the local stack logs in as each."""
