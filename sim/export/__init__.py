"""A recorded run in the formats of others: OCEL 2.0, XES, Parquet."""
