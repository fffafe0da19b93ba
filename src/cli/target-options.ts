import { PgrescueError } from "../domain/errors.ts";
import type { Instant } from "../domain/instant.ts";
import { targetFrom } from "../domain/target-choice.ts";
import type { TargetRequest } from "../domain/target.ts";
import type { Arguments, OptionSpecs } from "./command.ts";

/** How a target is said on the command line; Barman's and pgBackRest's spellings are accepted where they differ. */
export const targetOptions = {
  "target-time": {
    type: "string",
    value: "TIME",
    summary: 'stop at that time: ISO 8601 with an offset, "10 minutes ago", "yesterday 14:30 +02:00"',
  },
  "target-xid": { type: "string", value: "XID", summary: "stop after that transaction (with --exclusive: before it)" },
  "target-before-xid": {
    type: "string",
    value: "XID",
    summary: "stop just before that transaction: undoes it and all that came later",
  },
  "target-lsn": { type: "string", value: "LSN", summary: "stop at that position in the WAL" },
  "target-name": { type: "string", value: "NAME", summary: "stop at that restore point (pg_create_restore_point)" },
  latest: { type: "boolean", summary: "everything there is" },
  immediate: {
    type: "boolean",
    summary: "the end of the backup, as soon as it is consistent",
    aliases: ["target-immediate"],
  },
  exclusive: { type: "boolean", summary: "stop before the target instead of after it", aliases: ["target-exclusive"] },
  "target-timeline": {
    type: "string",
    value: "N",
    summary: "the timeline to follow; found from the archive where it is not said",
    aliases: ["target-tli"],
  },
  "target-action": {
    type: "string",
    value: "ACTION",
    summary: "what happens there",
    choices: ["pause", "promote"],
  },
  type: { type: "string", value: "TYPE", summary: "pgBackRest's way: the type of --target", hidden: true },
  target: { type: "string", value: "TARGET", summary: "pgBackRest's way: the target of --type", hidden: true },
} as const satisfies OptionSpecs;

/** The target that the command line says; null when it says none. Throws `usage` with what is wrong and how to say it. */
export function readTarget(args: Arguments, now: Instant): TargetRequest | null {
  const said = {
    time: args.string("target-time"),
    xid: args.string("target-xid"),
    beforeXid: args.string("target-before-xid"),
    lsn: args.string("target-lsn"),
    name: args.string("target-name"),
    immediate: args.flag("immediate"),
    latest: args.flag("latest"),
    exclusive: args.flag("exclusive"),
    timeline: args.string("target-timeline"),
    type: args.string("type"),
    value: args.string("target"),
  };
  const target = targetFrom(said, now, -new Date().getTimezoneOffset());
  if (target !== null && "problem" in target) throw new PgrescueError("usage", target.problem, { next: target.hint });
  if (target === null && said.timeline !== undefined)
    throw new PgrescueError("usage", "a timeline without a target", {
      next: "Add --latest for the end of that timeline, or another target.",
    });
  return target;
}
