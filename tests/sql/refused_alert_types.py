"""Alert types whose columns do not go together, wrong preferences of customers, and what is said about each."""

from __future__ import annotations

import json

from tests.sql.refused_rows import Case, preference


def put(**columns: object) -> str:
    """A new alert type by bank.put_alert_type, with these columns; text is taken as it is, other values as JSON has them."""
    values = {"alert_type": "NEW", "event_kind": "ACCOUNT_ENTRY", "condition": "true", "category": "c", "title": "t", **columns}
    return f"select bank.put_alert_type({', '.join(f'{name} => {literal(value)}' for name, value in values.items())})"


def literal(value: object) -> str:
    text = value if isinstance(value, str) else json.dumps(value)
    return "'" + text.replace("'", "''") + "'"


def customer_preference(column: str, value: str) -> str:
    columns = {"customer_id": "1", "alert_type": "'AT'", "parameters": """'{"i": 1}'""", "channels": "'{SMS}'", column: value}
    return f"insert into bank.customer_preference ({', '.join(columns)}) values ({', '.join(columns.values())})"


def scheduled(**schedule: object) -> str:
    hour = {"type": "integer", "minimum": 0, "maximum": 23}
    parameters = {"hour": hour, "wide": {**hour, "maximum": 24}, "open": {"type": "integer"}, "word": {"type": "text"}}
    return put(parameters=parameters, timer_schedule={"every": "week", "weekday": 1, "hour": 8, "minute": 0, **schedule})


TYPE = "bank.alert_type"
PREFERENCE = "bank.customer_preference"
MINUTES = {"minutes": {"type": "integer", "minimum": 1, "maximum": 60}}
LONG_TEST = f"event.entry_type = '{'漢' * 900}'"
WINDOW = {"window_aggregate": "COUNT", "window_length": "60"}
REFUSED_TYPES = (
    (put(event_kind="CARD_AUTHORISATION"), "statuses", "{BOOKED}", "not a list of statuses", "APPROVED,DECLINED"),
    (put(event_kind="CUSTOMER_ACTIVITY", statuses="{DONE}"), "statuses", "{DONE}", "not a list of statuses", "'{}'"),
    (put(event_kind="PAYMENT_ORDER", statuses="{BOOKED}"), "statuses", "{BOOKED}", "not a list of statuses", "RETURNED"),
    (put(statuses="{BOOKED,BOOKED,BOOKED}"), "statuses", "{BOOKED,BOOKED,BOOKED}", "not a list of statuses", "PENDING"),
    (put(purpose="FUN"), "purpose", "FUN", "no such value", "STATUTORY, SECURITY, SERVICE, MARKETING"),
    (put(mandatory=True), "default_channels", "{}", "not a list of channels", "'{PUSH,SMS}'"),
    (put(default_channels="{FAX}"), "default_channels", "FAX", "no such channel", "EMAIL, INBOX, PUSH, SMS, WEBHOOK"),
    (
        put(mandatory=True, default_channels="{SMS}", parameters=MINUTES),
        "parameters",
        "minutes",
        "a default for each",
        '"default"',
    ),
    (
        put(mandatory=True, default_channels="{SMS}", timer_schedule={"every": "day", "hour": 8, "minute": 0}),
        *("mandatory", "true", "belongs to a preference", "Leave one"),
    ),
    (
        put(parameters={"i": {"type": "integer", "default": "x"}}),
        "parameters.default.i",
        '"x"',
        "not of type integer",
        "without quotes",
    ),
    (
        put(parameters={"i": {"type": "integer", "default": None}}),
        "parameters.default.i",
        "null",
        "not of type integer",
        "without quotes",
    ),
    (
        put(parameters={"i": {"type": "integer", "minimum": 5, "default": 4}}),
        *("parameters.default.i", "4", "out of bounds", "Use 5 to any"),
    ),
    (put(parameters={"t": {"type": "text", "default": 4}}), "parameters.default.t", "4", "not of type text", "as JSON has it"),
    (put(window_length="60"), "window_aggregate", None, "the other columns of a window need it", "COUNT"),
    (put(window_group="{entry_type}"), "window_aggregate", None, "the other columns of a window need it", "COUNT"),
    (put(window_aggregate="MEDIAN", window_length="60"), "window_aggregate", "MEDIAN", "no such value", "AVERAGE, SINCE"),
    (put(**WINDOW, window_value="amount_minor"), "window_value", "amount_minor", "COUNT takes none", "Leave it out"),
    (put(window_aggregate="SUM", window_length="60"), "window_value", None, "not an amount", "amount_minor"),
    (
        put(window_aggregate="SUM", window_length="60", window_value="description"),
        *("window_value", "description", "not an amount", "balance_after_minor"),
    ),
    (
        put(event_kind="CUSTOMER_ACTIVITY", window_aggregate="SUM", window_length="60", window_value="customer_id"),
        *("window_value", "customer_id", "not an amount", "can be counted"),
    ),
    (put(window_aggregate="COUNT"), "window_length", None, "only SINCE goes without", "86400"),
    (put(**WINDOW, window_group="{a,b,c}"), "window_group", "{a,b,c}", "more than two", "one or two"),
    (put(**WINDOW, window_group="{status,status}"), "window_group", "{status,status}", "a column twice", "once"),
    *(
        (put(**WINDOW, window_group=f"{{{column}}}"), "window_group", column, "not grouped by this", "entry_type")
        for column in ("account_id", "event_time", "iban", "counterparty_name")
    ),
    (put(**WINDOW, window_lateness=-1), "window_lateness", "-1", "out of bounds", "0 to 31622400"),
    (put(rearm_margin="10"), "rearm_condition", None, "together with rearm_margin", "both or neither"),
    (put(rearm_condition="true"), "rearm_condition", "true", "together with rearm_margin", "both or neither"),
    (put(timer_arm="true"), "timer_after", None, "together with timer_arm", "both or neither"),
    (put(timer_after="60"), "timer_after", "60", "together with timer_arm", "both or neither"),
    (put(timer_cancel="true"), "timer_arm", None, "timer_cancel and timer_key need it", "starts the timer"),
    (put(timer_key="event.entry_id"), "timer_arm", None, "timer_cancel and timer_key need it", "starts the timer"),
    (
        put(timer_arm="true", timer_after="60", timer_schedule={"every": "day", "hour": 8, "minute": 0}),
        *("timer_schedule", None, "by an event or by a schedule", "Leave"),
    ),
    (put(timer_schedule=[]), "timer_schedule", "[]", "how often", '"every"'),
    (put(timer_schedule={"every": "hour"}), "timer_schedule", None, "how often", '"every"'),
    (put(timer_schedule={"every": "day", "minute": 0}), "timer_schedule.hour", None, "needs it", '"hour"'),
    (scheduled(day=1), "timer_schedule.day", "1", "has none", '"day": 1 to 31 for months'),
    *(
        (scheduled(hour=value), "timer_schedule.hour", str(value), "out of bounds", "0 to 23")
        for value in (24, -1, 8.5, "8 o'clock", ":minute", ":wide", ":open", ":word", ":")
    ),
    *(
        (scheduled(minute=value), "timer_schedule.minute", f'"{value}"', "it is a text", "without quotes")
        for value in ("8", "08", "60", "100")
    ),
    *(
        (put(**timer, **columns), name, None, reason, "Leave it out")
        for timer in (
            {"timer_arm": "true", "timer_after": "60"},
            {"timer_schedule": {"every": "day", "hour": 8, "minute": 0}},
        )
        for columns, name, reason in (
            ({**WINDOW, "window_group": "{entry_type}"}, "window_group", "belongs to no group"),
            ({"cool_down": "60"}, "cool_down", "has none"),
            ({"rearm_margin": "1", "rearm_condition": "true"}, "rearm_margin", "has none"),
        )
    ),
    (put(condition="event.amount_minor"), "condition", "event.amount_minor", "boolean is needed", "a > b"),
    (put(condition="abs('5') > 1"), "condition", "'5'", "integer is needed", "integer_of(text)"),
    (scheduled(weekday=0), "timer_schedule.weekday", "0", "out of bounds", "1 to 7"),
)

