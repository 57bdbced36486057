// The page: a deal with open hands, what the model says of each play, and who plays what.

import {encode} from "./encode.js";
import {dealOf, isOver, legal, mover, opening, play, table} from "./game.js";
import {best, open} from "./model.js";

const el = id => document.getElementById(id);
const PIPS = [[], [4], [0, 8], [0, 4, 8], [0, 2, 6, 8], [0, 2, 4, 6, 8], [0, 2, 3, 5, 6, 8]];
const fetched = name => fetch(name).then(answer => answer.json());
const [rules, about, model] = await Promise.all([fetched("rules.json"), fetched("model.json"), open("model.onnx")]);
const points = about.kind === "qvalue";
let past = [], now, answer;

function tile(domino, seat) {
  const name = rules.dominoes[domino];
  const dots = name.split("-").map((pip, half) => PIPS[pip].map(at =>
    `<circle cx="${half * 24 + 6 + 6 * (at % 3)}" cy="${6 + 6 * Math.floor(at / 3)}" r="2" fill="var(--seat${seat})"/>`));
  return `<svg width="49" height="25" viewBox="-.5 -.5 49 25" role="img" aria-label="${name}"><title>${name}</title>` +
    `<rect width="48" height="24" rx="4" fill="none" stroke="var(--seat${seat})"/>` +
    `<path d="M24 3V21" stroke="var(--line)"/>${dots.flat().join("")}</svg>`;
}

function row(seat, open, choice) {
  const mine = seat === mover(now), tiles = now.hands[seat].map((domino, slot) => {
    if ((now.held[seat] >> slot & 1) === 0) return "";
    if (!mine || !open[slot]) return `<button class="tile" disabled>${tile(domino, seat)}&nbsp;</button>`;
    return `<button class="tile ${slot === choice ? "best" : ""}" data-slot="${slot}">${tile(domino, seat)}` +
      `${answer.slots[slot].toFixed(1)}</button>`;
  });
  return `<div class="row ${mine ? "turn" : ""}"><span class="seat" style="color:var(--seat${seat})">seat ${seat}` +
    `</span>${tiles.join("")}</div>`;
}

function draw() {
  const over = isOver(now), open = over ? [] : legal(rules, now), choice = over ? -1 : best(answer, open);
  el("score").textContent = `seats 0, 2: ${now.won[0]} · seats 1, 3: ${now.won[1]}`;
  el("hands").innerHTML = [0, 1, 2, 3].map(seat => row(seat, open, choice)).join("");
  el("trick").innerHTML = table(now).map((domino, place) => tile(domino, (now.leader + place) % 4)).join("") ||
    `<span class="note">nothing played yet</span>`;
  for (const id of ["model", "rest"]) el(id).disabled = over;
  el("back").disabled = past.length === 0;
  el("place").textContent = over ? "the hand is over" : `Seat ${mover(now)} to play: the model chooses ` +
    `${rules.dominoes[now.hands[mover(now)][choice]]}. Under each play: ${points ? "points still to come for the " +
    "mover's team minus the others'" : "logits"}. The position is worth ${answer.value.toFixed(1)}.`;
  for (const button of document.querySelectorAll("[data-slot]"))
    button.addEventListener("click", () => go(play(rules, now, +button.dataset.slot)));
}

async function show(position) {
  if (!isOver(position)) [answer] = await model.ask([encode(rules, position)]);
  now = position;
  draw();
}

async function go(position) {
  past.push(now);
  await show(position);
}

const modelPlays = () => go(play(rules, now, best(answer, legal(rules, now))));

async function start() {
  past = [];
  await show(opening(dealOf(Math.floor(Math.random() * 2 ** 32)), +el("declaration").value));
}

el("declaration").innerHTML = rules.declarations.map((name, i) => `<option value="${i}">${name}</option>`).join("");
el("about").textContent = `${about.kind}, ${about.parameters.toLocaleString("en")} parameters, ` +
  `${about.digest.slice(0, 12)}`;
el("declaration").addEventListener("change", start);
el("deal").addEventListener("click", start);
el("back").addEventListener("click", () => show(past.pop()));
el("model").addEventListener("click", modelPlays);
el("rest").addEventListener("click", async () => { while (!isOver(now)) await modelPlays(); });
await start();
