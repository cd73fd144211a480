"""Parquet and object storage: fragments, parts, receipts, manifests, and the protocol that publishes exactly once."""
