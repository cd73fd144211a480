"""From what a table holds to what it should hold: the plan, and the run that carries it out."""
