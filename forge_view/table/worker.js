// The players in a thread of their own. What comes in is all that they know: a view, a hand, or, for the replay of a
// hand that is over, everything.

import {call, declare, worldsPlayer} from "./player.js";
import {replayed} from "./view.js";
import {search} from "./search.js";

const [rules, {network, missing}] = await Promise.all(
  ["rules.json", "players.json"].map(async file => (await fetch(file)).json()));
const players = {};
let problem = missing;
if (network) {
  try {
    const {networkPlayer} = await import("./network.js");
    players.network = await networkPlayer(rules, network);
  } catch (failed) {
    problem = `${failed.message}. Write the page again with forge table.`;
  }
}

players.search = worldsPlayer(rules);

const answers = {
  choose: async ({player, view}) => ({...await players[player].choose(view), player}),
  call: ({player, hand, lowest, forced}) => call(players[player], hand, {lowest, forced}),
  declare: ({player, hand, bid}) => declare(players[player], hand, bid),
  /** Points that every slot gives up beside the best one, all hands open, before each play; null = illegal. */
  judge({declaration, bidder, plays, hands}) {
    const exact = search(rules, declaration, hands);
    return plays.map((_, ply) => {
      const q = exact.q(replayed(rules, {declaration, bidder, plays: plays.slice(0, ply)}, hands));
      const best = Math.max(...q.filter(each => each !== null));
      return q.map(each => each === null ? null : (best - each) / 2);
    });
  },
};

onmessage = async ({data: {id, ask, ...given}}) => {
  try {
    postMessage({id, answer: await answers[ask](given)});
  } catch (problem) {
    postMessage({id, problem: String(problem)});
  }
};
postMessage({names: Object.fromEntries(Object.entries(players).map(([who, {name}]) => [who, name])), problem});
