import { hostname } from "node:os";
import { send } from "../adapters/notify/send.ts";
import { systemClock } from "../adapters/system/clock.ts";
import { createShell } from "../adapters/system/exec.ts";
import { messageOf, PgrescueError } from "../domain/errors.ts";
import { notifyEvents, type Notification, type NotifyEvent } from "../domain/notification.ts";
import type { Command } from "./command.ts";
import { openSettings } from "./settings.ts";

export const command: Command = {
  summary: "send a test message to everybody that `notify` in the configuration names",
  usage: "notify [--event EVENT]",
  description:
    "Messages about runs are sent by themselves. This tries whether they arrive: everybody is told, whatever they want\nto hear of, that it is a test. Exit codes: 0, and 40 where somebody could not be told.",
  options: {
    event: { type: "string", choices: notifyEvents, summary: "which event it shall look like (default failure)" },
  },
  examples: ["pgrescue notify", "pgrescue notify --event recovered"],
  run: async (args, terminal) => {
    const settings = await openSettings(args, terminal);
    const targets = settings.loaded.config.notify;
    if (targets.length === 0)
      throw new PgrescueError("config", `nobody to notify in ${settings.loaded.file ?? "any configuration file"}`, {
        next: "Add `notify: [{kind: webhook, urlFile: /etc/pgrescue/hook}]`.",
      });
    const message = testMessage((args.string("event") ?? "failure") as NotifyEvent, settings.clusterName ?? "test");
    const results: { kind: string; told: boolean; error: string | null }[] = [];
    for (const target of targets) {
      const error = await send(target, message, { shell: createShell(), env: terminal.env }).then(
        () => null,
        (failure: unknown) => messageOf(failure),
      );
      results.push({ kind: target.kind, told: error === null, error });
      if (!args.flag("json"))
        terminal.print(error === null ? `[ OK ] ${target.kind}: told` : `[FAIL] ${target.kind}: ${error}`);
    }
    if (args.flag("json")) terminal.print(JSON.stringify({ schema: "pgrescue.notify/v1", results }));
    return results.every(({ told }) => told) ? 0 : 40;
  },
};

function testMessage(event: NotifyEvent, cluster: string): Notification {
  return {
    event,
    run: "R00000000-0000-000",
    cluster,
    kind: "backup",
    host: hostname(),
    at: systemClock.now(),
    exitCode: event === "failure" ? 40 : event === "start" ? null : 0,
    subject: `[pgrescue] ${cluster}: this is a test (${event})`,
    lines: [`This is a test of pgrescue's notifications from ${hostname()}. Nothing has happened.`],
  };
}
