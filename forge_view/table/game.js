// The game as far as a page needs it. What the rules say stands in the tables of rules.json; here is only their use.
//
// A position is {declaration, hands, held, leader, trick, won}: four sorted hands of seven dominoes, four 7-bit masks of
// the slots still held, the slots played in the present trick, and the points of the two teams.

export const mover = position => (position.leader + position.trick.length) % 4;

export const isOver = position => position.held.every(mask => mask === 0);

/** The dominoes of the present trick in the order of play. */
export const table = position =>
  position.trick.map((slot, place) => position.hands[(position.leader + place) % 4][slot]);

/** Which of the mover's seven slots may be played. */
export function legal(rules, position) {
  const seat = mover(position), led = table(position)[0];
  return legalOf(rules, position.declaration, position.hands[seat], position.held[seat], led);
}

/** Which of the seven slots of a hand may be played to a led domino; undefined = to lead. */
export function legalOf(rules, declaration, hand, held, led) {
  const slots = hand.map((_, slot) => (held >> slot & 1) === 1);
  if (led === undefined) return slots;
  const suit = rules.leads[declaration][led];
  const following = slots.map((there, slot) => there && (rules.follows[declaration][hand[slot]] >> suit & 1) === 1);
  return following.some(Boolean) ? following : slots;
}

/** The position after the mover played a legal slot. */
export function play(rules, position, slot) {
  const seat = mover(position);
  const held = position.held.map((mask, i) => i === seat ? mask & ~(1 << slot) : mask);
  const after = {...position, held, trick: [...position.trick, slot]};
  return after.trick.length < 4 ? after : collect(rules, after);
}

function collect(rules, position) {
  const played = table(position), leader = (position.leader + winner(rules, position.declaration, played)) % 4;
  const points = 1 + played.reduce((sum, domino) => sum + rules.points[domino], 0);
  const won = position.won.map((sum, team) => sum + (leader % 2 === team ? points : 0));
  return {...position, leader, trick: [], won};
}

/** The place (0-3) of the domino that wins a trick, begun or not; -1 where nothing was played. */
export function winner(rules, declaration, played) {
  const ranks = played.map(domino => rules.rank[declaration][rules.leads[declaration][played[0]]][domino]);
  return ranks.indexOf(Math.max(...ranks));
}

/** The position before the first play; the seat that declared leads. */
export const opening = (hands, declaration, leader = 0) =>
  ({declaration, hands, held: [127, 127, 127, 127], leader, trick: [], won: [0, 0]});

/** The four hands of a seed below 2^32, as `deal_from_seed` deals them. */
export function dealOf(seed) {
  const dominoes = Array.from({length: 28}, (_, domino) => domino), next = bits(seed);
  for (let i = 27; i > 0; i--) {
    let j;
    do j = next() >>> Math.clz32(i + 1); while (j > i);
    [dominoes[i], dominoes[j]] = [dominoes[j], dominoes[i]];
  }
  return [0, 7, 14, 21].map(first => dominoes.slice(first, first + 7).sort((a, b) => a - b));
}

/** The 32-bit numbers of Python's random.Random(seed): the Mersenne Twister MT19937. */
export function bits(seed) {
  const n = 624, mt = new Uint32Array(n), mixed = i => mt[i - 1] ^ mt[i - 1] >>> 30;
  mt[0] = 19650218;
  for (let i = 1; i < n; i++) mt[i] = Math.imul(1812433253, mixed(i)) + i;
  let at = 1;
  const step = () => { if (++at === n) { mt[0] = mt[n - 1]; at = 1; } };
  for (let k = 0; k < n; k++, step()) mt[at] = (mt[at] ^ Math.imul(mixed(at), 1664525)) + seed;
  for (let k = 1; k < n; k++, step()) mt[at] = (mt[at] ^ Math.imul(mixed(at), 1566083941)) - at;
  mt[0] = 0x80000000;
  let i = n;
  return () => {
    if (i === n) {
      for (let k = 0; k < n; k++) {
        const y = mt[k] & 0x80000000 | mt[(k + 1) % n] & 0x7fffffff;
        mt[k] = mt[(k + 397) % n] ^ y >>> 1 ^ (y & 1 ? 0x9908b0df : 0);
      }
      i = 0;
    }
    let y = mt[i++];
    y ^= y >>> 11;
    y ^= y << 7 & 0x9d2c5680;
    y ^= y << 15 & 0xefc60000;
    return (y ^ y >>> 18) >>> 0;
  };
}
