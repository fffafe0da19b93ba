import { errorKinds, PgrescueError, type ErrorCode } from "../domain/errors.ts";
import { nearest } from "../domain/nearest.ts";
import type { Command } from "./command.ts";

/** What each exit code says, for numbers that are not an error's. */
const otherExits: Readonly<Record<number, string>> = {
  0: "done",
  3: "done with warnings (only with --strict; otherwise 0)",
  130: "interrupted by SIGINT; the journal is consistent",
  143: "interrupted by SIGTERM; the journal is consistent",
};

export const command: Command = {
  summary: "what an exit code or an error's name means and what to do",
  usage: "explain CODE",
  options: {},
  examples: ["pgrescue explain 20              # by exit code", "pgrescue explain locked          # by name"],
  positionals: { min: 0, max: 1 },
  run: async (args, terminal) => {
    const asked = args.positionals[0];
    const names = Object.keys(errorKinds) as ErrorCode[];
    const chosen =
      asked === undefined ? names : names.filter((name) => name === asked || String(errorKinds[name].exit) === asked);
    const other = asked === undefined ? undefined : otherExits[Number(asked)];
    if (chosen.length === 0 && other === undefined) {
      const close = nearest(asked ?? "", names);
      throw new PgrescueError("usage", `no such code: ${asked}${close === null ? "" : `; did you mean ${close}?`}`, {
        next: "Run `pgrescue explain` for all of them.",
      });
    }
    if (args.flag("json")) {
      terminal.print(
        JSON.stringify({
          schema: "pgrescue.explain/v1",
          codes: chosen.map((code) => ({
            code,
            exitCode: errorKinds[code].exit,
            means: errorKinds[code].means,
            next: errorKinds[code].next,
          })),
          ...(other === undefined ? {} : { exitCode: Number(asked), meaning: other }),
        }),
      );
      return 0;
    }
    if (other !== undefined && chosen.every((code) => code !== asked)) terminal.print(`${asked}  ${other}`);
    for (const code of chosen) {
      terminal.print(`${String(errorKinds[code].exit).padStart(3)}  ${code}`);
      terminal.print(`     What it means: ${errorKinds[code].means}`);
      terminal.print(`     What to do:    ${errorKinds[code].next}`);
    }
    return 0;
  },
};
