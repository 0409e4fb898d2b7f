-- Which messages are asked about, when groups that are too small to be shown stand together?
-- grain:   one row per message
-- params:  folded  the split of the messages of small groups; least  a group of fewer people is small; most  so many groups are shown at most
-- reads:   messages_by_group
-- columns: those of messages_by_group (own_split: by the message's own values); split (of small groups, and of one more where these are too few
--          together, that of all of them)
with
sizes as (        -- one row per group
    select campaign, own_split, count(*) as people
    from messages_by_group
    group by campaign, own_split
),
in_order as (     -- so_far: people of the group and of those that are smaller
    select campaign, own_split, people,
           sum(people) over (partition by campaign order by people, own_split rows between unbounded preceding and current row) as so_far,
           row_number() over (partition by campaign order by people desc, own_split desc) as place,
           count(*) over (partition by campaign) as groups
    from sizes
),
small as (
    select campaign, own_split, so_far - people as before,
           people < {least} or (groups > {most} and place >= {most}) as is_small,
           max(case when people < {least} or (groups > {most} and place >= {most}) then so_far else 0 end) over (partition by campaign) as in_small
    from in_order
),
folded as (       -- one more is folded where those that are small are too few together to be shown
    select campaign, own_split,
           is_small or (in_small > 0 and in_small < {least} and before = in_small) as is_folded
    from small
),
numbered as (
    select campaign, own_split, is_folded, count(*) filter (where is_folded) over (partition by campaign) as others
    from folded
)
select messages_by_group.*,
       case when is_folded then {folded} else messages_by_group.own_split end as split
from messages_by_group
join numbered on numbered.campaign = messages_by_group.campaign and numbered.own_split is not distinct from messages_by_group.own_split
