"""Rowbell beside its peers, or alone against its floor; tables and pictures of the last run."""
