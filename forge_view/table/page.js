// The table: what is shown, what the person does, and whose turn it is. Seat 0 is the person; 1 sits to the left, 2 is
// the partner, 3 sits to the right. The other seats' dominoes are in `game.hands` of this page alone: the players, in
// their own thread, are asked with what their seat sees.

import {bidName, stand} from "./auction.js";
import {domino} from "./domino.js";
import {dealOf, isOver, legal, mover, opening, play, table, winner} from "./game.js";
import {replayed, viewOf} from "./view.js";

const el = id => document.getElementById(id);
const ADVISER = {network: "the network", search: "the search"};
const WHO = ["You", "Left", "Partner", "Right"], TEAM = ["You and partner", "Left and right"];
const says = (seat, verb, other = `${verb}s`) => `${WHO[seat]} ${seat === 0 ? verb : other}`;
const percent = chance => `${Math.round(100 * chance)} %`;
const pointed = n => `${n} point${n === 1 ? "" : "s"}`;
const rules = await (await fetch("rules.json")).json();
const name = id => rules.dominoes[id];
const called = declaration => rules.declarations[declaration].replace("-", " ");
const told = declaration => declaration === 9 ? "no trumps (follow me)" :
  declaration === 8 ? "doubles a suit, no trumps" : `${declaration === 7 ? "doubles" : called(declaration)} are trumps`;
const isTrump = (declaration, id) => declaration <= 7 && (rules.follows[declaration][id] >> 7 & 1) === 1;

const players = (() => {
  const worker = new Worker("worker.js", {type: "module"}), waiting = new Map();
  let last = 0, open;
  const ready = new Promise(resolve => open = resolve).then(({names, problem}) => {
    el("who").innerHTML = Object.entries(names).map(([who, text]) => `<option value="${who}">${text}</option>`).join("");
    if (asked().players in names) el("who").value = asked().players;
    el("missing").textContent = problem ? `No network plays here. ${problem}` : "";
    el("missing").hidden = !problem;
  });
  worker.onmessage = ({data}) => {
    if (data.names) return open(data);
    const [resolve, reject] = waiting.get(data.id);
    waiting.delete(data.id);
    if ("problem" in data) reject(new Error(data.problem));
    else resolve(data.answer);
  };
  return {
    async ask(what, given = {}) {
      await ready;
      return new Promise((resolve, reject) => {
        waiting.set(++last, [resolve, reject]);
        worker.postMessage({id: last, ask: what, player: el("who").value, ...given});
      });
    },
  };
})();

let game; // of the present hand: {seed, dealer, hands, calls, contract, plays, position, step, judged, hint}
const marks = [0, 0];

// What the address says: #seed=7, and, if the contract is given, too: &bidder=0&bid=30&trump=sixes

function asked() {
  const given = new URLSearchParams(location.hash.slice(1)), seed = Number(given.get("seed") ?? NaN);
  const points = Number(given.get("bid") ?? 30), bidder = Number(given.get("bidder") ?? NaN);
  const bid = rules.bids.find(each => each.points === points && each.marks === Number(given.get("marks") ?? 1));
  return {
    seed: Number.isInteger(seed) && seed >= 0 && seed < 2 ** 32 ? seed : null,
    contract: [0, 1, 2, 3].includes(bidder) && bid ?
      {bidder, bid, declaration: rules.declarations.indexOf(given.get("trump"))} : null,
    players: given.get("players"),
    pace: Number(given.get("pace") ?? 1),
  };
}

function address(seed, contract) {
  const {players, pace} = asked(), words = new URLSearchParams({seed});
  if (contract) {
    words.set("bidder", contract.bidder);
    words.set("bid", contract.bid.points);
    if (contract.bid.marks > 1) words.set("marks", contract.bid.marks);
    if (contract.declaration >= 0) words.set("trump", rules.declarations[contract.declaration]);
  }
  if (players) words.set("players", players);
  if (pace !== 1) words.set("pace", pace);
  return `#${words}`;
}

function newHand() {
  const seed = crypto.getRandomValues(new Uint32Array(1))[0] % 1_000_000, kind = el("kind").value;
  const contract = kind === "" ? null : {bidder: Number(kind), bid: rules.bids[0], declaration: -1};
  location.hash = address(seed, contract);
}

// The course of a hand. `mine` tells whether it is still the hand that is played: a new one may be dealt meanwhile.

