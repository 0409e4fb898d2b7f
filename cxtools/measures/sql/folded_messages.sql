-- Which messages are asked about, when groups that are too small to be shown stand together?
-- grain:   one row per message
-- params:  folded  the split of the messages of small groups; least  a group of fewer people is small; most  so many groups are shown at most
-- reads:   messages_by_group
-- columns: those of messages_by_group (own_split: by the message's own values); split (of small groups, and of one more where these are too few
--          together, that of all of them)
with
members as (      -- whoever has several messages in a group counts once; a message without an address is of somebody else
    select distinct campaign, own_split, case when email <> '' then lower(email) else cast(message_key as string) end as person
    from messages_by_group
),
sizes as (        -- one row per group
    select campaign, own_split, count(*) as people
    from members
    group by campaign, own_split
),
in_order as (     -- nth: of the campaign's groups, the smallest first
    select campaign, own_split, people,
           row_number() over (partition by campaign order by people, own_split) as nth,
           count(*) over (partition by campaign) as groups
    from sizes
),
small as (
    select campaign, own_split, nth
    from in_order
    where people < {least} or (groups > {most} and nth <= groups - {most} + 1)
),
together as (     -- one row per campaign with small groups: the people of all of them
    select small.campaign, count(distinct person) as people, max(nth) as last_nth
    from small
    join members on members.campaign = small.campaign and members.own_split is not distinct from small.own_split
    group by small.campaign
),
folded as (       -- one more is folded where those that are small are too few together to be shown
    select in_order.campaign, own_split,
           coalesce(nth <= last_nth or (together.people < {least} and nth = last_nth + 1), false) as is_folded
    from in_order
    left join together on together.campaign = in_order.campaign
),
numbered as (
    select campaign, own_split, is_folded, count(*) filter (where is_folded) over (partition by campaign) as others
    from folded
)
select messages_by_group.*,
       case when is_folded then {folded} else messages_by_group.own_split end as split
from messages_by_group
join numbered on numbered.campaign = messages_by_group.campaign and numbered.own_split is not distinct from messages_by_group.own_split
