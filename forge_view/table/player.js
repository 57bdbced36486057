// Who plays the other seats. A player is asked with a view, so that it cannot know what its seat does not see.
//
// A player has a name; choose(view) -> {play, pMake, options}: the domino it plays, the chance that the bidding team makes
// its bid after it, and the same for every legal play; price(hand, bid) -> for each declaration worth naming {declaration,
// pMake}; and bidsFrom, the chance from which on it bids. Answers may be promises.

import {legalOf} from "./game.js";
import {search} from "./search.js";
import {read, replayed, worlds} from "./view.js";

/** The slots of a view's hand that may be played. */
export function choices(rules, view) {
  const held = view.hand.reduce((mask, id, slot) => view.plays.includes(id) ? mask : mask | 1 << slot, 0);
  return legalOf(rules, view.declaration, view.hand, held, read(rules, view).trick[0]);
}

/** Draws worlds that agree with the view and searches each to the end, all hands open: P(make) first, then points. */
export function worldsPlayer(rules, n = 40) {
  return {
    name: `exact search of ${n} deals`,
    choose(view) {
      const slots = choices(rules, view).flatMap((may, slot) => may ? [slot] : []);
      const ours = (view.seat - view.bidder) % 2 === 0, side = view.bidder % 2;
      const options = slots.map(slot => ({play: view.hand[slot], pMake: 0, points: 0}));
      for (const hands of worlds(rules, view, n)) {
        const position = replayed(rules, view, hands), q = search(rules, view.declaration, hands).q(position);
        const left = 42 - position.won[0] - position.won[1];
        slots.forEach((slot, i) => {
          const points = position.won[side] + (left + (ours ? q[slot] : -q[slot])) / 2; // of the bidding team, at the end
          options[i].pMake += (points >= view.bid) / n;
          options[i].points += points / n;
        });
      }
      return chosen(options, ours);
    },
    price(hand, bid) {
      return named(rules, hand).map(declaration => {
        const view = {declaration, bid, bidder: 0, seat: 0, hand, plays: []};
        const points = worlds(rules, view, n).map(hands => (42 + search(rules, declaration, hands).value(0)) / 2);
        return {declaration, pMake: points.filter(each => each >= bid).length / n};
      });
    },
    /** With open hands 71 % make a bid of which 55 % are made when they are hidden: docs/methods.md. */
    bidsFrom: 0.7,
  };
}

/** The option that is best for the mover's team. */
export function chosen(options, ours) {
  const sign = ours ? 1 : -1, worth = each => sign * (each.pMake + each.points / 1000);
  const best = options.reduce((top, each) => worth(each) > worth(top) ? each : top);
  return {play: best.play, pMake: best.pMake, options};
}

/** The declarations that a hand could be meant for: those that call three of its dominoes or more; at least one. */
function named(rules, hand) {
  const many = [0, 1, 2, 3, 4, 5, 6, 7].map(declaration =>
    hand.filter(id => rules.follows[declaration][id] >> 7 & 1).length);
  const enough = Math.min(3, Math.max(...many));
  return many.flatMap((n, declaration) => n >= enough ? [declaration] : []);
}

/** What a seat calls: the lowest bid that is still allowed, if the player expects to make it; else null, a pass. */
export async function call(player, hand, {lowest, forced}) {
  if (lowest === null) return null;
  const best = Math.max(...(await player.price(hand, lowest.points)).map(each => each.pMake));
  return forced || (best >= player.bidsFrom && lowest.marks === 1) ? lowest : null;
}

/** The declaration that a seat names for its bid. */
export const declare = async (player, hand, bid) => (await player.price(hand, bid.points)).reduce((best, each) =>
  each.pMake > best.pMake ? each : best).declaration;
