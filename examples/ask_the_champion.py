"""Ask the champion, the best network of the catalog, about an opening lead, beside the exact values."""

import numpy as np

import forge_core
from forge_core.rules import deal_from_seed, domino_name
from forge_core.solver.state import OPENING
from forge_core.tokens.encode import encode_states

deal, declaration = deal_from_seed(7), 6
model = forge_core.load_model("champion")
tokens, mask, legal = encode_states(
    np.array([deal.dominoes], np.uint8), np.array([declaration], np.uint8), np.array([OPENING])
)
q, value = model(tokens, mask)
exact = forge_core.q_values(deal, declaration)
print(f"value of the opening: {float(value[0]):+.1f}")
for slot in np.flatnonzero(legal[0]):
    name = domino_name(deal.hands[0][slot])
    print(f"{name}  network {q[0][slot]:+6.1f}   exact {exact[name]:+d}")
