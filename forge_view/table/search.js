// Exact values of a position with all hands open: forge_core/solver/search_kernel.py in JavaScript, which see for the
// method (null windows over tricks, a table of trick boundaries, quick tricks). Values are points still to come.

const TABLE = 1 << 16, NONE = 7, FAR = 100;
const lowest = bits => 31 - Math.clz32(bits & -bits);

/** A search of one deal: `q(position)` values every play. What it learns of the deal it keeps. */
export function search(rules, declaration, hands) {
  const trump = declaration <= 7, ids = hands.flat();
  const led = Uint8Array.from(ids, id => rules.leads[declaration][id]);
  const points = Uint8Array.from(ids, id => rules.points[id]);
  const rank = new Uint8Array(28 * 8), follow = new Uint8Array(32), above = new Uint8Array(4 * 8 * 32);
  const counts = new Uint8Array(4), keys = new Int32Array(TABLE).fill(-1), known = new Int32Array(TABLE);
  ids.forEach((id, i) => {
    const seat = Math.floor(i / 7), bit = 1 << i % 7;
    if (points[i] > 0) counts[seat] |= bit;
    for (let suit = 0; suit < 8; suit++) {
      rank[8 * i + suit] = rules.rank[declaration][suit][id];
      if (rules.follows[declaration][id] >> suit & 1) follow[8 * seat + suit] |= bit;
      for (let lower = 0; lower < rank[8 * i + suit]; lower++) above[32 * (8 * seat + suit) + lower] |= bit;
    }
  });
  const hand = (held, seat) => held >> 7 * seat & 127;
  const legal = (held, seat, suit) => hand(held, seat) & follow[8 * seat + suit] || hand(held, seat);
  const beats = (slots, seat, suit, best) => slots & above[32 * (8 * seat + suit) + best];

  /** What to try first: counts for a trick that is ours, else winners, else no counts for the others. */
  function first(slots, seat, suit, best, ours, last) {
    const winners = beats(slots, seat, suit, best), counting = slots & counts[seat];
    if (ours && (last || winners === 0)) return counting;
    return winners || slots & ~counting;
  }

  /** The leads that no opponent can beat, and points that are sure; the trumps among them win a trick each. */
  function quick(held, leader) {
    const left = leader + 1 & 3, right = leader + 3 & 3;
    let sure = 0, trumps = 0, other = 0;
    for (let todo = hand(held, leader); todo; todo &= todo - 1) {
      const slot = lowest(todo), i = 7 * leader + slot, suit = led[i], best = rank[8 * i + suit];
      if (beats(legal(held, left, suit), left, suit, best) || beats(legal(held, right, suit), right, suit, best)) continue;
      sure |= 1 << slot;
      if (trump && suit === 7) trumps += 1 + points[i];
      else other = Math.max(other, 1 + points[i]);
    }
    return [sure, Math.max(trumps, other)];
  }

  /** A bound on the points to come from a trick's beginning, leader's view: at least b, or below. */
  function boundary(held, leader, left, b) {
    if (-left >= b) return -left;
    if (left < b) return left;
    const key = held | leader << 28, at = Math.imul(key, 0x9e3779b1) >>> 16;
    let low = -left, high = left, move = NONE;
    if (keys[at] === key) {
      low = (known[at] & 127) - 64;
      high = (known[at] >> 7 & 127) - 64;
      move = known[at] >> 14;
      if (low >= b) return low;
      if (high < b) return high;
    }
    const [sure, certain] = quick(held, leader);
    low = Math.max(low, 2 * certain - left);
    if (low >= b) return low;
    let best = -FAR, begin = move === NONE ? sure : 1 << move;
    for (let todo = hand(held, leader); todo && best < b; begin = sure) {
      const slot = lowest(todo & begin || todo), i = 7 * leader + slot;
      todo &= ~(1 << slot);
      const suit = led[i], value = follower(held & ~(1 << i), leader, 1, suit, rank[8 * i + suit], leader, 1 + points[i], left, b);
      if (value > best) [best, move] = [value, slot];
    }
    if (best >= b) low = Math.max(low, best);
    else high = Math.min(high, best);
    keys[at] = key;
    known[at] = move << 14 | high + 64 << 7 | low + 64;
    return best;
  }

  /** The same with `place` dominoes on the table; `winner` has the best one, of rank `best`, in a trick worth `sum`. */
  function follower(held, leader, place, suit, best, winner, sum, left, b) {
    if (place === 4) {
      const theirs = (winner ^ leader) & 1;
      const below = sum + boundary(held, winner, left - sum, theirs ? 1 - b - sum : b - sum);
      return theirs ? -below : below;
    }
    const seat = leader + place & 3, ours = place === 2;
    let todo = legal(held, seat, suit), value = ours ? -FAR : FAR;
    const begin = first(todo, seat, suit, best, ((winner ^ seat) & 1) === 0, place === 3);
    while (todo && value < b === ours) {
      const slot = lowest(todo & begin || todo), i = 7 * seat + slot, mine = rank[8 * i + suit];
      todo &= ~(1 << slot);
      const wins = mine > best;
      const below = follower(held & ~(1 << i), leader, place + 1, suit, wins ? mine : best, wins ? seat : winner,
        sum + points[i], left, b);
      value = ours ? Math.max(value, below) : Math.min(value, below);
    }
    return value;
  }

  /** Null windows around a guess until both bounds meet; every value has the parity of `left`. */
  function exact(bound, left, guess) {
    let low = -left, high = left, b = Math.min(Math.max(guess, low + 2), high);
    for (let tries = 1; low < high; tries++) {
      const value = bound(b);
      if (value >= b) low = value;
      else high = value;
      b = value >= b ? low + 2 : high;
      if (tries >= 3) b = high - 2 * Math.floor((high - low) / 4);
      b = Math.min(Math.max(b, low + 2), high);
    }
    return low;
  }

  return {
    /** Points still to come at the opening, the leader's team less the others'. */
    value: leader => exact(b => boundary(0xfffffff, leader, 42, b), 42, 0),

    /** Points still to come for the mover's team less the others' after each of its seven slots; null = illegal. */
    q(position) {
      const {leader, trick} = position, seat = leader + trick.length & 3;
      const held = position.held.reduce((all, mask, i) => all | mask << 7 * i, 0);
      let suit = 0, best = -1, winner = leader, sum = 1;
      trick.forEach((slot, place) => {
        const who = leader + place & 3, i = 7 * who + slot;
        if (place === 0) suit = led[i];
        if (rank[8 * i + suit] > best) [best, winner] = [rank[8 * i + suit], who];
        sum += points[i];
      });
      let left = sum - 1, plays = trick.length;
      for (let i = 0; i < 28; i++) if (held >> i & 1) [left, plays] = [left + points[i], plays + 1];
      left += plays / 4;
      const sign = (seat ^ leader) & 1 ? -1 : 1;
      const slots = trick.length ? legal(held, seat, suit) : hand(held, seat);
      let guess = left & 1;
      return [0, 1, 2, 3, 4, 5, 6].map(slot => {
        if ((slots >> slot & 1) === 0) return null;
        const i = 7 * seat + slot, asks = trick.length ? suit : led[i], mine = rank[8 * i + asks], wins = mine > best;
        guess = exact(b => follower(held & ~(1 << i), leader, trick.length + 1, asks, wins ? mine : best,
          wins ? seat : winner, sum + points[i], left, b), left, guess);
        return sign * guess;
      });
    },
  };
}
