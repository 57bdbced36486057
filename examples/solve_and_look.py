"""Solve a deal with all hands open and print its opening plays, the best first."""

import forge_core
from forge_core.rules import hand_name

table = forge_core.solve(0, "sixes")
for seat, hand in enumerate(table.deal.hands):
    print(f"seat {seat}: {hand_name(hand)}")
print(f"value {table.opening_value:+d} for seats 0 and 2, {table.reachable_states:,} reachable states")
for domino, q in sorted(forge_core.q_values(0, "sixes").items(), key=lambda play: -play[1]):
    print(f"{domino}  {q:+d}")