async function start() {
  const {seed, contract} = asked();
  if (seed === null) return newHand();
  const mine = {seed, dealer: seed % 4, hands: dealOf(seed), calls: [], contract: null, plays: [], position: null};
  game = mine;
  marks.some(won => won >= 7) && marks.fill(0);
  el("advice").textContent = "";
  say(`Hand ${seed}.`);
  draw();
  try {
    const bid = contract ?? await bidding(mine);
    if (game !== mine) return;
    await declaring(mine, bid);
    if (game !== mine) return;
    await playing(mine);
  } catch (problem) {
    say(`Something went wrong: ${problem.message}`);
    throw problem;
  }
}

async function bidding(mine) {
  for (let at = stand(rules, mine); !at.over; at = stand(rules, mine)) {
    const lowest = at.allowed[0] ?? null;
    let bid;
    if (at.caller === 0) {
      say(at.forced ? "All have passed: you have to bid." : "Your call.");
      bid = await choice("Your call", [
        ...(at.forced ? [] : [{text: "Pass", value: null}]),
        ...at.allowed.map(each => ({text: bidName(each), value: each}))]);
    } else {
      [bid] = await Promise.all([
        players.ask("call", {hand: mine.hands[at.caller], lowest, forced: at.forced}), pause(500)]);
    }
    if (game !== mine) return null;
    mine.calls.push(bid && rules.bids.find(each => each.points === bid.points && each.marks === bid.marks));
    say(bid === null ? `${says(at.caller, "pass", "passes")}.` : `${says(at.caller, "bid")} ${bidName(bid)}.`);
    draw();
  }
  const {highest, bidder} = stand(rules, mine);
  return {bid: highest, bidder, declaration: -1};
}

async function declaring(mine, contract) {
  let {declaration} = contract;
  const {bid, bidder} = contract;
  if (declaration < 0 && bidder === 0) {
    say(`You bid ${bidName(bid)}: name the trumps.`);
    declaration = await choice("Name the trumps", rules.declarations.map((_, i) => ({
      text: i === 9 ? "no trumps" : i === 8 ? "doubles a suit" : i === 7 ? "doubles" : called(i), value: i})), true);
  } else if (declaration < 0) {
    declaration = await players.ask("declare", {hand: mine.hands[bidder], bid});
  }
  if (game !== mine) return;
  mine.contract = {bid, bidder, declaration};
  mine.position = opening(mine.hands, declaration, bidder);
  say(`${says(bidder, "bid")} ${bidName(bid)}: ${told(declaration)}.`);
  draw();
}

async function playing(mine) {
  await pause(700);
  while (game === mine && !isOver(mine.position)) {
    const seat = mover(mine.position);
    draw();
    let id;
    if (seat === 0) {
      say(mine.position.trick.length ? `Your turn: ${following(mine.position)}` : "Your lead.");
      id = await new Promise(resolve => mine.chosen = resolve);
      delete mine.chosen;
    } else {
      const [answer] = await Promise.all([players.ask("choose", {view: viewOf(mine, seat)}), pause(650)]);
      id = answer.play;
    }
    if (game !== mine) return;
    const before = mine.position, leads = before.trick.length === 0;
    mine.hint = null;
    mine.plays = [...mine.plays, id];
    mine.position = play(rules, before, mine.hands[seat].indexOf(id));
    let words = `${says(seat, leads ? "lead" : "play")} ${name(id)}.`;
    const ends = mine.position.trick.length === 0;
    if (ends) {
      const team = mine.position.leader % 2, got = mine.position.won[team] - before.won[team];
      words += ` ${says(mine.position.leader, "win")} the trick, ${pointed(got)}.`;
    }
    say(words);
    draw(ends);
    if (ends) await pause(1500);
  }
  if (game === mine) finish(mine);
}

async function finish(mine) {
  const {bid, bidder} = mine.contract, team = bidder % 2, points = mine.position.won[team];
  const made = points >= bid.points, winners = made ? team : 1 - team;
  marks[winners] += bid.marks;
  mine.result = `${says(bidder, "bid")} ${bidName(bid)} and ${made ? "made it" : bidder ? "was set" : "were set"}: ` +
    `${points} to ${42 - points}. ` +
    (marks[winners] >= 7 ? `${TEAM[winners]} won the game, ${marks[winners]} marks to ${marks[1 - winners]}!` : "");
  say(mine.result);
  el("advice").textContent = "";
  mine.step = 28;
  mine.judged = await players.ask("judge", {...mine.contract, plays: mine.plays, hands: mine.hands});
  if (game !== mine) return;
  draw();
  el("result").focus({preventScroll: true});
}

