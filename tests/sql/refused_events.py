"""Wrong rows of card authorisations, payment orders and customer activity, and what is said about each."""

from __future__ import annotations

from tests.sql.refused_rows import LONG, YEARS, Case


def insert(table: str, columns: dict[str, str]) -> str:
    return f"insert into {table} ({', '.join(columns)}) values ({', '.join(columns.values())})"


def card(column: str, value: str) -> str:
    columns = {"authorisation_id": "'c'", "authorised_on": "'2026-01-01'", "account_id": "'a'", "card_token": "'tok'"}
    columns |= {"amount_minor": "-1", "currency": "'EUR'", "card_present": "true", "outcome": "'APPROVED'"}
    return insert("bank.card_authorisation", {**columns, "authorised_at": "'2026-01-01 12:00+00'", column: value})


def order(column: str, value: str) -> str:
    columns = {"status_change_id": "'s'", "changed_on": "'2026-01-01'", "order_id": "'o'", "account_id": "'a'"}
    columns |= {"status": "'REJECTED'", "amount_minor": "-1", "currency": "'EUR'", "changed_at": "'2026-01-01 12:00+00'"}
    return insert("bank.payment_order", {**columns, column: value})


def activity(column: str, value: str) -> str:
    columns = {"activity_id": "'x'", "occurred_on": "'2026-01-01'", "customer_id": "1", "activity_type": "'LOGIN'"}
    return insert("bank.customer_activity", {**columns, "occurred_at": "'2026-01-01 12:00+00'", column: value})


CARD, ORDER, ACTIVITY = "bank.card_authorisation", "bank.payment_order", "bank.customer_activity"
WRITERS = {CARD: card, ORDER: order, ACTIVITY: activity}
AMOUNTS = ((CARD, "amount_minor"), (CARD, "original_amount_minor"), (ORDER, "amount_minor"))
DATES = ((CARD, "authorised_on"), (ORDER, "changed_on"), (ACTIVITY, "occurred_on"))
TIMES = ((CARD, "authorised_at"), (ORDER, "changed_at"), (ACTIVITY, "occurred_at"))
LENGTHS = (
    *((CARD, "authorisation_id"), (CARD, "card_token"), (CARD, "merchant_id")),
    *((ORDER, "status_change_id"), (ORDER, "order_id"), (ACTIVITY, "activity_id")),
)
CODES = ((CARD, "decline_reason"), (ORDER, "disclosable_reason"), (ACTIVITY, "activity_type"))

CASES = [
    *(
        Case(WRITERS[table]("account_id", "'z'"), f"{table}.account_id", "z", "no such account", "Insert the account first")
        for table in (CARD, ORDER)
    ),
    *(
        Case(WRITERS[table]("currency", "'CZK'"), f"{table}.currency", "CZK", "kept in EUR", "account's currency")
        for table in (CARD, ORDER)
    ),
    *(
        Case(WRITERS[table](column, v), f"{table}.{column}", v, "beyond 10^17 minor units", "cents")
        for table, column in AMOUNTS
        for v in ("100000000000000001", "-100000000000000001", "9223372036854775807", "-9223372036854775808")
    ),
    *(
        Case(WRITERS[table](column, f"'{v}'"), f"{table}.{column}", v, "a date must lie in the years 1 to 9999", "real date")
        for table, column in DATES
        for v in ("infinity", "-infinity", "10000-01-01", "0001-01-01 BC")
    ),
    *(
        Case(WRITERS[table](column, f"'{v}'"), f"{table}.{column}", v, YEARS, "real time")
        for table, column in TIMES
        for v in ("infinity", "-infinity")
    ),
    *(
        Case(WRITERS[table](column, LONG), f"{table}.{column}", "x" * 1001, "at most 64 fit", "Shorten")
        for table, column in LENGTHS
    ),
    *(Case(WRITERS[table](column, "''"), f"{table}.{column}", "", "it is empty", "Give a value") for table, column in LENGTHS),
    *(
        Case(WRITERS[table](column, f"'{v}'"), f"{table}.{column}", v, "it is not a code", "capitals")
        for table, column in CODES
        for v in ("", "limit", "LIMIT EXCEEDED", "X", "X" * 61)
    ),
    *(
        Case(card("card_token", f"'{v}'"), f"{CARD}.card_token", masked, "it is a card number", "token")
        for v, masked in (
            ("4111111111111111", "X" * 16),
            ("4111 1111 1111 1111", "XXXX XXXX XXXX XXXX"),
            ("3782-822463-10005", "XXXX-XXXXXX-XXXXX"),
            ("4222222222222", "X" * 13),
            ("6304000000000000000", "X" * 19),
        )
    ),
    *(
        Case(card("merchant_category", f"'{v}'"), f"{CARD}.merchant_category", v, "not a merchant category", "four digits")
        for v in ("", "541", "54111", "food")
    ),
    *(
        Case(card("country", f"'{v}'"), f"{CARD}.country", v, "not a country code", "NL")
        for v in ("", "nl", "NLD", "N1", "528")
    ),
    *(
        Case(card("outcome", f"'{v}'"), f"{CARD}.outcome", v, "no such value", "APPROVED, DECLINED")
        for v in ("", "approved", "OK")
    ),
    Case(card("original_currency", "'EURO'"), f"{CARD}.original_currency", "EURO", "no such currency", "EUR"),
    *(
        Case(order("status", f"'{v}'"), f"{ORDER}.status", v, "no such value", "AWAITING_APPROVAL")
        for v in ("", "LOST", "rejected")
    ),
    Case(activity("customer_id", "9"), f"{ACTIVITY}.customer_id", "9", "no such customer", "Insert the customer first"),
    *(
        Case(activity("properties", f"'{v}'"), f"{ACTIVITY}.properties", v, "not a JSON object", '{"name": value}')
        for v in ("[]", "1", '"x"', "null")
    ),
    Case(
        activity("properties", "jsonb_build_object('t', repeat('x', 2000))"),
        *(f"{ACTIVITY}.properties", None, "longer than 2,000 bytes", "Shorten"),
    ),
    Case(
        activity("properties", "jsonb_build_object('t', repeat('é', 1000))"),
        *(f"{ACTIVITY}.properties", None, "longer than 2,000 bytes", "Shorten"),
    ),
]
