import { spawn } from "node:child_process";
import { setTimeout as delay } from "node:timers/promises";
import { thisProgram } from "../adapters/system/program.ts";
import { PgrescueError } from "../domain/errors.ts";
import { runAsOwner } from "./as-owner.ts";
import type { Command, Terminal } from "./command.ts";
import { createDemoWorld, type DemoWorld } from "./demo-world.ts";

export const command: Command = {
  summary: "a whole recovery on a throwaway server: data, backup, disaster, the way back",
  usage: "demo [--auto] [--keep]",
  description:
    "Starts a throwaway PostgreSQL with a throwaway repository in the temporary directory, takes a backup,\nlets a disaster happen and opens the console on it. Without a terminal, or with --auto, it plays the\nrecovery to the end by itself. Nothing else on this machine is touched.",
  options: {
    auto: { type: "boolean", summary: "play it to the end instead of opening the console" },
    keep: { type: "boolean", summary: "leave the demonstration's directory behind" },
  },
  examples: [
    "pgrescue demo                # ends in the console, where you do the recovery",
    "pgrescue demo --auto         # watch it",
  ],
  run: async (args, terminal) => {
    const code = await runAsOwner("demo", args, null, terminal);
    if (code !== null) return code;
    const isInteractive = terminal.stdin.isTTY && terminal.stdout.isTTY;
    terminal.log("pgrescue demo: a throwaway PostgreSQL and a throwaway repository");
    const world = await createDemoWorld();
    // A closed window must not leave a server behind.
    const leave = (): void => void world.close(args.flag("keep")).finally(() => process.kill(process.pid, "SIGKILL"));
    process.once("SIGHUP", leave).once("SIGTERM", leave);
    try {
      const story = await tellStory(world, terminal);
      return args.flag("auto") || !isInteractive
        ? await playRecovery(world, story, terminal)
        : await openConsole(world, story, terminal);
    } finally {
      await world.close(args.flag("keep"));
      if (args.flag("keep")) terminal.log(`kept: ${world.directory}`);
    }
  },
};

interface Story {
  readonly deleteXid: string;
  readonly ordersBefore: string;
}

/** Data, a backup, more data, then the disaster. */
async function tellStory(world: DemoWorld, terminal: Terminal): Promise<Story> {
  const { server } = world;
  terminal.log(`  server   PostgreSQL on ${server.socketDirectory}, port ${server.port}`);
  await server.sql(
    "create table customers (id int primary key, name text); insert into customers select n, 'customer ' || n from generate_series(1, 500) n; create table orders (id int primary key, customer int references customers, total numeric); insert into orders select n, 1 + n % 500, n * 1.5 from generate_series(1, 10000) n",
  );
  terminal.log("  data     500 customers, 10000 orders");
  await mustRun(["backup", "--config", world.configFile, "--no-input"]);
  await server.sql("insert into orders select n, 1 + n % 500, n * 1.5 from generate_series(10001, 12000) n");
  const ordersBefore = await server.sql("select count(*) from orders");
  terminal.log(`  later    2000 more orders after the backup: ${ordersBefore} in all`);
  await delay(1100);
  const deleteXid = (await server.sql("begin; select pg_current_xact_id(); delete from orders; commit")).trim();
  await server.sql("drop table customers cascade");
  await server.sql("select pg_switch_wal()");
  terminal.log(`  DISASTER transaction ${deleteXid} deleted every order, and then somebody dropped the customers`);
  return { deleteXid, ordersBefore };
}

async function playRecovery(world: DemoWorld, story: Story, terminal: Terminal): Promise<number> {
  terminal.log("");
  terminal.log(`The way back: the moment just before transaction ${story.deleteXid}, beside production`);
  const target = ["--target-before-xid", story.deleteXid, "--to", world.scratchDirectory];
  const connection = await mustRun(
    ["recover", "--config", world.configFile, ...target, "--port", String(world.scratchPort), "--no-input"],
    "pipe",
  );
  const count = async (table: string): Promise<string> =>
    (await world.server.run(["psql", "-XqAt", "-d", connection, "-c", `select count(*) from ${table}`])).stdout.trim();
  const [orders, customers] = [await count("orders"), await count("customers")];
  const good = orders === story.ordersBefore && customers === "500";
  terminal.print("");
  terminal.print("             production   restored   expected");
  terminal.print(
    `  orders     ${(await world.server.sql("select count(*) from orders")).padEnd(10)}   ${orders.padEnd(8)}   ${story.ordersBefore}`,
  );
  terminal.print(`  customers  ${"dropped".padEnd(10)}   ${customers.padEnd(8)}   500`);
  terminal.print(good ? "Every row is back, to the transaction." : "The rows are not what they should be.");
  return good ? 0 : 50;
}

async function openConsole(world: DemoWorld, story: Story, terminal: Terminal): Promise<number> {
  terminal.log("");
  terminal.log(
    `Now it is yours: choose "Somebody deleted or changed data"; the culprit is transaction ${story.deleteXid}.`,
  );
  await delay(2500);
  return (await runProgram(["console", "--config", world.configFile])).code;
}

/** The real program as a child: the demonstration does what a user would type. */
async function runProgram(
  words: readonly string[],
  output: "inherit" | "pipe" = "inherit",
): Promise<{ readonly code: number; readonly stdout: string }> {
  const { node, script } = thisProgram();
  const child = spawn(node, [script, ...words], { stdio: ["inherit", output, "inherit"] });
  let stdout = "";
  child.stdout?.on("data", (chunk: Buffer) => (stdout += chunk.toString()));
  return await new Promise((done, fail) => {
    child.once("error", fail);
    child.once("close", (code) => done({ code: code ?? 1, stdout }));
  });
}

async function mustRun(words: readonly string[], output: "inherit" | "pipe" = "inherit"): Promise<string> {
  const { code, stdout } = await runProgram(words, output);
  if (code !== 0) {
    throw new PgrescueError("external-failure", `pgrescue ${words[0]} ended with exit code ${code}`, {
      next: "Its own message is above.",
    });
  }
  return stdout.trim();
}
