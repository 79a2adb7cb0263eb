-- A row is a finished week of a company with its score and the points of each item (交运发〔2016〕160号), newest first.
-- $company: its key.
select
    win_start,
    score,
    weight,
    overspeed_a,
    fatigue_a,
    network_pts,
    online_pts,
    track_pts,
    qualified_pts,
    drift_pts,
    overspeed_pts,
    fatigue_pts,
    post_pts
from marts.company_score
where company_key = $company and win = 'week'
order by win_start desc
limit 8
