"""Data sets of seeds: folders `{train,val,test}/` with one file an item, made where they lack one. See `Dataset`."""

from forge_core.datasets.base import Dataset, Outcome, Receipt, claim

__all__ = ["Dataset", "Outcome", "Receipt", "claim"]
