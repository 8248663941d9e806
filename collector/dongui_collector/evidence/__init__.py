"""Proof for others: sealed days, checkpoints kept elsewhere, and the evidence that a third party checks without us."""
