import { hostname } from "node:os";
import { isDeepStrictEqual } from "node:util";
import { compose, type Composition } from "../compose.ts";
import type { Json } from "../domain/brand.ts";
import { PgrescueError } from "../domain/errors.ts";
import type { ExpiryInputs } from "../domain/plan.ts";
import { parseDuration } from "../domain/quantity.ts";
import type { RetentionPolicy } from "../domain/retention/policy.ts";
import { judgeRepository, keepingOf, type RepositoryJudgement } from "../engine/retention/judge-repository.ts";
import type { Repository } from "../ports/repository.ts";
import { runAsOwner } from "./as-owner.ts";
import type { Arguments, Command } from "./command.ts";
import { expiryDocument, expiryLines, type PolicyChange } from "./expiry-lines.ts";
import { policyOf } from "./policies.ts";
import { lockOptions } from "./run/lock-options.ts";
import { showOptions } from "./run/show-run.ts";
import { runUnattended } from "./run/unattended.ts";
import { openSettings, requireCluster, type Settings } from "./settings.ts";

export const command: Command = {
  summary: "remove backups and WAL that the policy no longer keeps; shows only, without --apply",
  usage: "expire [--apply] [--policy NAME]",
  description:
    "Says of each point and each stretch of WAL whether it stays and why. Ages count from the newest backup, not\nfrom the clock: where backups have stopped, old ones stay. The newest usable point, what is held, and what a\nrunning recovery needs always stay. A policy that has changed since it was last applied, and would now remove\nmore, is applied only with --accept-policy.",
  options: {
    apply: { type: "boolean", summary: "remove it" },
    policy: { type: "string", value: "NAME", summary: "by this policy instead of the configured one" },
    "accept-policy": { type: "boolean", summary: "the policy has changed, and its new verdicts were seen" },
    grace: {
      type: "string",
      value: "DURATION",
      summary: "how long an unfinished backup is left alone (default 1d)",
    },
    "dry-run": { type: "boolean", summary: "show only, which is what happens without --apply" },
    ...lockOptions,
    ...showOptions,
  },
  examples: [
    "pgrescue expire                       # what stays, what goes, and why; nothing is changed",
    "pgrescue expire --apply --headless    # for schedulers",
    "pgrescue expire --policy strict       # what another policy would do",
  ],
  run: async (args, terminal) => {
    const settings = await openSettings(args, terminal);
    const known = requireCluster(settings);
    const apply = args.flag("apply") && !args.flag("dry-run");
    const inputs = expiryInputsOf(known, args);
    if (apply) {
      const code = await runAsOwner("expire", args, settings, terminal);
      if (code !== null) return code;
    }
    const world = compose(settings, terminal.env);
    const { judgements, changes } = await judgeAll(inputs, world);
    if (!apply) {
      if (args.flag("json")) terminal.print(JSON.stringify(expiryDocument(inputs, judgements, changes)));
      else for (const line of expiryLines(inputs, judgements, changes)) terminal.print(line);
      return 0;
    }
    refuseUnseen(changes, args);
    const confirm = `${known.clusterName}@${hostname()}`;
    return await runUnattended(
      {
        kind: "expiry",
        cluster: known.clusterName,
        runbook: "expire",
        inputs: { ...inputs, repository: inputs.repositories[0] ?? null } as unknown as {
          readonly [key: string]: Json;
        },
        confirm,
        // --apply is the operator's word: it was typed, or stands in a schedule.
        answers: { confirm },
      },
      settings,
      args,
      terminal,
    );
  },
};

/** What `expire` was asked to do, as its run keeps it. */
export function expiryInputsOf(
  settings: Settings & { readonly clusterName: string },
  args: Pick<Arguments, "string">,
): ExpiryInputs {
  const grace = args.string("grace") ?? "1d";
  const graceSeconds = parseDuration(grace);
  if (graceSeconds === null)
    throw new PgrescueError("usage", `--grace ${grace} is not a duration`, { next: "Write it like 12h or 1d." });
  const chosen = settings.repositories.filter((r) => !r.readOnly);
  if (chosen.length === 0)
    throw new PgrescueError("config", `cluster ${settings.clusterName} has no repository that is written to`, {
      next: "Name one under clusters, repositories, or with --repository.",
    });
  const neighbours = settings.cluster?.repositories ?? [];
  return {
    method: "expire",
    cluster: settings.clusterName,
    repositories: chosen.map((r) => r.name),
    policies: chosen.map((r) => policyOf(settings, r, args.string("policy"))),
    neighbours: [...new Set([...chosen.map((r) => r.name), ...neighbours])],
    graceSeconds,
  };
}

async function judgeAll(
  inputs: ExpiryInputs,
  world: Composition,
): Promise<{ readonly judgements: readonly RepositoryJudgement[]; readonly changes: readonly PolicyChange[] }> {
  const judgements: RepositoryJudgement[] = [];
  const changes: PolicyChange[] = [];
  for (const [at, name] of inputs.repositories.entries()) {
    const policy = inputs.policies[at];
    if (policy === undefined) continue;
    const repository = await world.repository(name);
    const { others, unread } = await neighboursOf(repository, inputs, world);
    const judge = (by: RetentionPolicy): Promise<RepositoryJudgement> =>
      judgeRepository(repository, others, {
        cluster: inputs.cluster,
        policy: by,
        now: world.clock.now(),
        graceSeconds: inputs.graceSeconds,
        unread,
      });
    const judgement = await judge(policy);
    judgements.push(judgement);
    const before = await keepingOf(repository).appliedPolicy(inputs.cluster);
    if (before !== null && !isDeepStrictEqual(before, JSON.parse(JSON.stringify(policy))))
      changes.push(changeOf(judgement, await judge(before as unknown as RetentionPolicy), before));
  }
  return { judgements, changes };
}

async function neighboursOf(
  repository: Repository,
  inputs: ExpiryInputs,
  world: Composition,
): Promise<{ readonly others: readonly Repository[]; readonly unread: readonly string[] }> {
  const others: Repository[] = [];
  const unread: string[] = [];
  for (const name of inputs.neighbours) {
    if (name === repository.name) continue;
    try {
      others.push(await world.repository(name));
    } catch (error) {
      if (!(error instanceof PgrescueError)) throw error;
      unread.push(name);
    }
  }
  return { others, unread };
}

function changeOf(now: RepositoryJudgement, then: RepositoryJudgement, before: Json): PolicyChange {
  const keptThen = new Set(
    then.systems.flatMap((s) => s.points.filter((d) => d.action === "keep").map((d) => d.point.id)),
  );
  const all = now.systems.flatMap((s) => s.points);
  return {
    repository: now.repository,
    before,
    condemned: all.filter((d) => d.action === "delete" && keptThen.has(d.point.id)).map((d) => d.point.id),
    spared: all.filter((d) => d.action === "keep" && !keptThen.has(d.point.id)).map((d) => d.point.id),
  };
}

function refuseUnseen(changes: readonly PolicyChange[], args: Arguments): void {
  const change = changes.find((c) => c.condemned.length > 0);
  if (change === undefined || args.flag("accept-policy")) return;
  throw new PgrescueError(
    "precondition-refused",
    `the policy has changed since it was last applied to ${change.repository}: ${change.condemned.length} points that it kept would go`,
    {
      next: "Look at them with `pgrescue expire`, then run it with --apply --accept-policy.",
    },
  );
}
