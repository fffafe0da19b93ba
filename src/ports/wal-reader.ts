import type { WalInventory } from "../domain/coverage.ts";
import type { Lsn } from "../domain/lsn.ts";
import type { SegmentNumber, TimelineId } from "../domain/segment.ts";
import type { SegmentSummary } from "../domain/wal-event.ts";

/** A place with WAL, or several put together. `fetch` is WalArchive's: verified bytes, null for absence, `damaged-data`. */
export interface WalSource {
  readonly inventory: WalInventory;
  fetch(name: string): Promise<Uint8Array | null>;
}

/** A segment on one timeline. */
export interface SegmentAddress {
  readonly timeline: TimelineId;
  readonly number: SegmentNumber;
}

/** Understands WAL: our own, minimal pg_waldump. */
export interface WalReader {
  /**
   * What a segment says; null when the source has none. `next` is where its last record goes on, null when nothing
   * follows. Throws `damaged-data` when the bytes are not WAL of a known version or not that segment, and whatever
   * `fetch` throws. Complete segments are remembered, within a bound.
   */
  summarise(source: WalSource, segment: SegmentAddress, next: SegmentAddress | null): Promise<SegmentSummary | null>;
  /** Where the first record begins that begins in a segment at or after `at`; null when there is none, or no segment. Throws as above. */
  recordFrom(source: WalSource, segment: SegmentAddress, at: Lsn): Promise<Lsn | null>;
}
