"""What comes in and what goes out: schemas, and the functions that make columns conform to them."""
