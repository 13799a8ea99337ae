-- What customers and the bank settle of delivery: whether a message may be sent, when, and where to. The notifier reads it at sending.
--
-- customer          contact_status stops everything; quiet hours hold what can wait; shows_balance lets PUSH and SMS write a balance.
-- account           status BLOCKED stops every message about it.
-- customer_consent  what a customer wants by purpose: MARKETING only where granted, SERVICE unless withdrawn.
-- replaced_address  verified addresses of the last days: who takes over a customer's address is told of at the old one as well.
-- push_device       retired where its provider says that it is no longer registered; registering it again brings it back.
-- delivery_rule     per alert type: how long a message is worth sending, and how many a customer gets before they are gathered.
-- webhook_secret    what signs messages to a webhook: the newest two, so that a secret can be exchanged.
-- inbox_message     what the bank's app shows. Written by the notifier; the app reads it, and marks what was read.

-- Customers and accounts -----------------------------------------------------------------------------------------------------------

alter table bank.customer
    add column contact_status text not null default 'ACTIVE',
    add column quiet_from time,
    add column quiet_until time,
    add column shows_balance boolean not null default false;
comment on column bank.customer.contact_status is 'ACTIVE; HOLD (nothing is sent for now) or DECEASED: nothing is sent, of mandatory alert types neither.';
comment on column bank.customer.quiet_from is
    'From this time of day until quiet_until, by the customer''s clock, messages wait. Mandatory types, STATUTORY and SECURITY do not.';
comment on column bank.customer.shows_balance is 'PUSH and SMS, which others may read on a locked screen, may write a balance.';

create function bank.check_customer_settings() returns trigger
    language plpgsql as
$$
begin
    perform bank.check_one_of('bank.customer.contact_status', new.contact_status, '{ACTIVE,HOLD,DECEASED}');
    if (new.quiet_from is null) <> (new.quiet_until is null) then
        perform bank.refuse('bank.customer.quiet_until', new.quiet_until::text, 'it goes together with quiet_from', 'Give both or neither.');
    elsif new.quiet_from = new.quiet_until then
        perform bank.refuse('bank.customer.quiet_until', new.quiet_until::text, 'it is quiet_from', 'Give another time of day, or NULL for both.');
    elsif '24:00' in (new.quiet_from, new.quiet_until) then
        perform bank.refuse('bank.customer.quiet_until', '24:00', 'a day ends at 00:00', 'Write 00:00.');
    end if;
    return new;
end
$$;
create trigger check_settings before insert or update of contact_status, quiet_from, quiet_until on bank.customer
    for each row execute function bank.check_customer_settings();

alter table bank.account add column status text not null default 'OPEN';
comment on column bank.account.status is 'OPEN; BLOCKED: nothing is sent about it. It decides no alert, and raises no state_version.';

create function bank.check_account_status() returns trigger
    language plpgsql as
$$
begin
    perform bank.check_one_of('bank.account.status', new.status, '{OPEN,BLOCKED}');
    return new;
end
$$;
create trigger check_status before insert or update of status on bank.account for each row execute function bank.check_account_status();

-- Consent --------------------------------------------------------------------------------------------------------------------------

create table bank.customer_consent (
    customer_id bigint not null references bank.customer on delete cascade,
    purpose     text not null,
    granted     boolean not null,
    changed_at  timestamptz not null default now(),
    primary key (customer_id, purpose)
);
comment on table bank.customer_consent is
    'What customers agreed to. Without a row: SERVICE is sent, MARKETING is not. For SECURITY and STATUTORY nobody is asked.';

create function bank.check_customer_consent() returns trigger
    language plpgsql as
$$
begin
    if new.purpose in ('SECURITY', 'STATUTORY') then
        perform bank.refuse('bank.customer_consent.purpose', new.purpose, 'such messages need no consent', 'Use SERVICE or MARKETING.');
    end if;
    perform bank.check_one_of('bank.customer_consent.purpose', new.purpose, '{SERVICE,MARKETING}');
    if tg_op = 'UPDATE' and new.granted <> old.granted and new.changed_at = old.changed_at then
        new.changed_at := now();
    end if;
    perform bank.check_time('bank.customer_consent.changed_at', new.changed_at);
    return new;
end
$$;
create trigger check_row before insert or update on bank.customer_consent for each row execute function bank.check_customer_consent();

-- Addresses ------------------------------------------------------------------------------------------------------------------------

