#!/usr/bin/env node
// Plain JavaScript on purpose: it must run on any Node, to say what is wrong with a Node that is too old.
import { existsSync } from "node:fs";
import { fileURLToPath } from "node:url";

const [major, minor] = process.versions.node.split(".").map(Number);
const main = new URL("../dist/main.js", import.meta.url);

if ((major === 24 && minor >= 15) || major >= 26) {
  if (!existsSync(main)) {
    process.stderr.write(
      "pgrescue: the program is not built\nWhat to do: run `npm ci` (or `npm run build`) in " +
        fileURLToPath(new URL("..", import.meta.url)) +
        "\n",
    );
    process.exitCode = 2;
  } else {
    const { main: run } = await import(main.href);
    process.exitCode = await run(process.argv.slice(2));
  }
} else {
  const own = fileURLToPath(new URL("../node_modules/node/bin/node", import.meta.url));
  if (existsSync(own) && process.env.PGRESCUE_NODE_TRIED === undefined) {
    // Only here: loading it costs a tenth of the start of a command that PostgreSQL runs for every WAL segment.
    const { spawnSync } = await import("node:child_process");
    const child = spawnSync(own, [fileURLToPath(import.meta.url), ...process.argv.slice(2)], {
      stdio: "inherit",
      env: { ...process.env, PGRESCUE_NODE_TRIED: "1" },
    });
    process.exitCode = child.status ?? 1;
  } else {
    process.stderr.write(
      `pgrescue: Node ${process.versions.node} is too old; it needs 24.15 or newer\n` +
        "What it means: nothing was changed.\n" +
        "What to do: install Node 24 (npm install -g node@24 works on any version), then run the same command again.\n",
    );
    process.exitCode = 2;
  }
}
