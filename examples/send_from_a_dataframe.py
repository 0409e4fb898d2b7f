"""Send to the rows of a DataFrame, and look at what became of them."""

import pandas as pd

import cxtools as cx

people = pd.DataFrame(
    {
        "email": ["ann@example.com", "bob@example.com", "cleo@example.org"],
        "firstName": ["Ann", "Bob", "Cleo"],
        "tags": ["vip", "", ""],
    }
)
campaign = cx.Campaign.from_frame(
    people,
    name="from-a-dataframe",
    subject="Hello {{firstName}}",
    template_id="a1b2c3d4-e5f6-7890-abcd-ef1234567890",
    sender="marketing@example.com",
)

client = cx.connect("simulator")  # cx.connect() for the account of the environment
status = client.send(campaign)
print(status)
print(cx.funnel("from-a-dataframe").text())
