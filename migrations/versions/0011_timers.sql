-- Timers: something did not happen, a scheduled report.
select 1;
