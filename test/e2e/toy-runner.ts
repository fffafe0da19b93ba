// What the hidden `__runner` command is to pgrescue, over toy steps: `node toy-runner.ts RUN_DIRECTORY`.
import { setTimeout as delay } from "node:timers/promises";
import { runRunner } from "../../src/cli/run/run-runner.ts";
import { openToy, registryOf, toyKind, toyWorld } from "../engine/toy-world.ts";

const [runDirectory = ""] = process.argv.slice(2);

process.exitCode = await runRunner(runDirectory, {
  steps: new Proxy(
    {},
    {
      has: () => true,
      getOwnPropertyDescriptor: (_, name) => descriptorOf(String(name)),
      get: (_, name) => kindOf(String(name)),
    },
  ),
  openWorld: async () => toyWorld,
}).catch((error: unknown) => {
  process.stderr.write(`${String(error)}\n`);
  return 1;
});

function descriptorOf(name: string): PropertyDescriptor {
  return { configurable: true, enumerable: true, writable: true, value: kindOf(name) };
}

/** Steps called slow... take two seconds and can be cut; all others are done at once. */
function kindOf(name: string) {
  const toy = openToy(process.env["TOY"] ?? "");
  const slow = toyKind(toy, name, {
    run: async function* (p, ctx) {
      for (let i = 0; i < 100; i++) {
        yield { signal: "progress", done: i, total: 100, unit: "files", doing: "taking time" };
        await delay(20, undefined, { signal: ctx.signal });
      }
      await ctx.command([toy.program, "do", p.name]);
    },
  });
  const chatty = toyKind(toy, name, {
    run: async function* (p, ctx) {
      for (let i = 0; i < 2000; i++) yield { signal: "log", level: "info", text: `${i} ${"x".repeat(400)}` };
      await ctx.command([toy.program, "do", p.name]);
    },
  });
  const kind = name.startsWith("slow") ? slow : name.startsWith("chatty") ? chatty : toyKind(toy, name);
  return registryOf([kind])[name];
}