const following = position => {
  const led = table(position)[0], {declaration} = position, suit = rules.leads[declaration][led];
  const names = suit < 7 ? rules.declarations[suit] : declaration < 7 ? `${called(declaration)}, trumps` : "doubles";
  return `${name(led)} was led, follow ${names}.`;
};

const pause = ms => new Promise(resolve => setTimeout(resolve, ms * asked().pace));

const say = words => { el("said").textContent = words; };

/** Ask the person to press one of some buttons over the table. */
function choice(title, options, wide = false) {
  const panel = el("panel");
  panel.setAttribute("aria-label", title);
  panel.innerHTML = `<p>${title}</p><div class="choices ${wide ? "wide" : ""}">${options.map((each, i) =>
    `<button data-choice="${i}">${each.text}</button>`).join("")}</div>`;
  panel.hidden = false;
  return new Promise(resolve => panel.onclick = ({target}) => {
    if (target.dataset.choice === undefined) return;
    panel.hidden = true;
    resolve(options[target.dataset.choice].value);
  });
}

// What is drawn

function draw(full = false) {
  const {contract, judged} = game, done = Boolean(judged);
  el("replay").hidden = !done;
  el("tools").hidden = done || !contract;
  if (contract) el("panel").hidden = true;
  const position = !contract ? opening(game.hands, 0) : done ?
    replayed(rules, {...contract, plays: game.plays.slice(0, game.step)}, game.hands) : game.position;
  drawFacts(position);
  const turn = contract && !isOver(position) && !full ? mover(position) : -1;
  const gaps = done && game.step < 28 ? judged[game.step] : null;
  for (const seat of [1, 2, 3]) drawSeat(seat, position, turn, done, gaps);
  const shown = done && game.step === 28 || full ? game.plays.length - 4 : contract ? lastStart(done ? game.step : game.plays.length) : 0;
  drawTrick(done ? game.plays.slice(shown, game.step) : game.plays.slice(shown), shown);
  drawHand(position, turn, gaps);
  if (done) drawReplay();
  drawTricks(done);
}

const lastStart = plays => plays - plays % 4;

function drawFacts(position) {
  const {contract, dealer} = game;
  el("contract").innerHTML = contract ?
    `${says(contract.bidder, "bid")} ${bidName(contract.bid)}<b>${told(contract.declaration)}</b>` :
    `Hand ${game.seed}, ${says(dealer, "deal")}<b>${game.calls.map((bid, i) =>
      `${WHO[(dealer + 1 + i) % 4]} ${bidName(bid)}`).join(", ") || "Bidding"}</b>`;
  const tricks = [0, 0];
  seats().leaders.forEach((leader, i) => { if (4 * i < (game.judged ? game.step : game.plays.length) - 3) tricks[leader % 2]++; });
  el("score").innerHTML = [0, 1].map(team => {
    const needs = contract && contract.bidder % 2 === team ? `of ${contract.bid.points}` :
      contract ? `of ${43 - contract.bid.points}` : "";
    return `<div><dt>${team ? "They" : "We"} · ${marks[team]} mark${marks[team] === 1 ? "" : "s"}</dt>` +
      `<dd>${position.won[team]} <small>${needs ? `${needs} · ` : ""}${tricks[team]} trick${tricks[team] === 1 ? "" : "s"}</small></dd></div>`;
  }).join("");
}

/** Who played each domino, and who won each trick that is over. */
function seats() {
  const played = [], leaders = [];
  if (!game.contract) return {played, leaders};
  let leader = game.contract.bidder;
  game.plays.forEach((_, ply) => {
    played.push((leader + ply % 4) % 4);
    if (ply % 4 === 3) {
      leader = (leader + winner(rules, game.contract.declaration, game.plays.slice(ply - 3, ply + 1))) % 4;
      leaders.push(leader);
    }
  });
  return {played, leaders};
}

const mark = (gaps, slot, id) => gaps === null || gaps[slot] === null ? "" :
  `${gaps[slot] === 0 ? "best" : ""} ${game.plays[game.step] === id ? "played" : ""}`;

function drawSeat(seat, position, turn, open, gaps) {
  const held = position.hands[seat].filter((_, slot) => position.held[seat] >> slot & 1), lying = seat !== 2;
  const tiles = held.map(id => `<span class="${seat === turn ? mark(gaps, position.hands[seat].indexOf(id), id) : ""}">` +
    `${domino(open ? name(id) : null, lying)}</span>`).join("");
  const label = `${WHO[seat]}: ${open ? held.map(name).join(", ") || "no dominoes" : `${held.length} dominoes`}`;
  el(`seat${seat}`).className = `seat ${seat === 2 ? "" : "side"} ${seat === turn ? "turn" : ""}`;
  el(`seat${seat}`).innerHTML = `<div class="name" aria-hidden="true">${WHO[seat]}</div>` +
    `<div class="held" role="img" aria-label="${label}">${tiles}</div>`;
}

