// What one seat sees, and the worlds that agree with it: the whole of what a player is asked with.
//
// A view is {declaration, bid, bidder, seat, hand, plays}: the promised points, the seat that promised them and led
// first, the seven dominoes dealt to `seat`, sorted, and the dominoes played so far, in order.

import {bits, opening, play, winner} from "./game.js";

/** What a seat of a game sees. A game has the four hands, a contract and the plays. */
export const viewOf = ({hands, contract: {declaration, bid, bidder}, plays}, seat) =>
  ({declaration, bid: bid.points, bidder, seat, hand: hands[seat], plays});

/** What the plays of a view say: {seats of the plays, voids (suits, a mask a seat), leader, trick, won}. */
export function read(rules, {declaration, bidder, plays}) {
  const seats = [], voids = [0, 0, 0, 0], won = [0, 0];
  let leader = bidder, trick = [];
  for (const domino of plays) {
    const seat = (leader + trick.length) % 4, suit = rules.leads[declaration][trick[0] ?? domino];
    if ((rules.follows[declaration][domino] >> suit & 1) === 0) voids[seat] |= 1 << suit;
    seats.push(seat);
    trick = [...trick, domino];
    if (trick.length === 4) {
      leader = (leader + winner(rules, declaration, trick)) % 4;
      won[leader % 2] += 1 + trick.reduce((sum, each) => sum + rules.points[each], 0);
      trick = [];
    }
  }
  return {seats, voids, leader, trick, won};
}

/** The position of four hands after some plays. */
export const replayed = (rules, {declaration, bidder, plays}, hands) => plays.reduce(
  (position, domino) => play(rules, position, hands[(position.leader + position.trick.length) % 4].indexOf(domino)),
  opening(hands, declaration, bidder));

/** Numbers in [0, 1) that depend on what is seen and on nothing else. */
function stream(view) {
  let hash = 0x811c9dc5;
  for (const letter of JSON.stringify(view)) hash = Math.imul(hash ^ letter.charCodeAt(0), 0x01000193);
  const next = bits(hash >>> 0);
  return () => next() / 2 ** 32;
}

/** `n` deals drawn uniformly from all that agree with a view: see forge_core/expected_q/worlds.py. */
export function worlds(rules, view, n) {
  const {declaration, seat, hand, plays} = view, {seats, voids} = read(rules, view), random = stream(view);
  const others = [1, 2, 3].map(step => (seat + step) % 4);
  const fixed = others.map(other => plays.filter((_, ply) => seats[ply] === other));
  const unseen = rules.dominoes.map((_, id) => id).filter(id => !hand.includes(id) && !plays.includes(id));
  const may = unseen.map(id => others.map(other => (rules.follows[declaration][id] & voids[other]) === 0));
  const memo = new Map();
  const ways = (i, a, b) => { // to deal the dominoes from the i-th on when the first two others need a and b of them
    const c = unseen.length - i - a - b;
    if (a < 0 || b < 0 || c < 0) return 0;
    if (i === unseen.length) return 1;
    const key = i << 8 | a << 4 | b;
    if (!memo.has(key)) memo.set(key, split(i, a, b).reduce((sum, part) => sum + part, 0));
    return memo.get(key);
  };
  const split = (i, a, b) => [[a - 1, b], [a, b - 1], [a, b]].map(
    (need, other) => may[i][other] ? ways(i + 1, ...need) : 0);
  return Array.from({length: n}, () => {
    const hands = [[], [], [], []], need = fixed.map(each => 7 - each.length);
    hands[seat] = hand;
    others.forEach((other, i) => hands[other] = [...fixed[i]]);
    unseen.forEach((id, i) => {
      const parts = split(i, need[0], need[1]);
      let rank = random() * (parts[0] + parts[1] + parts[2]), to = 0;
      while (to < 2 && (rank >= parts[to] || parts[to] === 0)) rank -= parts[to++];
      if (parts[to] === 0) to = parts.findLastIndex(part => part > 0); // a rank at the upper edge, by rounding
      hands[others[to]].push(id);
      need[to]--;
    });
    return hands.map(each => each.toSorted((a, b) => a - b));
  });
}
