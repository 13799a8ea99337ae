"""The hash chain over alerts and messages: sealing, signing, verifying, erasing."""