function drawTrick(plays, start) {
  const {played} = seats(), best = plays.length ? winner(rules, game.contract.declaration, plays) : -1;
  const shown = plays.map((id, place) => {
    const seat = played[start + place], wins = place === best;
    return `<li class="s${seat} ${wins ? "wins" : ""}" data-id="${id}">${domino(name(id), seat % 2 === 1)}` +
      `<span class="hidden">${says(seat, "play")} ${name(id)}${wins ? ", the best so far" : ""}</span></li>`;
  }).join("");
  if (el("trick").dataset.shown !== shown) {
    el("trick").innerHTML = shown;
    el("trick").dataset.shown = shown;
  }
}

function drawHand(position, turn, gaps) {
  const {contract, hint, judged} = game, may = turn === 0 ? legal(rules, position) : [], focused = document.activeElement?.dataset.slot;
  el("hand").innerHTML = position.hands[0].map((id, slot) => {
    if ((position.held[0] >> slot & 1) === 0) return "";
    const trump = contract && isTrump(contract.declaration, id), counts = rules.points[id];
    const option = hint?.options.find(each => each.play === id), gap = gaps && turn === 0 ? gaps[slot] : null;
    const below = option ? percent(option.pMake) : gap ? `−${gap}` : gap === 0 ? "best" : counts ? `+${counts}` : "";
    const can = may[slot] && !judged;
    const label = [name(id), ...(trump ? ["trump"] : []), ...(counts ? [`${counts} points`] : []),
      ...(can || turn !== 0 || judged ? [] : ["may not be played"]), ...(option ? [`P(make) ${percent(option.pMake)}`] : []),
      ...(gap ? [`gives up ${pointed(gap)}`] : [])].join(", ");
    return `<button class="tile ${can ? "may" : ""} ${trump ? "trump" : ""} ${hint?.play === id ? "best" : ""} ` +
      `${turn === 0 ? mark(gaps, slot, id) : ""}" data-slot="${slot}" aria-label="${label}" ` +
      `aria-disabled="${contract && !judged ? !can : false}">${domino(name(id))}<i>${below}</i></button>`;
  }).join("");
  if (focused !== undefined) (el("hand").querySelector(`[data-slot="${focused}"]`) ?? el("hand").querySelector(".may"))?.focus();
}

function drawTricks(done) {
  const {played, leaders} = seats(), total = [0, 0];
  el("past").hidden = game.plays.length < 4;
  if (el("past").hidden) return;
  if (done && !game.opened) game.opened = el("past").open = true;
  el("past").querySelector("summary").textContent = done ? "What each play gave up" : "Tricks so far";
  const rows = leaders.map((won, trick) => {
    const cells = [0, 1, 2, 3].map(place => {
      const ply = 4 * trick + place, id = game.plays[ply], gap = done ? lost(ply) : 0;
      const words = `${WHO[played[ply]]}${gap ? ` <span class="lost">−${gap}</span>` : ""}`;
      const inside = `${domino(name(id), true)}<span class="hidden">${name(id)} </span>${words}`;
      return `<td class="${played[ply] === won ? "won" : ""}">${done ? `<button data-ply="${ply}" ` +
        `class="${ply === game.step ? "now" : ""}">${inside}</button>` : inside}</td>`;
    });
    total[won % 2] += 1 + game.plays.slice(4 * trick, 4 * trick + 4).reduce((sum, id) => sum + rules.points[id], 0);
    return `<tr><th scope="row">${trick + 1}</th>${cells.join("")}<td>${total.join(" : ")}</td></tr>`;
  });
  el("tricks").innerHTML = `<table><thead><tr><th>Trick</th><th>leads</th><th></th><th></th><th></th><th>We : they</th></tr>` +
    `</thead><tbody>${rows.join("")}</tbody></table>`;
}

/** What a play of the replay gave up. */
const lost = ply => game.judged[ply][game.hands[seats().played[ply]].indexOf(game.plays[ply])];

