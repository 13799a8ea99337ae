-- What a message keeps while it goes back and forth between the outbox and a notifier.
--
-- A place in the window of a throttled type belongs to the message that got it: given back, paused or looked up a second time, it
-- counts once.

alter table alerting.outbox_due add has_place boolean not null default false;
comment on column alerting.outbox_due.has_place is 'It got a place in the window of its throttled alert type, and asks for none again.';
