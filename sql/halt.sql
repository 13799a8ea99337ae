-- What holds up the engines: what they ask every few seconds, and what operators do about it.

-- name: open_halts_of_findings
-- Open a halt for each cause that is found now; the causes that were not halted for before.
select cause, string_agg(detail, ' and ') as detail
  from alerting.capture_findings()
 group by cause
having alerting.open_halt(cause, string_agg(detail, ' and '));

-- name: read_open_halts
-- What holds up the engines now, the oldest first.
select cause, detail, began_at, began_by from alerting.halt where ended_at is null order by began_at, cause;

-- name: read_findings
-- What is wrong with capture now.
select cause, detail from alerting.capture_findings();

-- name: open_halt$
-- Hold up all engines.
select alerting.open_halt(:cause, :detail);

-- name: end_halt$
-- Let the engines go on, as far as this cause goes.
select alerting.end_halt(:cause, :reason);

-- name: accept_restore$
-- Say that the database as it is now is the right one.
select alerting.accept_restore(:reason);

-- name: record_identity$
-- Remember which database capture was set up for, the first time it flows.
select alerting.record_identity(:slot);
