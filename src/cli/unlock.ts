import { compose, type Composition } from "../compose.ts";
import { PgrescueError } from "../domain/errors.ts";
import { formatInstant } from "../domain/instant.ts";
import { judgeLease, leaseWords, stalePeriods, type Lease, type LeaseJudgement } from "../domain/lease.ts";
import { formatDuration } from "../domain/quantity.ts";
import { leaseTaken } from "../engine/lease/errors.ts";
import { createLeaseWatch } from "../engine/lease/watch.ts";
import type { Leasing, SeenLease } from "../ports/leasing.ts";
import { runAsOwner } from "./as-owner.ts";
import type { Command, Terminal } from "./command.ts";
import { holderIsGone } from "./run/run-leases.ts";
import { openSettings, requireCluster, type Settings } from "./settings.ts";

export const command: Command = {
  summary: "explain who has a repository locked; with --apply break the lock of a dead run",
  usage: "unlock [--apply]",
  description:
    "Changes nothing without --apply. With it, a lock is broken only when its run is certainly dead: its process is gone\nfrom this host, or the lock was watched without being renewed for three of its periods (3 min). Exit code 11 where the run lives.",
  options: {
    apply: { type: "boolean", summary: "break it, once it is certain that its run is dead" },
    "dry-run": { type: "boolean", summary: "explain only, which is what happens without --apply" },
  },
  examples: ["pgrescue unlock                # who has it, and whether that still lives", "pgrescue unlock --apply"],
  run: async (args, terminal) => {
    const settings = requireCluster(await openSettings(args, terminal));
    const apply = args.flag("apply") && !args.flag("dry-run");
    const code = await runAsOwner("unlock", args, settings, terminal);
    if (code !== null) return code;
    const world = compose(settings, terminal.env);
    const found: object[] = [];
    for (const place of await placesOf(settings, world)) {
      const { lease } = place.seen;
      const judgement = lease === null ? null : await judgeNow(lease, world);
      for (const line of explain(place.name, lease, judgement)) terminal.log(line);
      const isBroken = apply && lease !== null && judgement !== null;
      if (isBroken) await breakLease(place, settings.clusterName, lease, judgement, world, terminal);
      found.push({
        repository: place.name,
        state: judgement?.state ?? "free",
        holder: lease?.holder ?? null,
        since: lease === null ? null : formatInstant(lease.since),
        renewedAt: lease === null ? null : formatInstant(lease.renewedAt),
        evidence: judgement?.evidence ?? null,
        broken: isBroken,
      });
    }
    if (args.flag("json"))
      terminal.print(
        JSON.stringify({ schema: "pgrescue.unlock/v1", cluster: settings.clusterName, repositories: found }),
      );
    return 0;
  },
};

interface Place {
  readonly name: string;
  readonly leasing: Leasing;
  readonly seen: SeenLease;
}

async function placesOf(
  settings: Settings & { readonly clusterName: string },
  world: Composition,
): Promise<readonly Place[]> {
  const places: Place[] = [];
  for (const { name } of settings.repositories) {
    const { leasing } = await world.repository(name);
    if (leasing !== undefined) places.push({ name, leasing, seen: await leasing.observe(settings.clusterName) });
  }
  return places;
}

async function judgeNow(lease: Lease, world: Composition): Promise<LeaseJudgement> {
  return judgeLease(lease, world.clock.now(), await holderIsGone(lease.holder));
}

function explain(name: string, lease: Lease | null, judgement: LeaseJudgement | null): readonly string[] {
  if (lease === null || judgement === null) return [`${name}: nobody has it locked`];
  const advice = {
    held: "  its run seems to live: wait for it, or stop it on its host",
    silent: "  its run seems dead, by the clocks: --apply watches the lock first",
    dead: "  its run is dead: --apply breaks the lock",
  }[judgement.state];
  return [
    `${name}: locked by ${leaseWords(lease)}`,
    `  ${judgement.evidence}`,
    advice,
    `  on ${lease.holder.host}, \`pgrescue continue ${lease.holder.run}\` goes on with it and takes the lock over`,
  ];
}

/** Frees a lease that is certainly dead. Throws `locked` where it is renewed meanwhile. */
async function breakLease(
  { name, leasing, seen }: Place,
  cluster: string,
  lease: Lease,
  judgement: LeaseJudgement,
  world: Composition,
  terminal: Terminal,
): Promise<void> {
  const needed = judgement.state === "dead" ? 0 : stalePeriods * lease.periodSeconds * 1000;
  if (needed > 0) terminal.log(`  watching it for ${formatDuration(needed / 1000)} ...`);
  const watch = createLeaseWatch(world.clock);
  const alive = (now: Lease): PgrescueError =>
    leaseTaken(name, now, { state: "held", evidence: "it was renewed while this command watched" });
  for (;;) {
    const now = await leasing.observe(cluster);
    if (now.version !== seen.version) {
      if (now.lease === null) return;
      throw alive(now.lease);
    }
    if (watch.saw(name, now) >= needed) break;
    await world.clock.sleep(Math.min(1000, needed));
  }
  if ((await leasing.replace(cluster, null, seen)) === null) throw alive(lease);
  terminal.log(`  ${name} is free`);
}
