"""Labelled examples: read, rid of duplicates, split by text, sampled, augmented and encoded."""
