// What a seat sees as the numbers that a seat network reads: forge_core/seat/encode.py, which says what each of them is.

import {legalOf, winner} from "./game.js";
import {read} from "./view.js";

const PLANES = 22, STATE = 28 * PLANES;
export const INPUTS = STATE + 95;

/** The canonical places of dominoes and suits: the trump pip is renamed to 6, the others keep their order. */
function canonical(rules, declaration) {
  const trump = Math.min(declaration, 6);
  const pips = [0, 1, 2, 3, 4, 5, 6].map(pip => pip === trump ? 6 : pip - (pip > trump));
  const place = rules.dominoes.map(name => {
    const [low, high] = name.split("-").map(pip => pips[pip]).toSorted((a, b) => a - b);
    return rules.dominoes.indexOf(`${high}-${low}`);
  });
  return {place, suits: [...pips, 7]};
}

/** A view (see view.js) as {inputs: 711 numbers, slots: the canonical places of its hand, legal: which may be played}. */
export function encode(rules, view) {
  const {declaration, bid, bidder, seat, hand, plays} = view, {seats, voids, trick, won} = read(rules, view);
  const x = new Float32Array(INPUTS), {place, suits} = canonical(rules, declaration);
  const at = id => PLANES * place[id], relative = who => who - seat & 3;
  const mask = which => rules.dominoes.reduce((all, _, id) => which(id) ? all | 1 << id : all, 0);
  const rank = (suit, id) => rules.rank[declaration][suit][id];
  const beating = (suit, id) => mask(other => rank(suit, other) > rank(suit, id));

  const first = plays.length - trick.length;
  plays.forEach((id, ply) => {
    x[at(id) + 1 + relative(seats[ply])] = 1;
    x[at(id) + 8] = (Math.floor(ply / 4) + 1) / 7;
    if (ply % 4 === 0) x[at(id) + 9] = 1;
    if (ply >= first) x[at(id) + 5 + ply - first] = 1;
  });

  const unseen = mask(id => !hand.includes(id) && !plays.includes(id));
  const mayHold = [0, 1, 2, 3].map(other => other && unseen & mask(
    id => (rules.follows[declaration][id] & voids[seat + other & 3]) === 0));
  for (const other of [1, 2, 3]) {
    for (let suit = 0; suit < 8; suit++)
      if (voids[seat + other & 3] >> suit & 1) x[STATE + 12 + 8 * (other - 1) + suits[suit]] = 1;
  }

  const led = trick.length ? rules.leads[declaration][trick[0]] : null, best = winner(rules, declaration, trick);
  const held = hand.reduce((all, id, slot) => plays.includes(id) ? all : all | 1 << slot, 0);
  const legal = legalOf(rules, declaration, hand, held, trick[0]);
  rules.points.forEach((points, id) => {
    x[at(id) + 11] = points / 10;
    if (unseen >> id & 1) x[at(id) + 12] = 1;
    for (const other of [1, 2, 3]) if (mayHold[other] >> id & 1) x[at(id) + 12 + other] = 1;
  });
  hand.forEach((id, slot) => {
    if (plays.includes(id)) return;
    const leads = rules.leads[declaration][id], whenLed = beating(leads, id), suit = led ?? leads;
    x[at(id)] = 1;
    for (const other of [1, 2, 3]) if (mayHold[other] & whenLed) x[at(id) + 16 + other] = 1;
    x[at(id) + 21] = count(unseen & whenLed) / 7;
    if (!legal[slot]) return;
    x[at(id) + 10] = 1;
    if (best >= 0 && rank(suit, id) <= rank(suit, trick[best])) return;
    x[at(id) + 16] = 1;
    const later = mayHold.slice(1, 4 - trick.length).reduce((all, each) => all | each, 0);
    if ((later & beating(suit, id)) === 0) x[at(id) + 20] = 1;
  });

  const left = 42 - won[0] - won[1], needed = Math.max(0, bid - won[bidder % 2]);
  x[STATE + Math.max(0, declaration - 6)] = 1;
  x[STATE + 4 + relative(bidder)] = 1;
  x[STATE + 8 + trick.length] = 1;
  x[STATE + 36 + needed] = 1;
  x[STATE + 79 + Math.floor(plays.length / 4)] = 1;
  if (best >= 0) x[STATE + 85 + relative(seats[first + best])] = 1;
  x[STATE + 89] = left / 42;
  x[STATE + 90] = won[bidder % 2] / 42;
  x[STATE + 91] = trick.reduce((sum, id) => sum + rules.points[id], 0) / 10;
  x[STATE + 92] = (bid - 30) / 12;
  x[STATE + 93] = relative(bidder) % 2 === 0;
  x[STATE + 94] = (left - needed) / 42;
  return {inputs: x, slots: hand.map(id => place[id]), legal};
}

const count = mask => mask && 1 + count(mask & mask - 1);