CASES = [
    *(Case(statement, f"{TYPE}.{column}", value, reason, remedy) for statement, column, value, reason, remedy in REFUSED_TYPES),
    Case(
        put(condition=LONG_TEST, rearm_condition=LONG_TEST, rearm_margin="1", **WINDOW, window_condition=LONG_TEST),
        *(f"{TYPE}.condition", LONG_TEST, "longer than 6,000 bytes together", "Shorten"),
    ),
    Case(
        preference("alert_type", "'AT'"),
        "bank.alert_preference.alert_type",
        "AT",
        "needs no account",
        "bank.customer_preference",
    ),
    Case(
        preference("enabled", "false").replace("'TT'", "'MUST'"),
        "bank.alert_preference.enabled",
        "false",
        "is mandatory",
        "switched off",
    ),
    Case(
        customer_preference("alert_type", "'TT'"), f"{PREFERENCE}.alert_type", "TT", "is for accounts", "bank.alert_preference"
    ),
    Case(customer_preference("alert_type", "'NO'"), f"{PREFERENCE}.alert_type", "NO", "no such alert type", "bank.alert_type"),
    Case(customer_preference("customer_id", "9"), f"{PREFERENCE}.customer_id", "9", "no such customer", "Insert the customer"),
    Case(customer_preference("preference_no", "0"), f"{PREFERENCE}.preference_no", "0", "it starts at 1", "Use 1"),
    Case(
        customer_preference("channels", "'{FAX}'"),
        f"{PREFERENCE}.channels",
        "FAX",
        "no such channel",
        "EMAIL, INBOX, PUSH, SMS, WEBHOOK",
    ),
    Case(customer_preference("parameters", "'{}'"), f"{PREFERENCE}.parameters.i", None, "needs this parameter", "Add it"),
    Case(
        customer_preference("parameters", """'{"i": 1, "with_default": "x"}'"""),
        *(f"{PREFERENCE}.parameters.with_default", '"x"', "not of type integer", "without quotes"),
    ),
    Case(
        customer_preference("parameters", """'{"i": 1, "with_default": null}'"""),
        *(f"{PREFERENCE}.parameters.with_default", "null", "not of type integer", "without quotes"),
    ),
    Case("update bank.customer set customer_id = 5", "bank.customer.customer_id", "5", "never changes", "another customer"),
]
