-- Examples of alert types: which events lead to which alerts. Designers read them, tests run them; nothing else does.

create table bank.alert_type_example (
    alert_type text not null references bank.alert_type on delete cascade,
    example_no integer not null,
    says       text not null,
    parameters jsonb,
    events     jsonb not null,
    alerts     jsonb not null,
    primary key (alert_type, example_no),
    constraint example_no_starts_at_1 check (example_no >= 1),
    constraint says_something_short check (length(says) between 1 and 300),
    constraint parameters_are_an_object check (jsonb_typeof(parameters) = 'object'),
    constraint events_are_a_list check (jsonb_typeof(events) = 'array' and jsonb_array_length(events) between 1 and 50),
    constraint alerts_are_a_list check (jsonb_typeof(alerts) = 'array' and jsonb_array_length(alerts) <= jsonb_array_length(events)),
    constraint alerts_name_events_that_are_there check (
        not jsonb_path_exists(alerts, '$[*] ? (!(@.event >= 1 && @.event <= $last))', jsonb_build_object('last', jsonb_array_length(events))))
);
comment on table bank.alert_type_example is 'Events in, alerts out: for designers to read and for tests to run. The engine does not read it.';
comment on column bank.alert_type_example.says is 'What the example shows, in one sentence.';
comment on column bank.alert_type_example.parameters is 'Of the one preference there is. NULL: there is none, as a mandatory type needs none.';
comment on column bank.alert_type_example.events is
    'In the order in which they are inserted. Each has "at", an interval from the start of the example to the time of the event, and columns of the '
    'table of its kind; what is left out has a plain value (EUR, BOOKED, APPROVED, card-1, order-1). {"kind": "TIMER"} is the moment at which '
    'a timer of the type is due; for a type with a schedule the example starts at the first due time.';
comment on column bank.alert_type_example.alerts is
    'The alerts of this type that follow: {"event": number in events, from 1}, and where it matters "history" as it stands in the evidence.';
