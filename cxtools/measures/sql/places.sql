-- Where do messages come back, and where do people complain?
-- grain:   one row per campaign and value of each column it is split by, where messages were attempted
-- params:  none
-- reads:   messages, verdicts
-- columns: campaign, split, attempted, hard, soft, refused (blocked, or without a reason that can be told), delivered, complained
with
causes as (       -- one row per cause, which is a number: the words of its verdict are many more
    select campaign, split, case when bounced then cause_id end as cause_id,
           count(*) as messages,
           sum(case when delivered then 1 else 0 end) as delivered,
           sum(case when delivered and complained then 1 else 0 end) as complained
    from messages
    where attempted
    group by campaign, split, case when bounced then cause_id end
),
kinds as (
    select causes.campaign, split, messages, delivered, complained, kind
    from causes
    left join verdicts on verdicts.campaign = causes.campaign and verdicts.cause_id = causes.cause_id
)
select campaign, split,
       cast(sum(messages) as bigint) as attempted,
       cast(sum(case when kind = 'hard' then messages else 0 end) as bigint) as hard,
       cast(sum(case when kind = 'soft' then messages else 0 end) as bigint) as soft,
       cast(sum(case when kind in ('block', 'undetermined') then messages else 0 end) as bigint) as refused,
       cast(sum(delivered) as bigint) as delivered,
       cast(sum(complained) as bigint) as complained
from kinds
group by campaign, split
order by campaign, split
