"""Checkpoints and what they hold: one encoder, its adapter, its heads and their calibration."""
