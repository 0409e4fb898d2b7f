"""
The truth that answers are compared with: the questions of version 0.1.0, asked of raw events.

Nothing is stored beside the events, no key stands for a message, and each question reads every
event again. It is slow, and simple enough to be believed.
"""