insert into bank.channel values ('WEBHOOK'), ('INBOX');

create or replace function bank.check_contact_address() returns trigger
    language plpgsql as
$$
begin
    perform bank.check_length('bank.contact_address.address', new.address, 254);
    perform bank.check_time('bank.contact_address.verified_at', new.verified_at);
    if new.channel = 'EMAIL' and new.address !~
        '^[A-Za-z0-9!#$%&''*+/=?^_`{|}~-]+(\.[A-Za-z0-9!#$%&''*+/=?^_`{|}~-]+)*@([A-Za-z0-9]([A-Za-z0-9-]{0,61}[A-Za-z0-9])?\.)+[A-Za-z]([A-Za-z0-9-]{0,61}[A-Za-z0-9])$'
    then
        perform bank.refuse('bank.contact_address.address', new.address, 'it is not an e-mail address', 'Write it as name@example.org.');
    elsif new.channel = 'EMAIL' and length(split_part(new.address, '@', 1)) > 64 then
        perform bank.refuse('bank.contact_address.address', new.address, 'the part before @ has more than 64 characters', 'Correct it.');
    elsif new.channel = 'SMS' and new.address !~ '^\+[1-9][0-9]{6,14}$' then
        perform bank.refuse('bank.contact_address.address', new.address, 'it is not an international telephone number',
            'Write it in E.164: a plus sign, country code and number, digits only, such as +31612345678.');
    elsif new.channel = 'WEBHOOK' and new.address !~ '^https?://([A-Za-z0-9_.-]+|\[[0-9A-Fa-f:.]+\])(:[0-9]{1,5})?([/?][!"$-\[\]-~]*)?$' then
        perform bank.refuse('bank.contact_address.address', new.address, 'it is not a URL that messages can be posted to',
            'Write it as https://host/path: no user name, no fragment, no blanks; other characters percent-encoded.');
    elsif new.channel = 'PUSH' then
        perform bank.refuse('bank.contact_address.channel', new.channel, 'push messages go to devices', 'Insert into bank.push_device instead.');
    elsif new.channel = 'INBOX' then
        perform bank.refuse('bank.contact_address.channel', new.channel, 'the inbox needs no address', 'Leave the row out.');
    end if;
    return new;
end
$$;

create table bank.replaced_address (
    customer_id bigint not null references bank.customer on delete cascade,
    channel     text not null references bank.channel,
    address     text not null,
    replaced_at timestamptz not null default now(),
    primary key (customer_id, channel, address)
);
comment on table bank.replaced_address is
    'Verified addresses that were changed or deleted; written by triggers. SECURITY messages go there for 72 hours more.';

create function bank.keep_replaced_address() returns trigger
    language plpgsql as
$$
begin
    if tg_op <> 'INSERT' and old.verified_at is not null then
        insert into bank.replaced_address (customer_id, channel, address) values (old.customer_id, old.channel, old.address)
            on conflict (customer_id, channel, address) do update set replaced_at = excluded.replaced_at;
    end if;
    if tg_op <> 'DELETE' then
        delete from bank.replaced_address r where (r.customer_id, r.channel, r.address) = (new.customer_id, new.channel, new.address);
    end if;
    return null;
end
$$;
create trigger keep_replaced_address after insert or delete or update of customer_id, channel, address on bank.contact_address
    for each row execute function bank.keep_replaced_address();

alter table bank.push_device
    add column registered_at timestamptz not null default now(),
    add column retired_at timestamptz,
    add column retired_reason text,
    add constraint retired_for_a_reason check ((retired_at is null) = (retired_reason is null));
comment on column bank.push_device.retired_at is
    'When the provider said that the device is registered no more; nothing is sent there. A new registered_at makes it NULL.';

create or replace function bank.check_push_device() returns trigger
    language plpgsql as
$$
begin
    perform bank.check_length('bank.push_device.push_id', new.push_id, 255);
    perform bank.check_one_of('bank.push_device.platform', new.platform, '{ANDROID,IOS,WEB}');
    perform bank.check_length('bank.push_device.provider', new.provider, 30);
    perform bank.check_length('bank.push_device.retired_reason', new.retired_reason, 200);
    perform bank.check_time('bank.push_device.registered_at', new.registered_at);
    perform bank.check_time('bank.push_device.retired_at', new.retired_at);
    if tg_op = 'UPDATE' and new.registered_at > old.registered_at and new.retired_at = old.retired_at then
        new.retired_at := null;
        new.retired_reason := null;
    end if;
    return new;
