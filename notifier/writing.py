"""Money and time as a customer reads them: their locale, their time zone, their bank's digits. CLDR data by Babel."""

from __future__ import annotations

import copy
import functools
import re
import unicodedata
from collections.abc import Mapping
from datetime import datetime, timedelta
from decimal import Decimal

import babel
from babel.dates import format_date, format_time, format_timedelta, get_timezone
from babel.numbers import NumberPattern, get_currency_symbol

from notifier import words

FALLBACK_LOCALE = "en"
# CLDR puts this between a time and AM: phones draw a box for it, and one of it makes an SMS twice as long.
NARROW_SPACE = "\u202f"
NO_BREAK_SPACE = "\u00a0"
PLACE = "\u00a4"  # where a pattern has the currency's symbol


class Writer:
    """Writes for one customer. `minor_digits` says by currency how many digits the minor unit has (ISO 4217)."""

    def __init__(self, locale: str, time_zone: str, minor_digits: Mapping[str, int]) -> None:
        self._locale = known_locale(locale)
        self._time_zone = get_timezone(time_zone)
        self._minor_digits = minor_digits

    def money(self, minor: int, currency: str) -> str:
        """An amount in minor units, such as 123456 EUR as €1,234.56. Raises TypeError for anything but an integer."""
        if type(minor) is not int:
            raise TypeError("money is written from a whole number of minor units")
        digits = self._minor_digits[currency]
        pattern = _money_pattern(self._locale, currency, digits)
        amount = Decimal(minor).scaleb(-digits)
        return str(pattern.apply(amount, self._locale, currency=currency, currency_digits=False))

    def when(self, time: datetime) -> str:
        """Date and time of day, such as 22 Nov 2026, 19:30."""
        local = time.astimezone(self._time_zone)
        day = format_date(local, "medium", locale=self._locale)
        hour = format_time(local, "short", locale=self._locale)
        return _date_and_time(self._locale).format(hour, day).replace(NARROW_SPACE, " ")

    def duration(self, seconds: int) -> str:
        """A length of time, rounded, in the largest unit of which it has two: 90 minutes, 7 months."""
        return str(format_timedelta(timedelta(seconds=seconds), threshold=2, locale=self._locale))

    def country(self, code: str) -> str:
        """The name of an ISO 3166 country; the code where CLDR has no name."""
        return str(self._locale.territories.get(code, code))

    def reason(self, code: str) -> str:
        """Why something was refused, to be read after a colon."""
        return words.reason(code, self._locale.language)

    def merchant_category(self, code: str) -> str:
        """What kind of shop a merchant category is."""
        return words.merchant_category(code, self._locale.language)


@functools.cache
def known_locale(tag: str) -> babel.Locale:
    """The locale of a BCP 47 tag; where CLDR has none, its language's; where it has not even that, English."""
    for known in (tag, tag.partition("-")[0], FALLBACK_LOCALE):
        try:
            return babel.Locale.parse(known, sep="-")
        except (babel.UnknownLocaleError, ValueError):
            continue
    raise AssertionError(f"Babel has no {FALLBACK_LOCALE}")


@functools.cache
def _money_pattern(locale: babel.Locale, currency: str, digits: int) -> NumberPattern:
    # CLDR's own digits of a currency differ from ISO 4217 for some (HUF, IDR): amounts are kept in ISO's units.
    pattern: NumberPattern = copy.copy(locale.currency_formats["standard"])
    pattern.frac_prec = (digits, digits)
    # Babel leaves out two of CLDR's rules: the locale's own minus sign, and a space between letters and digits (EUR 5).
    symbol = get_currency_symbol(currency, locale)
    minus = locale.number_symbols["latn"]["minusSign"]
    before = PLACE + NO_BREAK_SPACE if _wants_space(symbol[-1]) else PLACE
    after = NO_BREAK_SPACE + PLACE if _wants_space(symbol[0]) else PLACE
    positive, negative = (re.sub(f"{PLACE}$", before, part.replace("-", minus)) for part in pattern.prefix)
    pattern.prefix = (positive, negative)
    positive, negative = (re.sub(f"^{PLACE}", after, part.replace("-", minus)) for part in pattern.suffix)
    pattern.suffix = (positive, negative)
    return pattern


def _wants_space(edge: str) -> bool:
    # CLDR's currencySpacing: neither a symbol such as the euro sign, nor a space already.
    return unicodedata.category(edge)[0] not in "SZ"


@functools.cache
def _date_and_time(locale: babel.Locale) -> str:
    # {0} is the time, {1} the date; CLDR quotes literal words: "{1} 'um' {0}".
    return re.sub(r"'([^']*)'", r"\1", str(locale.datetime_formats["medium"]))
