"""Texas 42 where reinforcement learning looks for games: PettingZoo and OpenSpiel (extra `rl`).

hand_play      a hand being played, fast enough for millions of steps
observation    what a seat sees, as a vector
petting_zoo    a PettingZoo AEC environment
open_spiel     an OpenSpiel game in Python

Actions are dominoes (0-27). The auction is not part of it: seat 0 has declared and leads.
"""
