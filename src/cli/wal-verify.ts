import { systemsIn as systemsOf } from "../adapters/repository/native/points.ts";
import { openStore } from "../adapters/storage/registry.ts";
import { verifyWal, type VerifyRange, type WalReport } from "../adapters/wal/verify.ts";
import { PgrescueError } from "../domain/errors.ts";
import { formatBytes } from "../domain/quantity.ts";
import { parseWalFileName } from "../domain/segment.ts";
import type { WalArchive } from "../ports/repository.ts";
import type { Arguments, Command, Terminal } from "./command.ts";
import { openSettings, type NamedRepository } from "./settings.ts";
import { fetchRepositoryOf } from "./wal-settings.ts";
import { lazyArchive } from "./wal-sources.ts";

export const command: Command = {
  summary: "read all stored WAL, compare it with its hashes, find holes",
  usage: "wal-verify [--timeline N] [--from SEGMENT] [--until SEGMENT]",
  description:
    "Exit codes: 0 all is as it was written; 50 something is damaged; with --strict 3 where there are holes.",
  options: {
    timeline: { type: "string", value: "N", summary: "only this timeline" },
    from: { type: "string", value: "SEGMENT", summary: "first segment, by name" },
    until: { type: "string", value: "SEGMENT", summary: "last segment, by name" },
    "system-identifier": { type: "string", value: "ID", summary: "only this system, where a cluster had several" },
    strict: { type: "boolean", summary: "holes make exit code 3" },
  },
  examples: ["pgrescue wal-verify  # everything", "pgrescue wal-verify --timeline 2 --json"],
  run: async (args, terminal) => {
    const range = rangeOf(args);
    const settings = await openSettings(args, terminal);
    if (settings.repositories.length === 0) {
      throw new PgrescueError("config", "no repository is configured", {
        next: "Name one by its URL with --repository URL.",
      });
    }
    const documents = [];
    for (const repository of settings.repositories) {
      for (const { cluster, systemIdentifier } of await systemsIn(repository)) {
        const asked = args.string("system-identifier");
        if (settings.clusterName !== null && cluster !== settings.clusterName) continue;
        if (asked !== undefined && asked !== systemIdentifier) continue;
        const archive = lazyArchive(fetchRepositoryOf(repository), cluster, systemIdentifier);
        const report = await follow(archive, range, terminal, args.flag("quiet"));
        documents.push({ repository: repository.name, cluster, systemIdentifier, ...report });
      }
    }
    if (args.flag("json")) terminal.print(JSON.stringify({ schema: "pgrescue.wal-verify/v1", systems: documents }));
    else for (const document of documents) for (const line of linesOf(document)) terminal.print(line);
    if (documents.length === 0) throw new PgrescueError("no-recovery-point", "there is no WAL in these repositories");
    if (documents.some((document) => document.damagedCount > 0)) return 50;
    return args.flag("strict") && documents.some((document) => document.holes.length > 0) ? 3 : 0;
  },
};

async function systemsIn(
  repository: NamedRepository,
): Promise<readonly { readonly cluster: string; readonly systemIdentifier: string }[]> {
  const { url, options } = fetchRepositoryOf(repository);
  const systems = [];
  for await (const system of systemsOf(await openStore(url, options))) systems.push(system);
  return systems;
}

async function follow(
  archive: WalArchive,
  range: VerifyRange,
  terminal: Terminal,
  isQuiet: boolean,
): Promise<WalReport> {
  const steps = verifyWal(archive, range, new AbortController().signal);
  let shown = performance.now();
  for (;;) {
    const step = await steps.next();
    if (step.done === true) return step.value;
    if (isQuiet || performance.now() - shown < 10_000) continue;
    shown = performance.now();
    terminal.log(`${step.value.done} of ${step.value.total} files, ${step.value.doing}`);
  }
}

function linesOf(document: WalReport & { readonly repository: string; readonly cluster: string }): readonly string[] {
  const { repository, cluster, verified, bytes, damaged, damagedCount, holes, timelines } = document;
  return [
    `${cluster} in ${repository}: ${verified} files, ${formatBytes(bytes)} of WAL verified`,
    ...timelines.map((t) => `  timeline ${t.timeline}: ${t.from} to ${t.until}`),
    ...holes.map((hole) => `  [WARN] hole on timeline ${hole.timeline}: ${hole.fromSegment} to ${hole.toSegment}`),
    ...damaged.map(({ name, found }) => `  [FAIL] ${name}: ${found}`),
    damagedCount === 0 ? "  [ OK ] nothing is damaged" : `  [FAIL] ${damagedCount} files are damaged`,
  ];
}

function rangeOf(args: Arguments): VerifyRange {
  const timeline = args.string("timeline");
  if (timeline !== undefined && !/^[1-9]\d{0,9}$/.test(timeline)) {
    throw new PgrescueError("usage", `--timeline ${timeline} is not a timeline's number`);
  }
  const bound = (name: "from" | "until"): string | null => {
    const text = args.string(name)?.toUpperCase();
    if (text === undefined) return null;
    if (parseWalFileName(text)?.kind === "segment") return text;
    throw new PgrescueError("usage", `--${name} ${text} is not the name of a segment (24 hexadecimal digits)`);
  };
  return { timeline: timeline === undefined ? null : Number(timeline), from: bound("from"), until: bound("until") };
}
