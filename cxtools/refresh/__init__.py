"""What a scheduler calls again and again: late events are collected, the inbox is taken in."""
