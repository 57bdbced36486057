"""Exact values of open deals: V and Q of any state, by a table over trick boundaries or by search.

state        the packed int64 of a position          ranking      where a boundary lies in the table
deal_rules   a deal's rules as arrays                 lanes, jit   what kernels are made of
value_table  solve a whole deal (public)              cpu, lookup  its kernels
search       Q of single states of many deals         reference    the slow judge
"""

SOLVER_VERSION = "1"
"""Changes when the solver's results or their encoding do; part of every shard's metadata."""
