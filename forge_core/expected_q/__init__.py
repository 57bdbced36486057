"""E[Q]: what each play is worth to a seat that sees its own hand and the plays so far.

record, information_set   what a seat knows, and what follows from it
worlds, states            the deals that fit it: counted, drawn uniformly, enumerated, as states
oracle                    whatever values plays in worlds: the exact solver, a network, or its rollouts
posterior, estimate       weights of worlds; means, errors and P(make)
decision, choice          one decision, valued and made
games, transcript         whole games in lockstep; what a mover may know, as tokens
schema, files, generate   games on disk, gaps filled side by side
collate, summary          a folder of games as one training set; what a run looked like
advise                    one decision of a real game

docs/methods.md tells how the numbers come about.
"""
