select bounce_code as code, bounce_text as text, count(*) as recipients
from messages
where bounced and (category = 'unknown' or confidence < 0.5)
group by all
