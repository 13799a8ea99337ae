-- What the engine remembers of events: the order they were seen in, last-seen rows, cool-downs.
select 1;
