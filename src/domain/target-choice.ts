import type { Instant } from "./instant.ts";
import { parseLsn } from "./lsn.ts";
import type { TimelineId } from "./segment.ts";
import { parseTargetTime } from "./target-time.ts";
import type { Target, TargetRequest } from "./target.ts";

/** A target as it was typed; several sources fill it: our options, Barman's and pgBackRest's, the console's field. */
export interface SaidTarget {
  readonly time?: string | undefined;
  readonly xid?: string | undefined;
  readonly beforeXid?: string | undefined;
  readonly lsn?: string | undefined;
  readonly name?: string | undefined;
  readonly immediate?: boolean | undefined;
  readonly latest?: boolean | undefined;
  readonly exclusive?: boolean | undefined;
  readonly timeline?: string | undefined;
  /** pgBackRest's --type and --target. */
  readonly type?: string | undefined;
  readonly value?: string | undefined;
}

/** What is wrong with a target and how to say it right (a full sentence). */
export interface TargetProblem {
  readonly problem: string;
  readonly hint: string;
}

const typed = {
  time: (value) => ({ time: value }),
  xid: (value) => ({ xid: value }),
  lsn: (value) => ({ lsn: value }),
  name: (value) => ({ name: value }),
  immediate: () => ({ immediate: true }),
  default: () => ({ latest: true }),
} satisfies Record<string, (value: string | undefined) => SaidTarget>;

/** Reads what was said; null when no target was named at all. Exactly one may be. */
export function targetFrom(
  said: SaidTarget,
  now: Instant,
  zoneOffsetMinutes = 0,
): TargetRequest | TargetProblem | null {
  if (said.type !== undefined) {
    if (!Object.hasOwn(typed, said.type))
      return { problem: `target type ${said.type} is not known`, hint: `Types are ${Object.keys(typed).join(", ")}.` };
    const { type, value, ...rest } = said;
    const more = typed[type as keyof typeof typed](value);
    if (Object.values(more).some((v) => v === undefined))
      return { problem: `type ${type} without a target`, hint: "Give the value with --target." };
    return targetFrom({ ...rest, ...more }, now, zoneOffsetMinutes);
  }
  if (said.value !== undefined)
    return {
      problem: "a target without its type",
      hint: "Write --target-time, --target-xid, --target-lsn or --target-name, or give --type, too.",
    };
  const given = (["time", "xid", "beforeXid", "lsn", "name", "immediate", "latest"] as const).filter(
    (kind) => said[kind] !== undefined && said[kind] !== false,
  );
  if (given.length > 1)
    return {
      problem: `two targets are given, ${given.map(spelled).join(" and ")}`,
      hint: "Choose exactly one; PostgreSQL would refuse to start with two.",
    };
  const [kind] = given;
  const exclusive = said.exclusive === true;
  const timeline = timelineFrom(said.timeline);
  if (timeline !== null && typeof timeline === "object") return timeline;
  if (kind === undefined)
    return exclusive
      ? { problem: "--exclusive without a target", hint: "Name the time, xid or lsn to stop before." }
      : null;
  if (exclusive && (kind === "immediate" || kind === "latest" || kind === "name"))
    return { problem: `--exclusive does not fit ${spelled(kind)}`, hint: "It goes with a time, an xid or an lsn." };
  const target = one(kind, said, now, zoneOffsetMinutes);
  return "problem" in target ? target : { target, inclusive: !(exclusive || kind === "beforeXid"), timeline };
}

function one(
  kind: "time" | "xid" | "beforeXid" | "lsn" | "name" | "immediate" | "latest",
  said: SaidTarget,
  now: Instant,
  zoneOffsetMinutes: number,
): Target | TargetProblem {
  switch (kind) {
    case "time": {
      const reading = parseTargetTime(said.time ?? "", now, zoneOffsetMinutes);
      return "at" in reading ? { kind, time: reading.at } : reading;
    }
    case "xid":
    case "beforeXid":
      return xidFrom(said[kind] ?? "");
    case "lsn": {
      const at = parseLsn(said.lsn ?? "");
      return at === null
        ? {
            problem: `${JSON.stringify(said.lsn)} is not a position in the WAL`,
            hint: "Positions look like 0/9E000028.",
          }
        : { kind, lsn: at };
    }
    case "name": {
      const name = said.name ?? "";
      // MAXFNAMELEN in access/xlog_internal.h, the terminating zero included.
      return name === "" || new TextEncoder().encode(name).length > 63
        ? {
            problem: "the restore point's name is empty or longer than 63 bytes",
            hint: "Names are what pg_create_restore_point was given.",
          }
        : { kind, name };
    }
    case "immediate":
    case "latest":
    default:
      return { kind };
  }
}

/** A transaction id, also as pg_current_xact_id() shows it, with its epoch. */
function xidFrom(text: string): Target | TargetProblem {
  const whole = /^\d{1,20}$/.test(text.trim()) ? BigInt(text.trim()) : 0n;
  const xid = Number(whole & 0xffff_ffffn);
  return xid < 3
    ? {
        problem: `${JSON.stringify(text)} is not a transaction id`,
        hint: "Transaction ids are decimal numbers from 3 on.",
      }
    : { kind: "xid", xid };
}

function timelineFrom(text: string | undefined): TimelineId | null | TargetProblem {
  if (text === undefined || text === "latest") return null;
  const value = /^\d{1,10}$/.test(text)
    ? Number(text)
    : /^0x[0-9a-f]{1,8}$/i.test(text)
      ? Number.parseInt(text, 16)
      : 0;
  return value >= 1 && value <= 0xffff_ffff
    ? value
    : {
        problem: `${JSON.stringify(text)} is not a timeline`,
        hint: "Timelines are numbers; `pgrescue points` shows those that there are.",
      };
}

function spelled(kind: string): string {
  return kind === "immediate" || kind === "latest"
    ? `--${kind}`
    : kind === "beforeXid"
      ? "--target-before-xid"
      : `--target-${kind}`;
}
