"""Wrong rows for each column, and what is said about each."""

from __future__ import annotations

from typing import NamedTuple


class Case(NamedTuple):
    """A statement, and what is said about it."""

    statement: str
    column: str
    value: str | None
    reason: str
    remedy: str


def customer(column: str, value: str) -> str:
    columns = {"customer_id": "2", "full_name": "'Bert'", column: value}
    return f"insert into bank.customer ({', '.join(columns)}) values ({', '.join(columns.values())})"


def account(column: str, value: str) -> str:
    columns = {"account_id": "'b'", "currency": "'EUR'", column: value}
    return f"insert into bank.account ({', '.join(columns)}) values ({', '.join(columns.values())})"


def permission(column: str, value: str) -> str:
    return f"update bank.account_permission set {column} = {value}"


def address(channel: str, value: str) -> str:
    return f"insert into bank.contact_address (customer_id, channel, address) values (1, '{channel}', {value})"


def device(column: str, value: str) -> str:
    columns = {"push_id": "'p'", "customer_id": "1", "platform": "'IOS'", "provider": "'apns'", column: value}
    return f"insert into bank.push_device ({', '.join(columns)}) values ({', '.join(columns.values())})"


def alert_type(column: str, value: str) -> str:
    columns = {"alert_type": "'NEW'", "event_kind": "'ACCOUNT_ENTRY'", "condition": "'true'", "category": "'c'", "title": "'t'"}
    columns[column] = value
    return f"insert into bank.alert_type ({', '.join(columns)}) values ({', '.join(columns.values())})"


def template(column: str, value: str) -> str:
    columns = {"alert_type": "'TT'", "channel": "'SMS'", "locale": "'en'", "version": "1", "body": "'b'", column: value}
    return f"insert into bank.message_template ({', '.join(columns)}) values ({', '.join(columns.values())})"


def preference(column: str, value: str) -> str:
    columns = {"account_id": "'a'", "customer_id": "1", "alert_type": "'TT'", "currency": "'EUR'", "channels": "'{SMS}'"}
    columns |= {"parameters": """'{"i": 1, "t": "x", "b": true}'""", column: value}
    return f"insert into bank.alert_preference ({', '.join(columns)}) values ({', '.join(columns.values())})"


def given(**changed: str | None) -> str:
    """Parameters of the alert type TT as JSON; None leaves one out."""
    values = {"i": "1", "t": '"x"', "b": "true", **changed}
    return "{" + ", ".join(f'"{name}": {value}' for name, value in values.items() if value is not None) + "}"


def entry(column: str, value: str) -> str:
    columns = {"entry_id": "'f'", "booking_date": "'2026-01-01'", "account_id": "'a'", "amount_minor": "1", "currency": "'EUR'"}
    columns[column] = value
    return f"insert into bank.account_entry ({', '.join(columns)}) values ({', '.join(columns.values())})"


def setting(column: str, value: str) -> str:
    return f"update bank.customer set {column} = {value}"


def consent(value: str) -> str:
    return f"insert into bank.customer_consent (customer_id, purpose, granted) values (1, {value}, true)"


def rule(columns: str, values: str) -> str:
    return f"insert into bank.delivery_rule (alert_type, {columns}) values ('TT', {values})"


def secret(value: str) -> str:
    return f"insert into bank.webhook_secret (customer_id, address, secret) values (1, 'https://example.org/', {value})"


LONG = "repeat('x', 1001)"
PARAMETERS = "bank.alert_preference.parameters"
DECLARED = "bank.alert_type.parameters"
YEARS = "a time must lie in the years 1 to 9999"

