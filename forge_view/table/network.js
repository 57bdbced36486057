// A seat network as a player, by onnxruntime-web on the CPU. It is asked with a view, as every player (see player.js).

import {chosen} from "./player.js";
import {encode, INPUTS} from "./encode.js";
import {read} from "./view.js";

/** The player of a seat network: {name, model: its file, sha256 of that file}. Fails where it is not there or damaged. */
export async function networkPlayer(rules, {name, model, sha256}) {
  const answer = await fetch(model);
  if (!answer.ok) throw new Error(`${model} is missing (${answer.status})`);
  const file = await answer.arrayBuffer();
  // browsers have digests for pages of this machine and of https alone
  if (crypto.subtle && await digest(file) !== sha256) throw new Error(`${model} is damaged`);
  const ort = await import("./ort/ort.wasm.min.mjs");
  ort.env.wasm.numThreads = 1; // more would need a page that is isolated from other origins
  ort.env.wasm.wasmPaths = new URL("./ort/", import.meta.url).href;
  const session = await ort.InferenceSession.create(new Uint8Array(file), {executionProviders: ["wasm"]});

  /** For each view its options (see player.js). */
  async function ask(views) {
    const n = views.length, inputs = new Float32Array(n * INPUTS), slots = new BigInt64Array(7 * n);
    const encoded = views.map(view => encode(rules, view));
    encoded.forEach((each, i) => {
      inputs.set(each.inputs, i * INPUTS);
      each.slots.forEach((place, slot) => slots[7 * i + slot] = BigInt(place));
    });
    const {chances} = await session.run({
      inputs: new ort.Tensor("float32", inputs, [n, INPUTS]),
      slots: new ort.Tensor("int64", slots, [n, 7]),
    }, ["chances"]);
    return views.map((view, i) => encoded[i].legal.flatMap((may, slot) => {
      if (!may) return [];
      const needed = view.bid - read(rules, view).won[view.bidder % 2], row = 43 * (7 * i + slot);
      const mean = worth => chances.data.subarray(row, row + 43).reduce((sum, p, points) => sum + p * worth(points), 0);
      return [{play: view.hand[slot], pMake: mean(points => points >= needed), points: mean(points => points)}];
    }));
  }

  return {
    name: `the network ${name}`,
    async choose(view) {
      const [options] = await ask([view]);
      return chosen(options, (view.seat - view.bidder) % 2 === 0);
    },
    async price(hand, bid) {
      const views = rules.declarations.map((_, declaration) => ({declaration, bid, bidder: 0, seat: 0, hand, plays: []}));
      return (await ask(views)).map((options, declaration) => ({declaration, pMake: chosen(options, true).pMake}));
    },
    /** Its chances are those of hidden hands: a little more than even. */
    bidsFrom: 0.55,
  };
}

const digest = async bytes => [...new Uint8Array(await crypto.subtle.digest("SHA-256", bytes))]
  .map(byte => byte.toString(16).padStart(2, "0")).join("");
