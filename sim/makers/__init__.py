"""Makers of goods with random sizes: families for training, families held out for measuring, and how both are drawn."""
