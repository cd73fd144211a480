"""Labelled examples in, a calibrated and measured checkpoint out, through one plain loop."""
