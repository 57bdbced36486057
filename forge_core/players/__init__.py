"""Players: whatever chooses a domino from what one seat knows, many contracts at a time.

decisions   what the movers of many contracts know, as arrays; the Player protocol
streams     random numbers keyed by what they are for
contracts   many contracts played out in lockstep
worlds      the worlds of many decisions
simple      random, highest
pimc        E[Q]: perfect-information Monte Carlo, for points or for making the bid
level1      the best response to seats of a lower level (its kernels: level1_kernel)
command     foreign programs, a line a decision
registry    players by text, as in "pimc:worlds=50,objective=make"
"""