async function drawReplay() {
  const mine = game, {step} = game;
  el("result").textContent = mine.result;
  el("step").value = step;
  el("step").setAttribute("aria-valuetext", step < 28 ? `trick ${Math.floor(step / 4) + 1}, play ${step % 4 + 1}` : "the end");
  if (step === 28) {
    const gaps = [0, 0, 0, 0], {played} = seats();
    mine.plays.forEach((_, ply) => gaps[played[ply]] += lost(ply));
    el("told").innerHTML = `Given up beside the best play with all hands open, by exact search, in points of the own team: ` +
      gaps.map((gap, seat) => `${WHO[seat].toLowerCase()} <b>${gap}</b>`).join(", ") +
      ". Who sees one hand cannot always know better.";
    return;
  }
  const seat = seats().played[step], gap = lost(step), id = mine.plays[step];
  const best = mine.hands[seat].filter((_, slot) => mine.judged[step][slot] === 0).map(name);
  const open = `Trick ${Math.floor(step / 4) + 1}: ${says(seat, "play", "plays")} ${name(id)}, ` +
    (gap ? `which with all hands open <span class="lost">gave up ${pointed(gap)}</span> (exact); best: ${best.join(" or ")}.` :
      "as good as any with all hands open (exact).");
  el("told").innerHTML = open;
  const answer = await players.ask("choose", {view: {...viewOf(mine, seat), plays: mine.plays.slice(0, step)}});
  if (game !== mine || mine.step !== step) return;
  el("told").innerHTML = `${open} Seeing ${seat ? "that hand" : "your hand"} alone, ${ADVISER[answer.player]} ` +
    `${answer.play === id ? "plays it, too" : `plays ${name(answer.play)}`}: P(make) ${percent(answer.pMake)}.`;
}

// What the person does

function choose(slot) {
  const id = game.hands[0][slot];
  if (!game.chosen || mover(game.position) !== 0) return;
  if (legal(rules, game.position)[slot]) game.chosen(id);
  else say(`${name(id)} may not be played: ${following(game.position)}`);
}

async function hint() {
  const mine = game, {plays} = mine;
  if (!mine.chosen) return;
  const answer = await players.ask("choose", {view: viewOf(mine, 0)});
  if (game !== mine || mine.plays !== plays || answer.player !== el("who").value) return;
  mine.hint = answer;
  el("advice").textContent = `${ADVISER[answer.player].replace("t", "T")} would play ${name(answer.play)}; then ` +
    `${mine.contract.bidder === 0 ? "you make" : `${WHO[mine.contract.bidder].toLowerCase()} makes`} the bid with P = ` +
    `${percent(answer.pMake)}.`;
  draw();
}

/** From now on the chosen player plays; the address says so, too. */
function seated() {
  const words = new URLSearchParams(location.hash.slice(1));
  words.set("players", el("who").value);
  history.replaceState(null, "", `#${words}`);
  game.hint = null;
  el("advice").textContent = "";
  draw();
}

function go(step) {
  game.step = Math.max(0, Math.min(28, step));
  draw();
}

el("hand").addEventListener("click", ({target}) => {
  const button = target.closest("[data-slot]");
  if (button) choose(Number(button.dataset.slot));
});
el("tricks").addEventListener("click", ({target}) => {
  const button = target.closest("[data-ply]");
  if (button) go(Number(button.dataset.ply));
});
el("hint").addEventListener("click", hint);
el("who").addEventListener("change", seated);
el("new").addEventListener("click", newHand);
el("share").addEventListener("click", async () => {
  const link = new URL(address(game.seed, game.contract), location).href;
  try {
    await navigator.clipboard.writeText(link);
    el("share").textContent = "Copied";
  } catch {
    prompt("The address of this hand", link);
  }
  setTimeout(() => el("share").textContent = "Share", 2000);
});
el("first").addEventListener("click", () => go(0));
el("previous").addEventListener("click", () => go(game.step - 1));
el("next").addEventListener("click", () => go(game.step + 1));
el("last").addEventListener("click", () => go(28));
el("step").addEventListener("input", () => go(Number(el("step").value)));
addEventListener("hashchange", start);
addEventListener("keydown", event => {
  if (event.ctrlKey || event.metaKey || event.altKey || ["SELECT", "INPUT"].includes(event.target.tagName)) return;
  if (/^[1-7]$/.test(event.key)) {
    const button = el("hand").querySelectorAll("[data-slot]")[Number(event.key) - 1];
    if (button) choose(Number(button.dataset.slot));
  } else if (event.key === "h") hint();
  else if (event.key === "n") newHand();
  else if (game?.judged && event.key === "ArrowLeft") go(game.step - 1);
  else if (game?.judged && event.key === "ArrowRight") go(game.step + 1);
});

await start();
