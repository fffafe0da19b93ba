import { formatLsn } from "../../domain/lsn.ts";
import { segmentName } from "../../domain/segment.ts";
import type { WalInventory } from "../../domain/coverage.ts";
import type { TimelineHistory } from "../../domain/timeline.ts";
import type { PreparedWal, RecoveryWal, RecoveryWalRequest } from "../../ports/recovery-wal.ts";
import type { Repository } from "../../ports/repository.ts";
import { fetchConfigDefaults, type FetchConfig, type FetchRepository } from "./fetch-config.ts";
import { generateRestoreCommand } from "./restore-command.ts";
import { openSavedWal } from "./saved-wal.ts";
import { clearSpool, prepareSpool } from "./spool.ts";

export interface RecoveryWalOptions {
  /** Node and script as the owner of the data directory can run them. */
  readonly node: string;
  readonly script: string;
  /** Opens a configured repository by name or URL. */
  repository(name: string): Promise<Repository>;
  /** The repository's entry for fetch.json: URL and options, never a secret. */
  describe(name: string): FetchRepository;
}

/** Writes what a recovery's restore_command works from, and gives the line. */
export function createRecoveryWal(options: RecoveryWalOptions): RecoveryWal {
  return {
    prepare: async (request) => {
      const config = await fetchConfigFor(request, options);
      const spool = await prepareSpool(config);
      const { node, script } = options;
      return { restoreCommand: generateRestoreCommand({ node, script, spool }), spool } satisfies PreparedWal;
    },
    finish: clearSpool,
  };
}

async function fetchConfigFor(request: RecoveryWalRequest, options: RecoveryWalOptions): Promise<FetchConfig> {
  const { cluster, systemIdentifier, segmentSize, timeline } = request;
  const places = await openAll(request, options);
  const opened = places.flatMap((place) => (place === null ? [] : [place.repository]));
  const inventories = places.flatMap((place) => (place === null ? [] : [place.inventory]));
  const history =
    inventories.flatMap((i) => i.histories).find((h) => h.timeline === timeline) ?? (await savedHistory(request));
  const isWhole = history !== null || timeline === 1;
  return {
    ...fetchConfigDefaults,
    cluster,
    systemIdentifier,
    segmentSize,
    dataDirectory: request.dataDirectory,
    // As it was recognised: a start per segment cannot afford to find out again.
    repositories: request.repositories.map((name, at) => ({
      ...options.describe(name),
      format: places[at]?.repository.format ?? options.describe(name).format,
    })),
    target: isWhole
      ? {
          timeline,
          switches: (history?.switches ?? []).map((s) => ({ parent: s.parent, switchedAt: formatLsn(s.switchedAt) })),
        }
      : null,
    backup: await backupWithWal(request, opened),
    known: inventories.flatMap((i) =>
      i.ranges.map((r) => ({
        from: segmentName(r.timeline, r.from, i.segmentSize),
        until: segmentName(r.timeline, r.until, i.segmentSize),
      })),
    ),
    savedWal: request.savedWal === null ? [] : [request.savedWal],
  };
}

interface OpenedPlace {
  readonly repository: Repository;
  readonly inventory: WalInventory;
}

/** Opens and lists every place; null for one that fails while another does not: fetching will try it all the same. */
async function openAll(
  request: RecoveryWalRequest,
  options: RecoveryWalOptions,
): Promise<readonly (OpenedPlace | null)[]> {
  const { cluster, systemIdentifier } = request;
  const results = await Promise.allSettled(
    request.repositories.map(async (name): Promise<OpenedPlace> => {
      const repository = await options.repository(name);
      return { repository, inventory: await repository.wal(cluster, systemIdentifier).inventory() };
    }),
  );
  if (!results.some(({ status }) => status === "fulfilled"))
    for (const result of results) if (result.status === "rejected") throw result.reason;
  return results.map((result) => (result.status === "fulfilled" ? result.value : null));
}

/** A server that died soon after its promotion has not archived the history of its own timeline: only its pg_wal has it. */
async function savedHistory(request: RecoveryWalRequest): Promise<TimelineHistory | null> {
  if (request.savedWal === null || request.timeline === 1) return null;
  const { histories } = await openSavedWal(request.savedWal, request.systemIdentifier).inventory();
  return histories.find((h) => h.timeline === request.timeline) ?? null;
}

/** The chosen backup where it holds the WAL of its own time; null where an archive does. */
async function backupWithWal(
  request: RecoveryWalRequest,
  repositories: readonly Repository[],
): Promise<FetchConfig["backup"]> {
  const { cluster, systemIdentifier } = request;
  for (const repository of repositories) {
    for await (const { id, walIncluded } of repository.points({ cluster, systemIdentifier })) {
      if (id === request.point) return walIncluded ? { repository: repository.name, point: id } : null;
    }
  }
  return null;
}
