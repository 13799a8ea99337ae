-- The reference for every alert type, explain and dry run.
select 1;
