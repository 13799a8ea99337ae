"""The process that does on a schedule what has to be done now and then."""
