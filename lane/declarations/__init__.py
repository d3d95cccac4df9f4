"""Declared lists and customs receipts: records, status rules, unit classes, weight checks, and their store."""
