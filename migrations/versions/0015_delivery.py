"""What is known of a message's way: attempts whose outcome is unknown, holds, fallbacks, pauses."""

from migrations.script import VERSIONS, run, run_script

revision = "0015"
down_revision = "0014"

BACK = """
drop view audit.outbox_history;
drop function alerting.brake(text, bigint, bigint);
drop function alerting.resume(text);
drop function alerting.pause(text, text);
drop table alerting.throttle, alerting.type_volume, alerting.pilot_customer, alerting.pilot, alerting.suppressed_address,
           alerting.pause, alerting.channel_policy;
update alerting.delivery_attempt set outcome = 'RETRY' where outcome = 'UNKNOWN';
alter table alerting.delivery_attempt
    drop column provider, drop column receipt, drop column receipt_at,
    drop constraint outcome_is_known,
    add constraint outcome_is_known check (outcome in ('SENT', 'RETRY', 'DROP'));
comment on column alerting.delivery_attempt.outcome is null;
alter table alerting.outbox_due drop column held_for, drop column rescued;
update alerting.outbox
   set state = case state when 'DELIVERED' then 'ACCEPTED' else 'FAILED' end
 where state in ('DELIVERED', 'EXPIRED', 'UNKNOWN');
alter table alerting.outbox
    drop column delivered_at, drop column may_be_twice, drop column falls_back_from,
    drop constraint state_is_known,
    drop constraint handed_when_accepted,
    drop constraint ended_otherwise_for_a_reason,
    add constraint state_is_known check (state in ('PENDING', 'ACCEPTED', 'FAILED', 'SUPPRESSED')),
    add constraint handed_when_accepted check (state <> 'ACCEPTED' or handed_at is not null),
    add constraint failed_or_suppressed_for_a_reason check (state in ('PENDING', 'ACCEPTED') or reason is not null);
"""


def upgrade() -> None:
    run_script(__file__)


def downgrade() -> None:
    """States that were not known before become FAILED, with their reason; what was delivered was accepted."""
    run(BACK)
    made = (VERSIONS / "0006_reference.sql").read_text()
    start = made.index("create view audit.outbox_history")
    run(made[start : made.index("\n", made.index("comment on view audit.outbox_history"))])
