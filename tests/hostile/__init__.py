"""Hostile input: a corpus of bodies and requests that nobody means well with, and what the contract promises for each."""
