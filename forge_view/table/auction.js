// The auction: forge_core/rules/auction.py, whose bids come in rules.json.

/** A bid's name. */
export const bidName = bid => bid === null ? "pass" : bid.marks === 2 ? "2 marks" : `${bid.points}`;

/** Where an auction stands: whose call it is, the highest bid and its seat, the bids allowed, whether it may not pass. */
export function stand(rules, {dealer, calls}) {
  const over = calls.length === 4, made = calls.filter(Boolean), highest = made.at(-1) ?? null;
  return {
    over, highest,
    caller: (dealer + 1 + calls.length) % 4,
    bidder: highest === null ? null : (dealer + 1 + calls.lastIndexOf(highest)) % 4,
    allowed: over ? [] : rules.bids.slice(highest === null ? 0 : rules.bids.findIndex(
      bid => bid.points === highest.points && bid.marks === highest.marks) + 1),
    forced: calls.length === 3 && highest === null,
  };
}
