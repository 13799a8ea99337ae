-- Changes of permissions and preferences, of every kind that PostgreSQL has; tests/sql/state_changes.py fills in the {names}.

insert into bank.account_permission (account_id, customer_id, role)
select a, {c}, 'OWNER'
from unnest({as}) a
on conflict do nothing;

insert into bank.account_permission (account_id, customer_id, role, may_see_balance)
select a, {c}, '{role}', {bool}
from unnest({as}) a
on conflict (account_id, customer_id) do update set (role, may_see_balance) = (excluded.role, {bool});

update bank.account_permission set may_see_balance = {bool} where account_id = any ({as});

update bank.account_permission set valid_until = now() where customer_id = {c};

update bank.account_permission set customer_id = {c} where (account_id, customer_id) = ({a}, {c2});

delete from bank.account_permission where account_id = any ({as}) and customer_id = {c};

delete from bank.account_permission where false;

insert into bank.alert_preference (account_id, customer_id, alert_type, currency, parameters, channels)
select a, {c}, '{t}', 'EUR', '{p}', '{ch}'
from unnest({as}) a
on conflict do nothing;

insert into bank.alert_preference (account_id, customer_id, alert_type, preference_no, currency, parameters, channels)
select a, c, '{t}', {no}, 'EUR', '{p}', '{ch}'
from unnest({as}) a, generate_series(1, 2) c
on conflict (account_id, customer_id, alert_type, preference_no) do update set (parameters, channels, enabled) = (excluded.parameters, excluded.channels, {bool});

insert into bank.alert_preference as old (account_id, customer_id, alert_type, currency, parameters, channels)
select a, {c}, '{t}', 'EUR', '{p}', '{ch}'
from unnest({as}) a
on conflict (account_id, customer_id, alert_type, preference_no) do update set enabled = false
where old.enabled;

update bank.alert_preference set enabled = not enabled where account_id = any ({as});

update bank.alert_preference set parameters = '{p}' where alert_type = '{t}' and customer_id = {c};

update bank.alert_preference set preference_no = preference_no + 10
where account_id = {a} and preference_no < 30;

update bank.alert_preference set account_id = {a} where (account_id, customer_id) = ({a2}, {c});

update bank.alert_preference set account_id = 'a', customer_id = 1 where customer_id = {c};

delete from bank.alert_preference where account_id = {a} and alert_type = '{t}';

delete from bank.alert_preference where customer_id = {c};

merge into bank.alert_preference old using (select a
from unnest({as}) a) new on (old.account_id, old.customer_id, old.alert_type, old.preference_no) = (new.a, {c}, '{t}', 1)
when matched and {bool} then delete
when matched then update set enabled = not enabled
when not matched then insert (account_id, customer_id, alert_type, currency, parameters, channels)
values (new.a, {c}, '{t}', 'EUR', '{p}', '{ch}');

with gone as (delete from bank.alert_preference
where account_id = {a} returning *)
insert into bank.alert_preference (account_id, customer_id, alert_type, preference_no, currency, parameters, channels)
select {a2}, customer_id, alert_type, preference_no, currency, '{p}', channels from gone
on conflict do nothing;

with gone as (delete from bank.alert_preference
where account_id = {a} returning *) insert into bank.alert_preference
select {a}, customer_id, alert_type, preference_no, currency, '{p}', channels from gone;

with new as (insert into bank.account_permission (account_id, customer_id, role)
values ({a}, {c}, 'VIEWER')
on conflict do nothing), changed as (update bank.alert_preference set enabled = {bool}
where customer_id = {c})
delete from bank.account_permission where (account_id, customer_id) = ({a2}, {c2});

do $$ begin delete from bank.alert_preference
where account_id = {a};
delete from bank.account_permission
where account_id = {a};
delete from bank.account
where account_id = {a};
insert into bank.account (account_id, currency)
values ({a}, 'EUR');
end $$;

with changed as (update bank.alert_preference set enabled = not enabled where account_id = {a} returning account_id)
update bank.account set product = 'savings' where account_id in (select account_id from changed);

with changed as (delete from bank.account_permission where (account_id, customer_id) = ({a}, {c}))
update bank.account set product = 'current' where account_id = {a2};
