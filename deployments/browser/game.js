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
  const seat = mover(position), held = position.held[seat];
  const slots = [0, 1, 2, 3, 4, 5, 6].map(slot => (held >> slot & 1) === 1);
  if (position.trick.length === 0) return slots;
  const suit = rules.leads[position.declaration][table(position)[0]];
  const following = slots.map((there, slot) =>
    there && (rules.follows[position.declaration][position.hands[seat][slot]] >> suit & 1) === 1);
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
  const played = table(position), {declaration} = position;
  const ranks = played.map(domino => rules.rank[declaration][rules.leads[declaration][played[0]]][domino]);
  const leader = (position.leader + ranks.indexOf(Math.max(...ranks))) % 4;
  const points = 1 + played.reduce((sum, domino) => sum + rules.points[domino], 0);
  const won = position.won.map((sum, team) => sum + (leader % 2 === team ? points : 0));
  return {...position, leader, trick: [], won};
}

/** A deal at random, before its first play. */
export function deal(rules, declaration) {
  const dominoes = rules.dominoes.map((_, domino) => domino);
  for (let i = dominoes.length - 1; i > 0; i--) {
    const j = Math.floor(Math.random() * (i + 1));
    [dominoes[i], dominoes[j]] = [dominoes[j], dominoes[i]];
  }
  const hands = [0, 7, 14, 21].map(first => dominoes.slice(first, first + 7).sort((a, b) => a - b));
  return {declaration, hands, held: [127, 127, 127, 127], leader: 0, trick: [], won: [0, 0]};
}
