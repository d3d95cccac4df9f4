"""Residual risk by how a lane is built: the same faulted cases on lanes that differ in one thing only."""
