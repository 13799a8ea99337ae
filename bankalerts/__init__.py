"""bankalerts tells bank customers at once when something happens on their accounts."""

import zoneinfo

# Of the locked package tzdata, not of whatever the machine has: all engines then mean the same by a time zone, and what they
# mean is as new as the lock (docs/decisions/2026-11-23-time-zones-of-the-package.md).
zoneinfo.reset_tzpath(to=())
