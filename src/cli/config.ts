import { stringify } from "yaml";
import { configPlaces } from "../adapters/config/load.ts";
import { PgrescueError } from "../domain/errors.ts";
import { runAsOwner } from "./as-owner.ts";
import type { Arguments, Command, Terminal } from "./command.ts";
import { openSettings, type Settings } from "./settings.ts";

export const command: Command = {
  summary: "the configuration as it is understood, and where each value came from",
  usage: "config show [--origin]",
  options: {
    origin: {
      type: "boolean",
      summary: "say for every value whether it is from a flag, the environment, a file or a default",
    },
  },
  examples: ["pgrescue config show", "pgrescue config show --origin --json"],
  positionals: { min: 1, max: 1 },
  run: async (args, terminal) => {
    if (args.positionals[0] !== "show")
      throw new PgrescueError("usage", `config ${args.positionals[0]} is not known`, {
        next: "Run `pgrescue config show`.",
      });
    const settings = await openSettings(args, terminal);
    // Where nothing says it, it depends on who works: as root that is the owner of the data directory.
    if (settings.cluster !== null && originOf(["stateDirectory"], settings, args, terminal) === "default") {
      const code = await runAsOwner("config", args, settings, terminal);
      if (code !== null) return code;
    }
    const effective = { ...settings.loaded.config, stateDirectory: settings.stateDirectory };
    if (args.flag("json")) {
      const origins = args.flag("origin")
        ? {
            origins: Object.fromEntries(
              leaves(effective).map(({ path }) => [path.join("."), originOf(path, settings, args, terminal)]),
            ),
          }
        : {};
      terminal.print(
        JSON.stringify({ schema: "pgrescue.config/v1", file: settings.loaded.file, config: effective, ...origins }),
      );
      return 0;
    }
    terminal.print(
      settings.loaded.file === null
        ? `# no configuration file; looked for ${configPlaces(terminal.cwd, terminal.env).join(", ")}`
        : `# ${settings.loaded.file}`,
    );
    if (!args.flag("origin")) {
      terminal.print(stringify(effective).trimEnd());
      return 0;
    }
    const rows = leaves(effective).map(
      ({ path, value }) => [path.join("."), JSON.stringify(value), originOf(path, settings, args, terminal)] as const,
    );
    const width = Math.max(0, ...rows.map(([name]) => name.length));
    for (const [name, value, origin] of rows) terminal.print(`${name.padEnd(width)}  ${value}  # ${origin}`);
    return 0;
  },
};

interface Leaf {
  readonly path: readonly string[];
  readonly value: unknown;
}

function leaves(value: unknown, path: readonly string[] = []): readonly Leaf[] {
  if (typeof value !== "object" || value === null) return [{ path, value }];
  const entries = Object.entries(value);
  return entries.length === 0 ? [{ path, value }] : entries.flatMap(([key, inner]) => leaves(inner, [...path, key]));
}

function originOf(path: readonly string[], settings: Settings, args: Arguments, terminal: Terminal): string {
  if (path[0] === "stateDirectory") {
    if (args.string("state-dir") !== undefined) return "flag --state-dir";
    if (terminal.env["PGRESCUE_STATE_DIR"] !== undefined) return "environment PGRESCUE_STATE_DIR";
  }
  return isWritten(path, settings) ? `file ${settings.loaded.file}` : "default";
}

function isWritten(path: readonly string[], settings: Settings): boolean {
  let at: unknown = settings.loaded.written;
  for (const key of path) {
    if (typeof at !== "object" || at === null || !Object.hasOwn(at, key)) return false;
    at = (at as Record<string, unknown>)[key];
  }
  return true;
}
