"""
The explorer: a person's choice as a frozen value, a pure step from it to an answer, and widgets
which only call that step.

    choice    what is chosen, and the same as code, command and parameters     pure
    answers   what is shown of it
    panel     the widgets
    behind    from a bar to texts and people
    controls  what they do
    shown     where JupyterLab shows them, and what is left when it doesn't
"""
