-- The other event kinds, preferences of customers, and what alert types can say.
select 1;
