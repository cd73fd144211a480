"""What readers of a published table start from: SQL views, and a report for a person."""
