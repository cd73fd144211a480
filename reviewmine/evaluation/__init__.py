"""What a checkpoint is worth: its answers on labelled examples, put into figures."""
