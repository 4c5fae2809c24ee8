// Answers requests about the explorer's JavaScript, a line of JSON each: {call, folder, …} with the
// folder of network.mjs, functions.mjs and data.mjs.
import { createInterface } from "node:readline";
import { resolve } from "node:path";
import { pathToFileURL } from "node:url";

const from = (folder, name) => import(pathToFileURL(resolve(folder, `${name}.mjs`)));
const plain = value => ArrayBuffer.isView(value) ? Array.from(value) : value;

const CALLS = {
  async run({ network, data }, { block, layers, shape, values }) {
    const parts = await data.unpacked(block);
    const y = network.run(data.networkOf(parts, layers), { shape, data: Float64Array.from(values) });
    return { shape: y.shape, values: plain(y.data) };
  },
  async array({ data }, { block, entry }) {
    return plain(data.arrayOf(await data.unpacked(block), entry).data);
  },
  kinds: ({ network }) => Object.keys(network.LAYERS),
  normals: ({ functions }, { count }) => Array.from({ length: count }, functions.normal),
  likelihood({ functions }, { kind, settings, method, values }) {
    return plain(functions.LIKELIHOODS[kind](settings)[method](...values));
  },
  function({ functions }, { name, values }) {
    return plain(functions[name](...values));
  },
};

for await (const line of createInterface({ input: process.stdin })) {
  const { call, folder, ...given } = JSON.parse(line);
  let answer;
  try {
    const [network, functions, data] = await Promise.all(
      ["network", "functions", "data"].map(name => from(folder, name)));
    answer = { answer: await CALLS[call]({ network, functions, data }, given) };
  } catch (error) {
    answer = { error: String(error) };
  }
  process.stdout.write(`${JSON.stringify(answer)}\n`);
}
