-- A row is a kind of Party activity with its events and the people there, most frequent first.
-- $since: the first day that counts.
select act_type, count(*) as events, sum(attend_cnt) as people
from marts.party_activity
where day >= $since
group by 1
order by events desc, 1
