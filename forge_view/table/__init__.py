"""A table to sit at: a page on which a person plays hands of Texas 42; `forge table` serves it."""
