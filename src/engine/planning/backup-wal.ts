import { joinInventories, rangesOf } from "../../domain/inventory.ts";
import type { RecoveryPoint } from "../../domain/recovery-point.ts";
import { parseWalFileName, segmentNumberOf, segmentOf, type SegmentNumber } from "../../domain/segment.ts";
import type { BackupReader, Repository } from "../../ports/repository.ts";
import type { WalSource } from "../../ports/wal-reader.ts";

/** A source that also reads the WAL that lies inside backups, which only their own recovery can fetch. */
export function withBackupWal(
  source: WalSource,
  points: readonly RecoveryPoint[],
  repositories: readonly Repository[],
): WalSource {
  const including = points.filter((p) => p.walIncluded && p.segmentSize === source.inventory.segmentSize);
  if (including.length === 0) return source;
  const { segmentSize, systemIdentifier } = source.inventory;
  const readers = new Map<string, Promise<BackupReader | null>>();
  const readerOf = (point: RecoveryPoint): Promise<BackupReader | null> => {
    const repository = repositories.find((r) => r.name === point.repository);
    const key = `${point.repository}/${point.cluster}/${point.id}`;
    const reader =
      readers.get(key) ?? (repository === undefined ? Promise.resolve(null) : repository.openBackup(point));
    readers.set(key, reader);
    return reader;
  };
  const own = {
    systemIdentifier,
    segmentSize,
    ranges: rangesOf(including.flatMap((p) => [...segmentsOf(p)])),
    histories: [],
    others: [],
  };
  return {
    inventory: joinInventories(source.inventory, own),
    async fetch(name) {
      const archived = await source.fetch(name);
      if (archived !== null) return archived;
      const number = segmentNumberOf(name, segmentSize);
      const file = parseWalFileName(name);
      if (number === null || file?.kind !== "segment") return null;
      for (const point of including) {
        if (
          point.timeline !== file.timeline ||
          number < segmentOf(point.startLsn, segmentSize) ||
          number > segmentOf(point.stopLsn, segmentSize)
        )
          continue;
        const bytes = await (await readerOf(point))?.wal(name);
        if (bytes !== null && bytes !== undefined) return bytes;
      }
      return null;
    },
  };
}

function* segmentsOf(point: RecoveryPoint): Generator<{ readonly timeline: number; readonly number: SegmentNumber }> {
  const last = segmentOf((point.stopLsn - 1n) as typeof point.stopLsn, point.segmentSize);
  for (
    let number = segmentOf(point.startLsn, point.segmentSize);
    number <= last;
    number = (number + 1n) as SegmentNumber
  )
    yield { timeline: point.timeline, number };
}
