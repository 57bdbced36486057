// A position as the tokens that a model is asked with: the vocabulary of docs/formats.md, seats relative to the mover.

import {mover, table} from "./game.js";

/** Tokens (Int8Array of tokens x features) and mask (Uint8Array of 0 and 1) of a position. */
export function encode(rules, position) {
  const {feature, type, tokens: nTokens, features, firstHand, firstTrick} = rules;
  const me = mover(position), leader = (position.leader - me + 4) % 4, {declaration} = position;
  const tokens = new Int8Array(nTokens * features), mask = new Uint8Array(nTokens);
  const put = (token, values) => {
    for (const [name, value] of Object.entries(values)) tokens[token * features + feature[name]] = value;
    tokens[token * features + feature.DECLARATION] = declaration;
    tokens[token * features + feature.RELATIVE_LEADER] = leader;
    mask[token] = 1;
  };
  const domino = (id, seat) => ({
    ...Object.fromEntries(Object.entries(rules.static).map(([name, values]) => [name, values[declaration][id]])),
    RELATIVE_SEAT: seat, IS_MOVER: +(seat === 0), IS_PARTNER: +(seat === 2),
  });
  put(0, {TOKEN_TYPE: type.CONTEXT});
  for (let seat = 0; seat < 4; seat++) {
    const hand = position.hands[(me + seat) % 4], held = position.held[(me + seat) % 4];
    hand.forEach((id, slot) => put(firstHand + 7 * seat + slot,
      {...domino(id, seat), IS_HELD: held >> slot & 1, TOKEN_TYPE: type.HAND}));
  }
  table(position).forEach((id, place) =>
    put(firstTrick + place, {...domino(id, (leader + place) % 4), TOKEN_TYPE: type.TRICK}));
  return {tokens, mask};
}
