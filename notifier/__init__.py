"""The notifier drains the outbox: claim -> address book -> render -> send -> record, each channel on its own."""
