import { hostname } from "node:os";
import { compose } from "../compose.ts";
import { PgrescueError } from "../domain/errors.ts";
import { instant, parseInstant, shortInstant, type Instant } from "../domain/instant.ts";
import { parseDuration } from "../domain/quantity.ts";
import { keepingOf } from "../engine/retention/judge-repository.ts";
import { runAsOwner } from "./as-owner.ts";
import type { Arguments, Command } from "./command.ts";
import { openHoldPlaces, pointArgument } from "./hold-places.ts";
import { currentActor } from "./run/actor.ts";
import { openSettings, requireCluster } from "./settings.ts";

export const command: Command = {
  summary: "keep a point, or everything, whatever the policy says",
  usage: "hold POINT|everything --reason TEXT [--until WHEN]",
  description:
    "The hold lies in the repository, so that every host that expires there sees it. A held base backup keeps all\nWAL behind it, too. It stays until `pgrescue release`, or until the moment that is named.",
  options: {
    reason: { type: "string", value: "TEXT", summary: "why; shown wherever the point is kept for it" },
    owner: { type: "string", value: "WHO", summary: "who asked for it (default user@host)" },
    until: { type: "string", value: "WHEN", summary: "when it ends by itself: 30d, or a time with an offset" },
    "dry-run": { type: "boolean", summary: "say what would be held, change nothing" },
  },
  examples: [
    "pgrescue hold 20261120T010411Z-base --reason 'ticket 4711' --until 30d",
    "pgrescue hold everything --reason 'incident, do not expire anything'",
  ],
  positionals: { min: 1, max: 1 },
  run: async (args, terminal) => {
    const settings = requireCluster(await openSettings(args, terminal));
    const reason = args.string("reason");
    if (reason === undefined || reason.trim() === "")
      throw new PgrescueError("usage", "a hold needs a reason", { next: "Say why with --reason TEXT." });
    const point = pointArgument(args);
    const code = await runAsOwner("hold", args, settings, terminal);
    if (code !== null) return code;
    const world = compose(settings, terminal.env);
    const now = world.clock.now();
    const actor = await currentActor(terminal.env);
    const hold = {
      cluster: settings.clusterName,
      point,
      run: null,
      reason,
      owner: args.string("owner") ?? `${actor.user}@${hostname()}`,
      since: now,
      until: untilOf(args, now),
    };
    const places = await openHoldPlaces(settings, world, point);
    for (const repository of places) {
      if (!args.flag("dry-run")) await keepingOf(repository).hold(hold);
      terminal.log(
        `${args.flag("dry-run") ? "would hold" : "held"} ${point ?? "everything"} in ${repository.name}${hold.until === null ? "" : ` until ${shortInstant(hold.until)} UTC`}`,
      );
    }
    if (args.flag("json"))
      terminal.print(
        JSON.stringify({ schema: "pgrescue.hold/v1", point, reason, repositories: places.map((r) => r.name) }),
      );
    return 0;
  },
};

function untilOf(args: Arguments, now: Instant): Instant | null {
  const text = args.string("until");
  if (text === undefined) return null;
  const seconds = parseDuration(text);
  const at = seconds === null ? parseInstant(text) : instant(now + BigInt(Math.round(seconds)) * 1_000_000n);
  if (at === null || at <= now)
    throw new PgrescueError("usage", `--until ${text} is not a moment to come`, {
      next: "Write a duration like 30d, or a time with its offset like 2027-01-31T00:00Z.",
    });
  return at;
}
