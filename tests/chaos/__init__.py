"""Proof by harm: what was acknowledged is there once, whatever is killed, restarted, cut off or full meanwhile."""
