import { formatInstant, type Instant } from "../instant.ts";
import { slotName } from "../slot.ts";

/** An entry of `schedule` in the configuration. */
export interface ScheduleEntry {
  readonly name?: string | undefined;
  readonly cluster: string;
  readonly at: string;
  readonly timeZone: string;
  readonly backup?: "base" | "incremental" | "dump" | undefined;
  readonly databases?: readonly string[] | undefined;
  readonly keep?: string | undefined;
  readonly copy?: string | undefined;
  readonly expire?: true | undefined;
  readonly check?: true | undefined;
  readonly verify?: "bytes" | "restore" | "dump" | undefined;
  readonly drill?: string | undefined;
  readonly jitter?: string | undefined;
  readonly missed: "run" | "skip";
}

/** What an entry does, ready to be started. */
export interface ScheduledWork {
  /** Unlike any other entry's: letters, digits, `.`, `_`, `-`. */
  readonly name: string;
  readonly entry: ScheduleEntry;
  /** For people: `base backup of shop`. */
  readonly words: string;
  /** The kind of run that tells whether a slot was done; null: that cannot be caught up. */
  readonly proof: "backup" | "copy" | "expiry" | "drill" | null;
  /** The command line behind the program's name; `slot` null: by hand. */
  command(slot: Instant | null): readonly string[];
  /** Under which name a backup for a slot is kept; null for other work. */
  slotName(slot: Instant): string | null;
}

/** Entries as work, each with a name of its own; those that nothing can be done for are told instead. */
export function workOf(entries: readonly ScheduleEntry[]): {
  readonly work: readonly ScheduledWork[];
  readonly unable: readonly string[];
} {
  const work: ScheduledWork[] = [];
  const unable: string[] = [];
  const taken = new Set<string>();
  for (const entry of entries) {
    const described = describe(entry);
    if (typeof described === "string") {
      unable.push(described);
      continue;
    }
    const { what, words, proof, command, kind } = described;
    const base = entry.name ?? `${entry.cluster}-${what}`.replaceAll(/[^A-Za-z0-9._-]/g, "_");
    let name = base;
    for (let n = 2; taken.has(name); n++) name = `${base}-${n}`;
    taken.add(name);
    work.push({
      name,
      entry,
      words,
      proof,
      command: (slot) => [
        ...command,
        "--cluster",
        entry.cluster,
        ...(kind === null || slot === null ? [] : ["--slot", formatSlot(slot)]),
      ],
      slotName: (slot) => (kind === null ? null : slotName(kind, entry.databases ?? null, slot)),
    });
  }
  return { work, unable };
}

interface Described {
  readonly what: string;
  readonly words: string;
  readonly proof: ScheduledWork["proof"];
  readonly command: readonly string[];
  /** Of a backup that bears a slot. */
  readonly kind: "base" | "dump" | null;
}

function describe(entry: ScheduleEntry): Described | string {
  const { cluster, backup, databases, keep, copy, expire, check, verify, drill } = entry;
  const keeping = keep === undefined ? [] : ["--keep", keep];
  const other = (what: string, words: string, proof: ScheduledWork["proof"], ...command: readonly string[]) => ({
    what,
    words,
    proof,
    command,
    kind: null,
  });
  if (backup === "base")
    return { ...other("base", `base backup of ${cluster}`, "backup", "backup", ...keeping), kind: "base" };
  if (backup === "dump") {
    const names = databases ?? [];
    const words = `dump of ${names.length === 0 ? cluster : `${names.join(", ")} of ${cluster}`}`;
    const chosen = names.flatMap((name) => ["--database", name]);
    return { ...other("dump", words, "backup", "backup", "--kind", "dump", ...chosen, ...keeping), kind: "dump" };
  }
  if (backup !== undefined) return `${backup} backups of ${cluster} cannot be taken yet`;
  if (copy !== undefined) return other(`copy-${copy}`, `copy of ${cluster} to ${copy}`, "copy", "copy", "--to", copy);
  if (expire === true) return other("expire", `expiry of ${cluster}`, "expiry", "expire", "--apply");
  if (check === true) return other("check", `check of ${cluster}`, null, "check");
  if (verify === "restore") return other("verify", `test restore of ${cluster}`, null, "verify", "--restore");
  if (verify === "dump")
    return other("verify-dump", `test restore of a dump of ${cluster}`, null, "verify", "dump", "--restore");
  if (verify === "bytes") return other("verify", `verification of ${cluster}`, null, "verify");
  return other(`drill-${drill ?? ""}`, `drill ${drill ?? ""} of ${cluster}`, "drill", "drill", drill ?? "");
}

/** A slot as `--slot` takes it. */
function formatSlot(slot: Instant): string {
  return `${formatInstant(slot).slice(0, 19)}Z`;
}
