import type { Command } from "./command.ts";

/** Every verb; its module is loaded when it is used, so that a start costs only what it needs. */
export const commands = {
  __broker: () => import("./broker.ts"),
  __runner: () => import("./runner.ts"),
  abort: () => import("./abort.ts"),
  attach: () => import("./attach.ts"),
  check: () => import("./check.ts"),
  completion: () => import("./completion.ts"),
  config: () => import("./config.ts"),
  doctor: () => import("./doctor.ts"),
  drill: () => import("./drill.ts"),
  expire: () => import("./expire.ts"),
  explain: () => import("./explain.ts"),
  "wal-fetch": () => import("./wal-fetch.ts"),
  "wal-push": () => import("./wal-push.ts"),
  "wal-verify": () => import("./wal-verify.ts"),
  backup: () => import("./backup.ts"),
  console: () => import("./console.ts"),
  copy: () => import("./copy.ts"),
  continue: () => import("./continue.ts"),
  demo: () => import("./demo.ts"),
  generate: () => import("./generate.ts"),
  history: () => import("./history.ts"),
  hold: () => import("./hold.ts"),
  init: () => import("./init.ts"),
  mark: () => import("./mark.ts"),
  metrics: () => import("./metrics.ts"),
  notify: () => import("./notify.ts"),
  plan: () => import("./plan.ts"),
  points: () => import("./points.ts"),
  recover: () => import("./recover.ts"),
  runbook: () => import("./runbook.ts"),
  schedule: () => import("./schedule.ts"),
  status: () => import("./status.ts"),
  release: () => import("./release.ts"),
  report: () => import("./report.ts"),
  unlock: () => import("./unlock.ts"),
  verify: () => import("./verify.ts"),
} satisfies Record<string, () => Promise<{ command: Command }>>;

type Verb = keyof typeof commands;

/** The command behind a verb; null when there is none. */
export async function findCommand(verb: string): Promise<Command | null> {
  return Object.hasOwn(commands, verb) ? (await commands[verb as Verb]()).command : null;
}