CASES = [
    # What customers and the bank settle of delivery
    Case(
        setting("contact_status", "'DEAD'"), "bank.customer.contact_status", "DEAD", "no such value", "ACTIVE, HOLD, DECEASED"
    ),
    Case(setting("quiet_from", "'22:00'"), "bank.customer.quiet_until", None, "together with quiet_from", "both or neither"),
    Case(
        setting("quiet_until", "'07:00'"),
        "bank.customer.quiet_until",
        "07:00:00",
        "together with quiet_from",
        "both or neither",
    ),
    Case(
        setting("(quiet_from, quiet_until)", "('22:00', '22:00')"),
        *("bank.customer.quiet_until", "22:00:00", "it is quiet_from", "another time of day"),
    ),
    Case(
        setting("(quiet_from, quiet_until)", "('22:00', '24:00')"),
        "bank.customer.quiet_until",
        "24:00",
        "ends at 00:00",
        "00:00",
    ),
    Case("update bank.account set status = 'CLOSED'", "bank.account.status", "CLOSED", "no such value", "OPEN, BLOCKED"),
    *(
        Case(consent(f"'{v}'"), "bank.customer_consent.purpose", v, reason, "SERVICE")
        for v, reason in (("SECURITY", "need no consent"), ("STATUTORY", "need no consent"), ("FUN", "no such value"))
    ),
    *(
        Case(rule("time_to_live", f"'{v}'"), "bank.delivery_rule.time_to_live", shown, "out of bounds", "1 minute to 30 days")
        for v, shown in (("59 seconds", "00:00:59"), ("31 days", "31 days"), ("-1 day", "-1 days"))
    ),
    Case(rule("throttle_messages", "3"), "bank.delivery_rule.throttle_window", None, "together with", "both or neither"),
    Case(
        rule("throttle_window", "'1 hour'"),
        "bank.delivery_rule.throttle_window",
        "01:00:00",
        "together with",
        "both or neither",
    ),
    Case(
        rule("throttle_messages, throttle_window", "0, '1 hour'"),
        *("bank.delivery_rule.throttle_messages", "0", "out of bounds", "1 to 1000"),
    ),
    Case(
        rule("throttle_messages, throttle_window", "1, '8 days'"),
        *("bank.delivery_rule.throttle_window", "8 days", "out of bounds", "1 minute to 7 days"),
    ),
    Case(rule("per_minute_max", "0"), "bank.delivery_rule.per_minute_max", "0", "out of bounds", "bankalerts pause"),
    *(
        Case(secret(f"'{v}'"), "bank.webhook_secret.secret", "(not shown)", "not a secret", "24 to 64 random bytes")
        for v in ("", "whsec_short", "A" * 40, "whsec_" + "=" * 32, "whsec_" + "A" * 31, "whsec_" + "A" * 33 + "=" * 8)
    ),
    *(
        Case(
            address("WEBHOOK", f"'{v}'"),
            "bank.contact_address.address",
            v,
            "not a URL that messages can be posted to",
            "https://host/path",
        )
        for v in (
            *(
                "ftp://example.org/",
                "https://",
                "https:///path",
                "example.org",
                "https://ada:secret@example.org/",
                "https://ada@example.org",
            ),
            *("https://example.org/#there", "https://example.org/a b", "https://example.org:port/", "https://exa mple.org/"),
            *("javascript:alert(1)", "https://example.org/ü"),
        )
    ),
    Case(
        address("WEBHOOK", "'https://example.org\\@evil.example/'"),
        *("bank.contact_address.address", None, "not a URL that messages can be posted to", "https://host/path"),
    ),
    Case(address("INBOX", "'1'"), "bank.contact_address.channel", "INBOX", "the inbox needs no address", "Leave the row out"),
    Case(
        customer("full_name", "repeat('x', 141)"),
        "bank.customer.full_name",
        "x" * 141,
        "141 characters, at most 140",
        "Shorten",
    ),
    Case(customer("full_name", "''"), "bank.customer.full_name", "", "it is empty", "Give a value"),
    *(
        Case(customer("locale", f"'{v}'"), "bank.customer.locale", v, "not a language tag", "nl-NL")
        for v in ("nl_NL", "NL", "dutch")
    ),
    *(
        Case(customer("time_zone", f"'{v}'"), "bank.customer.time_zone", v, "no such time zone", "Europe/Amsterdam")
        for v in ("Europe/Amsterdm", "europe/amsterdam", "CEST", "CET", "+01:00", "XYZ5", "posix/UTC", "")
    ),
    *(
        Case(account("iban", f"'{v}'"), "bank.account.iban", v, reason, "without spaces and in capitals")
        for v, reason in (
            ("NL91ABNA0417164301", "check digits are wrong"),
            ("NL91 ABNA 0417 1643 00", "not written as an IBAN"),
            ("nl91abna0417164300", "not written as an IBAN"),
            ("NL91ABNA041716430", "an IBAN of NL has 18 characters, this has 17"),
            ("ZZ91ABNA0417164300", "the IBAN registry has no country ZZ"),
            ("((91ABNA0417164300", "not written as an IBAN"),
            ("", "not written as an IBAN"),
        )
    ),
    *(
        Case(account("currency", f"'{v}'"), "bank.account.currency", v, "no such currency", "EUR")
        for v in ("EURO", "eur", "XXX", "")
    ),
    Case(account("account_id", "repeat('x', 65)"), "bank.account.account_id", "x" * 65, "65 characters, at most 64", "Shorten"),
    Case(account("product", "repeat('x', 61)"), "bank.account.product", "x" * 61, "61 characters, at most 60", "Shorten"),
    Case(account("time_zone", "'Mars/Base'"), "bank.account.time_zone", "Mars/Base", "no such time zone", "bank.time_zone"),
    Case("update bank.account set currency = 'CZK'", "bank.account.currency", "CZK", "never changes", "Open another account"),
    Case("update bank.account set account_id = 'z'", "bank.account.account_id", "z", "never changes", "The IBAN may"),
    Case("delete from bank.account", "bank.account.account_id", "a", "has permissions or preferences", "DELETE those first"),
    Case(permission("role", "'KING'"), "bank.account_permission.role", "KING", "no such value", "OWNER, AUTHORISED, VIEWER"),
    *(
        Case(permission(column, f"'{v}'"), f"bank.account_permission.{column}", v, YEARS, 'NULL means "none"')
        for column in ("valid_from", "valid_until")
        for v in ("infinity", "-infinity")
    ),
    Case(permission("valid_until", "'10000-01-01 00:00+00'"), "bank.account_permission.valid_until", None, YEARS, "NULL"),
    Case(
        permission("valid_until", "'2001-01-01 00:00+00'"),
        "bank.account_permission.valid_until",
        None,
        "before valid_from",
        "later",
    ),
    Case(
        "insert into bank.account_permission (account_id, customer_id, role) values ('z', 1, 'OWNER')",
        *("bank.account_permission.account_id", "z", "no such account", "Insert the account first"),
    ),
    *(
        Case(address("EMAIL", f"'{v}'"), "bank.contact_address.address", v, "not an e-mail address", "name@example.org")
        for v in (
            "anna",
            "anna@",
            "@example.org",
            "anna@example",
            "a b@example.org",
            "anna@example.org\nBcc: x@example.org",
            "é@example.org",
        )
    ),
    Case(
        address("EMAIL", "repeat('x', 65) || '@example.org'"),
        *("bank.contact_address.address", "x" * 65 + "@example.org", "before @ has more than 64", "Correct it"),
    ),
    Case(
        address("EMAIL", "repeat('x', 255)"),
        "bank.contact_address.address",
        "x" * 255,
        "255 characters, at most 254",
        "Shorten",
    ),
    *(
        Case(address("SMS", f"'{v}'"), "bank.contact_address.address", v, "not an international telephone number", "E.164")
        for v in (
            "0612345678",
            "+31 6 12345678",
            "0031612345678",
            "+0612345678",
            "+12345",
            "+1234567890123456",
            "tel:+31612345678",
        )
    ),
    Case(address("PUSH", "'x'"), "bank.contact_address.channel", "PUSH", "go to devices", "bank.push_device"),
    Case(device("platform", "'PALM'"), "bank.push_device.platform", "PALM", "no such value", "ANDROID, IOS, WEB"),
    Case(device("push_id", "repeat('x', 256)"), "bank.push_device.push_id", "x" * 256, "at most 255", "Shorten"),
    Case(device("provider", "''"), "bank.push_device.provider", "", "it is empty", "Give a value"),
    *(
        Case(alert_type("alert_type", f"'{v}'"), "bank.alert_type.alert_type", v, "not a name in capitals", "capitals")
        for v in ("low", "X", "A-B")
    ),
    Case(alert_type("event_kind", "'WEATHER'"), "bank.alert_type.event_kind", "WEATHER", "no such value", "ACCOUNT_ENTRY"),
    *(
        Case(alert_type("statuses", f"'{v}'"), "bank.alert_type.statuses", v, "not a list of statuses", "{PENDING,BOOKED}")
        for v in ("{LOST}", "{BOOKED,NULL}", "{{BOOKED},{PENDING}}", "{BOOKED,BOOKED,BOOKED}")
    ),
    *(
        Case(alert_type("condition", condition), "bank.alert_type.condition", shown, reason, remedy)
        for condition, shown, reason, remedy in (
            (LONG, "the end", "longer than 1000 characters", "Shorten"),
            ("'event.iban is null'", "event.iban", "position 1: this cannot be read here", "event.status"),
            ("'event.amount_minor > :x'", ":x", "position 22: this cannot be read here", "Readable"),
            ("'pg_sleep(1) is null'", "pg_sleep", "position 1: a condition cannot contain this", "event.column"),
            ("'true; drop'", ";", "cannot contain this", "AND, OR, NOT"),
            ("'true true'", "true", "position 6: this cannot stand here", "AND, OR"),
            ("'1 = ''a'''", "'a'", "position 5: integer is needed, and text begins here", "Compare like with like"),
        )
    ),
    Case(alert_type("title", "''"), "bank.alert_type.title", "", "it is empty", "Give a value"),
    Case(alert_type("category", "repeat('x', 41)"), "bank.alert_type.category", "x" * 41, "at most 40", "Shorten"),
    *(
        Case(alert_type("parameters", f"'{v}'"), column, shown, reason, '"threshold_minor"')
        for v, column, shown, reason in (
            ("[]", DECLARED, "[]", "not a JSON object"),
            ('{"X": {"type": "text"}}', DECLARED, "X", "small letters"),
            ('{"x": 1}', f"{DECLARED}.x", "1", "it has no type"),
            ('{"x": {"type": "float"}}', f"{DECLARED}.x", '{"type": "float"}', "it has no type"),
            ('{"x": {"type": "text", "maximum": 1}}', f"{DECLARED}.x", None, "more than a type"),
            ('{"x": {"type": "integer", "min": 1}}', f"{DECLARED}.x", None, "more than a type"),
            ('{"x": {"type": "integer", "minimum": "a"}}', f"{DECLARED}.x", None, "not whole numbers"),
            ('{"x": {"type": "integer", "minimum": 2, "maximum": 1}}', f"{DECLARED}.x", None, "above its maximum"),
        )
    ),
    Case(template("locale", "'English'"), "bank.message_template.locale", "English", "not a language tag", "nl-NL"),
    Case(template("body", "repeat('x', 4001)"), "bank.message_template.body", None, "4001 characters, at most 4000", "Shorten"),
    Case(
        template("subject", "repeat('x', 201)"), "bank.message_template.subject", None, "201 characters, at most 200", "Shorten"
    ),
    Case(
        preference("alert_type", "'NO_SUCH'"),
        "bank.alert_preference.alert_type",
        "NO_SUCH",
        "no such alert type",
        "bank.alert_type",
    ),
    Case(
        preference("account_id", "'z'"), "bank.alert_preference.account_id", "z", "no such account", "Insert the account first"
    ),
    Case(preference("preference_no", "0"), "bank.alert_preference.preference_no", "0", "it starts at 1", "Use 1"),
    Case(preference("currency", "'EURO'"), "bank.alert_preference.currency", "EURO", "no such currency", "EUR"),
    *(
        Case(preference("parameters", f"'{v}'"), PARAMETERS + name, shown, reason, remedy)
        for v, name, shown, reason, remedy in (
            ("[1]", "", "[1]", "not a JSON object", "{"),
            ('"x"', "", '"x"', "not a JSON object", "{"),
            ("null", "", "null", "not a JSON object", "{"),
            (given(b=None), ".b", None, "needs this parameter", "Add it"),
            (given(x="1"), ".x", "1", "declares no such parameter", "b, i, t"),
            *(
                (given(i=i), ".i", i, "not of type integer", "whole number without quotes")
                for i in ('"1"', "1.5", "true", "null", "[1]", '{"j": 1}', "9999999999999999999")
            ),
            (given(i="11"), ".i", "11", "out of bounds", "Use 0 to 10"),
            (given(i="-1"), ".i", "-1", "out of bounds", "Use 0 to 10"),
            (given(t="1"), ".t", "1", "not of type text", "as JSON has it"),
            (given(b='"true"'), ".b", '"true"', "not of type boolean", "as JSON has it"),
            (given(t='"' + "x" * 1000 + '"'), "", None, "longer than 1,000 bytes", "Shorten"),
            (given(t='"' + "é" * 490 + '"'), "", None, "longer than 1,000 bytes", "Shorten"),
        )
    ),
    *(
        Case(preference("channels", f"'{v}'"), "bank.alert_preference.channels", shown, reason, remedy)
        for v, shown, reason, remedy in (
            ("{}", "{}", "not a list of channels", "'{PUSH,SMS}'"),
            ("{{SMS},{PUSH}}", "{{SMS},{PUSH}}", "not a list of channels", "'{PUSH,SMS}'"),
            ("{FAX}", "FAX", "no such channel", "EMAIL, INBOX, PUSH, SMS, WEBHOOK"),
            ("{sms}", "sms", "no such channel", "EMAIL, INBOX, PUSH, SMS, WEBHOOK"),
            ("{SMS,NULL}", None, "no such channel", "EMAIL, INBOX, PUSH, SMS, WEBHOOK"),
            ("{SMS,SMS}", "{SMS,SMS}", "names a channel twice", "once"),
        )
    ),
    Case(entry("account_id", "'z'"), "bank.account_entry.account_id", "z", "no such account", "Insert the account first"),
    Case(entry("currency", "'CZK'"), "bank.account_entry.currency", "CZK", "kept in EUR", "original_amount_minor"),
    Case(entry("status", "'LOST'"), "bank.account_entry.status", "LOST", "no such value", "PENDING, BOOKED"),
    *(
        Case(entry(column, v), f"bank.account_entry.{column}", v, "beyond 10^17 minor units", "cents")
        for column in ("amount_minor", "balance_after_minor", "original_amount_minor")
        for v in ("100000000000000001", "-100000000000000001", "9223372036854775807", "-9223372036854775808")
    ),
    *(
        Case(entry(column, f"'{v}'"), f"bank.account_entry.{column}", v, "a date must lie in the years 1 to 9999", "real date")
        for column in ("booking_date", "value_date")
        for v in ("infinity", "-infinity", "10000-01-01", "0001-01-01 BC")
    ),
    *(
        Case(entry("occurred_at", f"'{v}'"), "bank.account_entry.occurred_at", v, YEARS, "real time")
        for v in ("infinity", "-infinity")
    ),
    *(
        Case(
            entry(column, f"repeat('x', {longest + 1})"),
            f"bank.account_entry.{column}",
            None,
            f"at most {longest} fit",
            "Shorten",
        )
        for column, longest in (
            *(("entry_id", 64), ("description", 1000), ("counterparty_name", 140), ("counterparty_account", 64)),
            *(("entry_type", 60), ("reverses_entry_id", 64)),
        )
    ),
    Case(entry("entry_id", "''"), "bank.account_entry.entry_id", "", "it is empty", "Give a value"),
    Case(entry("original_currency", "'EURO'"), "bank.account_entry.original_currency", "EURO", "no such currency", "EUR"),
]
