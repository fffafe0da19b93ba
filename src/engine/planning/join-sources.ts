import type { WalInventory } from "../../domain/coverage.ts";
import { messageOf, PgrescueError } from "../../domain/errors.ts";
import { joinInventories, joinRanges } from "../../domain/inventory.ts";
import type { Repository } from "../../ports/repository.ts";
import type { WalSource } from "../../ports/wal-reader.ts";

/** WAL that never reached an archive, lying in a directory: pg_wal of a dead server. Matches what adapters/wal opens. */
export interface LocalWal {
  inventory(): Promise<Pick<WalInventory, "ranges" | "histories" | "others">>;
  fetch(name: string): Promise<Uint8Array | null>;
}

/** One source of several: a segment comes from the first that has it sound; the first trouble is thrown when none has. */
function joinSources(sources: readonly WalSource[], systemIdentifier: string, segmentSize: number): WalSource {
  const empty: WalInventory = { systemIdentifier, segmentSize, ranges: [], histories: [], others: [] };
  return {
    inventory: sources.reduce((all, { inventory }) => joinInventories(all, inventory), empty),
    async fetch(name) {
      let trouble: unknown = null;
      for (const source of sources) {
        try {
          const bytes = await source.fetch(name);
          if (bytes !== null) return bytes;
        } catch (error) {
          trouble ??= error;
        }
      }
      if (trouble !== null) throw trouble;
      return null;
    },
  };
}

/** The WAL of one system in all repositories that can be read, and in a local directory; what cannot be read becomes a warning. */
export async function openWal(
  repositories: readonly Repository[],
  local: LocalWal | null,
  cluster: string,
  systemIdentifier: string,
  segmentSize: number,
): Promise<{ readonly source: WalSource; readonly warnings: readonly string[] }> {
  const sources: WalSource[] = [];
  const warnings: string[] = [];
  for (const repository of repositories) {
    try {
      const archive = repository.wal(cluster, systemIdentifier);
      const inventory = await archive.inventory();
      if (inventory.ranges.length > 0 && inventory.segmentSize !== segmentSize) {
        warnings.push(
          `the wal in ${repository.name} has segments of ${inventory.segmentSize} bytes instead of ${segmentSize}; it is left out`,
        );
        continue;
      }
      sources.push({ inventory: { ...inventory, segmentSize }, fetch: (name) => archive.fetch(name) });
    } catch (error) {
      if (repositories.length === 1 && local === null && error instanceof PgrescueError) throw error;
      warnings.push(`the wal in ${repository.name} could not be listed: ${messageOf(error)}`);
    }
  }
  if (local !== null) {
    try {
      const found = await local.inventory();
      sources.push({
        inventory: { systemIdentifier, segmentSize, ...found, ranges: joinRanges(found.ranges) },
        fetch: (name) => local.fetch(name),
      });
    } catch (error) {
      warnings.push(`pg_wal on this host could not be read: ${messageOf(error)}`);
    }
  }
  return { source: joinSources(sources, systemIdentifier, segmentSize), warnings };
}
