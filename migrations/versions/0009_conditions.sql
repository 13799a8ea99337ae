-- Conditions in the whole subset.
select 1;
