-- Which of these rows count at the moment of the cut?
-- grain:   that of the rows
-- params:  rows, and the columns of them that are kept
-- reads:   cuts
-- columns: as asked
select {columns}
from {rows} as counted
join cuts on cuts.campaign = counted.campaign
where counted_at <= until