end
$$;

-- Alert types ----------------------------------------------------------------------------------------------------------------------

create table bank.delivery_rule (
    alert_type        text primary key references bank.alert_type on delete cascade,
    time_to_live      interval not null default '24 hours',
    throttle_messages integer,
    throttle_window   interval,
    per_minute_max    integer
);
comment on table bank.delivery_rule is
    'How messages of an alert type are delivered. Without a row: 24 hours, every one, at most ten times the usual number a minute.';
comment on column bank.delivery_rule.time_to_live is 'A message older than this is not sent any more.';
comment on column bank.delivery_rule.throttle_messages is
    'So many messages a customer gets on a channel within throttle_window; the others are told together in one at its end.';
comment on column bank.delivery_rule.per_minute_max is 'More messages a minute than this, of all customers, and the alert type is paused.';

create function bank.check_delivery_rule() returns trigger
    language plpgsql as
$$
begin
    if new.time_to_live not between '1 minute' and '30 days' then
        perform bank.refuse('bank.delivery_rule.time_to_live', new.time_to_live::text, 'it is out of bounds', 'Give 1 minute to 30 days.');
    elsif (new.throttle_messages is null) <> (new.throttle_window is null) then
        perform bank.refuse('bank.delivery_rule.throttle_window', new.throttle_window::text, 'it goes together with throttle_messages', 'Give both or neither.');
    elsif new.throttle_messages not between 1 and 1000 then
        perform bank.refuse('bank.delivery_rule.throttle_messages', new.throttle_messages::text, 'it is out of bounds', 'Give 1 to 1000.');
    elsif new.throttle_window not between '1 minute' and '7 days' then
        perform bank.refuse('bank.delivery_rule.throttle_window', new.throttle_window::text, 'it is out of bounds', 'Give 1 minute to 7 days.');
    elsif new.per_minute_max < 1 then
        perform bank.refuse('bank.delivery_rule.per_minute_max', new.per_minute_max::text, 'it is out of bounds',
            'Give 1 or more, or NULL. To send nothing: bankalerts pause.');
    end if;
    return new;
end
$$;
create trigger check_row before insert or update on bank.delivery_rule for each row execute function bank.check_delivery_rule();

-- Webhooks and the inbox -----------------------------------------------------------------------------------------------------------

create table bank.webhook_secret (
    customer_id bigint not null references bank.customer on delete cascade,
    address     text not null,
    secret      text not null,
    made_at     timestamptz not null default now(),
    primary key (customer_id, address, made_at)
);
comment on table bank.webhook_secret is 'What signs messages to a webhook (Standard Webhooks). The newest two sign; delete the others.';

create function bank.check_webhook_secret() returns trigger
    language plpgsql as
$$
declare
    v_bytes integer;
begin
    perform bank.check_length('bank.webhook_secret.address', new.address, 254);
    perform bank.check_time('bank.webhook_secret.made_at', new.made_at);
    if new.secret ~ '^whsec_[A-Za-z0-9+/=]{32,88}$' then
        begin
            v_bytes := octet_length(decode(substr(new.secret, 7), 'base64'));
        exception when invalid_parameter_value then
            v_bytes := null;
        end;
    end if;
    -- its value is told to nobody, not even in DETAIL
    if coalesce(v_bytes, 0) not between 24 and 64 then
        perform bank.refuse('bank.webhook_secret.secret', '(not shown)', 'it is not a secret of Standard Webhooks',
            'Write whsec_ and then 24 to 64 random bytes in base64.');
    end if;
    return new;
end
$$;
create trigger check_row before insert or update on bank.webhook_secret for each row execute function bank.check_webhook_secret();

create table bank.inbox_message (
    message_id  uuid primary key,
    customer_id bigint not null,
    alert_type  text not null,
    subject     text,
    body        text not null,
    written_at  timestamptz not null default now(),
    read_at     timestamptz
);
comment on table bank.inbox_message is 'What customers read in the bank''s app. Written once, by the notifier; the app marks read_at.';
create index inbox_message_of_customer on bank.inbox_message (customer_id, written_at);

create trigger refuse_update before update of message_id, customer_id, alert_type, subject, body, written_at on bank.inbox_message
    for each statement execute function bank.refuse_statement('a message is written once', 'Set read_at alone.');
