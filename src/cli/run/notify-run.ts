import type { Config } from "../../adapters/config/schema.ts";
import { send, type SendOptions } from "../../adapters/notify/send.ts";
import { messageOf } from "../../domain/errors.ts";
import { instant } from "../../domain/instant.ts";
import { eventOf, notificationOf, previousOf, type Notification } from "../../domain/notification.ts";
import { mergeRecords, recordOf, type RunRecord } from "../../domain/run/record.ts";
import type { RunState } from "../../domain/run/state.ts";
import { listRuns } from "../../adapters/journal/run-directory.ts";
import type { World } from "../../engine/world.ts";
import { openRunRecord } from "./find-run.ts";

type Target = Config["notify"][number];

/** Journals of this host that are looked into. */
const mostLookedAt = 30;

/** How far back the last run of the same work is looked for, in microseconds. */
const memory = 60n * 86_400_000_000n;

/** Tells those who want to know of this. What goes wrong is said, and never a reason for anything else to fail. */
async function notifyAll(
  targets: readonly Target[],
  message: Notification,
  options: SendOptions,
  say: (text: string) => void,
): Promise<void> {
  const wanted = targets.filter(
    ({ on, clusters, runs }) =>
      on.includes(message.event) &&
      (clusters === undefined || clusters.includes(message.cluster)) &&
      (runs === undefined || (runs as readonly string[]).includes(message.kind)),
  );
  await Promise.all(
    wanted.map((target) =>
      send(target, message, options).catch((error: unknown) =>
        say(`the ${target.kind} was not told of ${message.run} (${message.event}): ${messageOf(error)}`),
      ),
    ),
  );
}

/** Says that a run begins. */
export async function notifyStart(
  targets: readonly Target[],
  state: RunState,
  world: World,
  env: SendOptions["env"],
): Promise<void> {
  const record = recordOf(state);
  if (targets.length === 0 || record === null) return;
  const message = notificationOf("start", record, world.clock.now());
  await notifyAll(targets, message, { shell: world.shell, env }, toLog);
}

/** Says how a run ended. */
export async function notifyEnd(
  targets: readonly Target[],
  state: RunState,
  world: World,
  env: SendOptions["env"],
  stateDirectory: string,
): Promise<void> {
  const record = recordOf(state);
  if (targets.length === 0 || record === null) return;
  const all = mergeRecords([await earlierHere(record, stateDirectory), await earlier(record, world)]);
  const event = eventOf(record, previousOf(record, all));
  if (event === null) return;
  const { means, next } = state.outcome ?? {};
  const message = notificationOf(event, record, world.clock.now(), {
    ...(means === undefined || event !== "failure" ? {} : { means }),
    ...(next === undefined || event !== "failure" ? {} : { next }),
  });
  await notifyAll(targets, message, { shell: world.shell, env }, toLog);
}

/** The last runs of this host: their journals know how they ended before the repository does. */
async function earlierHere(record: RunRecord, stateDirectory: string): Promise<readonly RunRecord[]> {
  const found: RunRecord[] = [];
  const ids = await listRuns(stateDirectory).catch(() => []);
  for (const id of ids.filter((other) => other !== record.run).slice(0, mostLookedAt)) {
    const run = await openRunRecord(stateDirectory, id).catch(() => null);
    const other = run === null ? null : recordOf(run.state);
    // One that is at work now says nothing yet.
    if (other !== null && other.endedAt !== null) found.push(other);
  }
  return found;
}

/** The runs of all hosts, from the repository that this one worked with; none where it cannot be read. */
async function earlier(record: RunRecord, world: World): Promise<readonly RunRecord[]> {
  if (record.repository === null) return [];
  try {
    const since = instant(record.openedAt - memory);
    return (await (await world.repository(record.repository)).runs?.(record.cluster, { since, limit: 500 })) ?? [];
  } catch {
    return [];
  }
}

/** The runner's log. */
function toLog(text: string): void {
  process.stderr.write(`${text}\n`);
}
