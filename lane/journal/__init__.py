"""The lane's memory: records in one Merkle tree, durable before anything they cause.

``log`` (SQLite journal of a real lane), ``memory`` (journal of a twin in virtual time), ``tree`` (RFC 6962),
``note`` (signed checkpoints), ``projections`` (tables that follow the records), ``disk`` (lock, watermark, files).
"""
