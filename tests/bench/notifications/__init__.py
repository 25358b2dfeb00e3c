"""How fast one worker sends what is due, beside a bare mail client, and whether a long backlog wears it out."""
