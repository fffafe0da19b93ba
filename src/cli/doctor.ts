import { compose } from "../compose.ts";
import type { Json } from "../domain/brand.ts";
import { gravest, type Verdict } from "../domain/verdict.ts";
import { askChecks } from "../engine/check.ts";
import { doctorChecks, loadChecks } from "../engine/checks/registry.ts";
import { runAsOwner } from "./as-owner.ts";
import { openCheckContext } from "./check-context.ts";
import type { Command } from "./command.ts";
import { openSettings, requireCluster } from "./settings.ts";
import { changeLines, verdictLines } from "./verdict-lines.ts";

export const command: Command = {
  summary: "is the set-up sound: server settings, rights, archiving, repositories, space, clock, tools",
  usage: "doctor",
  description:
    "Changes nothing but a small object in each repository, which it writes and removes; prints the lines that\nmend what it finds, saying whether a reload or a restart makes them count. Exit codes: 0 sound, or only warnings; 3 warnings, with --strict; 50 something fails; 51 something\ncould not be looked at, with --strict.",
  options: { strict: { type: "boolean", summary: "warnings make exit code 3, what could not be looked at 51" } },
  examples: [
    "pgrescue doctor                                # everything",
    "pgrescue doctor --json | jq '.changes[].alter' # the ALTER SYSTEM lines",
  ],
  run: async (args, terminal) => {
    const settings = requireCluster(await openSettings(args, terminal));
    const code = await runAsOwner("doctor", args, settings, terminal);
    if (code !== null) return code;
    const verdicts: Verdict[] = [];
    const asJson = args.flag("json");
    await using context = await openCheckContext(settings, compose(settings, terminal.env));
    for await (const verdict of askChecks(await loadChecks(doctorChecks), context)) {
      verdicts.push(verdict);
      if (!asJson && !(args.flag("quiet") && verdict.result === "pass"))
        for (const line of verdictLines(verdict)) terminal.print(line);
    }
    const changes = changesOf(verdicts);
    if (asJson) terminal.print(JSON.stringify(doctorDocument(settings.clusterName, verdicts)));
    else for (const line of changeLines(changes)) terminal.print(line);
    return exitOf(verdicts, args.flag("strict"));
  },
};

/** A change of a server's setting that a check proposes. */
export interface ProposedChange {
  readonly alter: string;
  readonly apply: "reload" | "restart";
}

/** The proposed changes, each once, in the order of the checks. */
export function changesOf(verdicts: readonly Verdict[]): readonly ProposedChange[] {
  const changes = new Map<string, ProposedChange>();
  for (const { data } of verdicts) {
    if (typeof data !== "object" || data === null || !("alter" in data)) continue;
    const { alter, apply } = data;
    if (typeof alter === "string" && (apply === "reload" || apply === "restart")) changes.set(alter, { alter, apply });
  }
  return [...changes.values()];
}

/** `pgrescue.doctor/v1`. */
function doctorDocument(cluster: string, verdicts: readonly Verdict[]): Json {
  return {
    schema: "pgrescue.doctor/v1",
    cluster,
    result: gravest(verdicts),
    verdicts: verdicts.map((verdict) => ({ ...verdict })),
    changes: changesOf(verdicts).map((change) => ({ ...change })),
  };
}

function exitOf(verdicts: readonly Verdict[], strict: boolean): number {
  const results = new Set(verdicts.map(({ result }) => result));
  if (results.has("fail")) return 50;
  if (!strict) return 0;
  return results.has("unknown") ? 51 : results.has("warn") ? 3 : 0;
}
