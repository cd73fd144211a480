"""A made archive: plausible, always the same bytes, and with everything in it that real archives have."""
