// An exported model in the browser, by onnxruntime-web on the CPU.

import * as ort from "./ort/ort.wasm.min.mjs";

ort.env.wasm.numThreads = 1; // more would need a page that is isolated from other origins
ort.env.wasm.wasmPaths = new URL("./ort/", import.meta.url).href;

/** The model of an .onnx file. */
export async function open(url) {
  const session = await ort.InferenceSession.create(url, {executionProviders: ["wasm"]});
  return {
    /** What the model says of encoded positions: for each {slots: seven numbers, value}, mover's view. */
    async ask(encoded) {
      const n = encoded.length;
      const size = n && encoded[0].tokens.length;
      const tokens = new Int8Array(n * size), mask = new Uint8Array(n * 32);
      encoded.forEach((each, i) => {
        tokens.set(each.tokens, i * size);
        mask.set(each.mask, i * 32);
      });
      const {slots, value} = await session.run({
        tokens: new ort.Tensor("int8", tokens, [n, 32, size / 32]),
        mask: new ort.Tensor("bool", mask, [n, 32]),
      });
      return encoded.map((_, i) => ({slots: [...slots.data.slice(7 * i, 7 * i + 7)], value: value.data[i]}));
    },
  };
}

/** The legal slot of the highest answer. */
export function best(answer, legal) {
  return answer.slots.reduce((top, q, slot) => legal[slot] && (top < 0 || q > answer.slots[top]) ? slot : top, -1);
}
