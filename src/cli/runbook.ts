import { dirname, resolve } from "node:path";
import { chooseRunbook, loadRunbooks, readRunbook, usualPlaces } from "../adapters/config/runbook-file.ts";
import { PgrescueError } from "../domain/errors.ts";
import type { LoadedRunbook } from "../domain/runbook.ts";
import { lintRunbook } from "../engine/lint-runbook.ts";
import { printRunbook } from "../engine/print-runbook.ts";
import { steps } from "../engine/steps/registry.ts";
import type { Arguments, Command, Terminal } from "./command.ts";

export const command: Command = {
  summary: "list, print or check runbooks",
  usage: "runbook list|print ID|check [ID|FILE]...",
  description:
    "Runbooks are data: `print` gives Markdown that can be followed by hand. A site's own runbooks and overlays\n(ID.overlay.yaml, merged by step id) are read from --runbooks DIR, PGRESCUE_RUNBOOKS or /etc/pgrescue/runbooks.",
  options: { runbooks: { type: "string", value: "DIR", summary: "the site's runbooks and overlays" } },
  examples: [
    "pgrescue runbook list",
    "pgrescue runbook print rewind-in-place > rewind.md",
    "pgrescue runbook check ./our-own.yaml",
  ],
  positionals: { min: 1, max: 20 },
  run: async (args, terminal) => {
    const [what = "", ...rest] = args.positionals;
    if (what === "list") return list(args, terminal);
    if (what === "print") return print(rest, args, terminal);
    if (what === "check") return check(rest, args, terminal);
    throw new PgrescueError("usage", `runbook ${what} is nothing`, { next: "Say runbook list, print ID or check." });
  },
};

async function installedRunbooks(args: Arguments, terminal: Terminal): Promise<ReadonlyMap<string, LoadedRunbook>> {
  const asked = args.string("runbooks");
  const site = asked === undefined ? {} : { PGRESCUE_RUNBOOKS: resolve(terminal.cwd, asked) };
  return loadRunbooks(await usualPlaces({ ...terminal.env, ...site }));
}

async function list(args: Arguments, terminal: Terminal): Promise<number> {
  const all = [...(await installedRunbooks(args, terminal)).values()];
  if (args.flag("json")) {
    const runbooks = all.map(({ runbook, sha256 }) => ({
      id: runbook.id,
      version: runbook.version,
      title: runbook.title,
      useWhen: runbook.use_when,
      sha256,
    }));
    terminal.print(JSON.stringify({ schema: "pgrescue.runbooks/v1", runbooks }));
    return 0;
  }
  const width = Math.max(...all.map(({ runbook }) => runbook.id.length));
  for (const { runbook } of all) terminal.print(`${runbook.id.padEnd(width)}  ${runbook.title}. ${runbook.use_when}`);
  return 0;
}

async function print(ids: readonly string[], args: Arguments, terminal: Terminal): Promise<number> {
  const all = await installedRunbooks(args, terminal);
  for (const id of ids) terminal.print(printRunbook(chooseRunbook(all, id).runbook));
  if (ids.length === 0)
    throw new PgrescueError("usage", "which runbook?", { next: `There are ${[...all.keys()].join(", ")}.` });
  return 0;
}

async function check(names: readonly string[], args: Arguments, terminal: Terminal): Promise<number> {
  const all = await installedRunbooks(args, terminal);
  const chosen =
    names.length === 0
      ? [...all.values()]
      : await Promise.all(
          names.map(async (name) =>
            isFile(name) ? readRunbook(resolve(terminal.cwd, name)) : chooseRunbook(all, name),
          ),
        );
  const results = await Promise.all(
    chosen.map(async ({ runbook }) => ({ id: runbook.id, problems: await lintRunbook(runbook, steps) })),
  );
  if (args.flag("json")) terminal.print(JSON.stringify({ schema: "pgrescue.runbook-check/v1", runbooks: results }));
  else
    for (const { id, problems } of results)
      for (const line of problems.length === 0 ? ["ok"] : problems) terminal.print(`${id}: ${line}`);
  return results.every(({ problems }) => problems.length === 0) ? 0 : 2;
}

function isFile(name: string): boolean {
  return /\.ya?ml$/.test(name) || dirname(name) !== ".";
}
