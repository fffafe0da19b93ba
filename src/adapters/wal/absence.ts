import type { SegmentRange } from "../../domain/coverage.ts";
import { formatLsn, type Lsn } from "../../domain/lsn.ts";
import {
  parseWalFileName,
  segmentName,
  segmentNumberOf,
  type SegmentNumber,
  type TimelineId,
} from "../../domain/segment.ts";
import { forkOf, passesThrough, type TimelineHistory } from "../../domain/timeline.ts";

/** Everything that is known to exist, or to have existed, of a system's WAL: all repositories and saved WAL together. */
export interface WalEvidence {
  readonly segmentSize: number;
  readonly ranges: readonly SegmentRange[];
  readonly histories: readonly TimelineHistory[];
  /** Names of .backup and .partial files: each shows that WAL was written up to there. */
  readonly others: readonly string[];
  /** The timeline that recovery follows; null: not known. */
  readonly target: TimelineHistory | null;
}

/** Whether a file that could not be found is proven not to exist, and why (or why not), for the server's log. */
export interface AbsenceVerdict {
  readonly isProven: boolean;
  readonly because: string;
}

/**
 * Judges the absence of `name` from what a complete listing of every source showed. Only a proof may become exit code
 * 1 of restore_command, since PostgreSQL takes that for the end of WAL and promotes.
 */
export function judgeAbsence(name: string, evidence: WalEvidence): AbsenceVerdict {
  const file = parseWalFileName(name);
  if (file === null) return unproven(`${name} is not the name of a WAL file`);
  if (file.kind === "history") return judgeHistory(name, file.timeline, evidence);
  if (file.kind !== "segment") {
    return evidence.others.includes(name)
      ? unproven(`${name} is listed but was not read`)
      : proven("no source lists it");
  }
  const number = segmentNumberOf(name, evidence.segmentSize);
  if (number === null) return unproven(`${name} does not fit segments of ${evidence.segmentSize} bytes`);
  return judgeSegment(file.timeline, number, evidence);
}

function judgeHistory(name: string, timeline: TimelineId, evidence: WalEvidence): AbsenceVerdict {
  if (evidence.histories.some((h) => h.timeline === timeline) || evidence.others.includes(name)) {
    return unproven(`${name} is listed but could not be read`);
  }
  if (timeline > 1 && evidence.target !== null && passesThrough(evidence.target, timeline)) {
    return unproven(`recovery follows timeline ${timeline}, so its history must exist`);
  }
  if (timeline > 1 && evidence.ranges.some((r) => r.timeline === timeline)) {
    return unproven(`there are segments of timeline ${timeline}, so its history must exist`);
  }
  return proven("no source lists it");
}

function judgeSegment(timeline: TimelineId, number: SegmentNumber, evidence: WalEvidence): AbsenceVerdict {
  if (isBeyondFork(timeline, number, evidence)) return proven(`recovery leaves timeline ${timeline} before it`);
  const later = evidenceBeyond(timeline, number, evidence);
  if (later === null) return proven(`it is the end of what is known of timeline ${timeline}`);
  return unproven(`it is missing although ${later}`);
}

/** Whether recovery has left `timeline` before the segment: then it is not wanted, even where it is stored. */
export function isBeyondFork(timeline: TimelineId, number: SegmentNumber, evidence: WalEvidence): boolean {
  const fork = evidence.target === null ? null : forkOf(evidence.target, timeline);
  return fork !== null && number > lastBefore(fork, evidence.segmentSize);
}

/** The child's timeline where recovery changes to it within the segment; null where it does not. */
export function forkWithin(timeline: TimelineId, number: SegmentNumber, evidence: WalEvidence): Lsn | null {
  const fork = evidence.target === null ? null : forkOf(evidence.target, timeline);
  const isWithin = fork !== null && number === fork / BigInt(evidence.segmentSize);
  return isWithin && fork % BigInt(evidence.segmentSize) !== 0n ? fork : null;
}

/** What shows that the WAL of `timeline` filled or passed the segment, in words; null when nothing does. */
function evidenceBeyond(timeline: TimelineId, number: SegmentNumber, evidence: WalEvidence): string | null {
  const { segmentSize, target } = evidence;
  const range = evidence.ranges.findLast((r) => r.timeline === timeline && r.until >= number);
  if (range !== undefined) return `${segmentName(timeline, range.until, segmentSize)} exists`;
  const ownFork = target === null ? null : forkOf(target, timeline);
  if (ownFork !== null && lastBefore(ownFork, segmentSize) >= number) {
    return `recovery needs timeline ${timeline} up to ${formatLsn(ownFork)}`;
  }
  for (const history of evidence.histories) {
    const fork = forkOf(history, timeline);
    // A fork within the segment itself is no proof that it ever became whole on this timeline.
    if (fork !== null && lastBefore(fork, segmentSize) > number) {
      return `timeline ${history.timeline} forked from it at ${formatLsn(fork)}`;
    }
  }
  const other = evidence.others.find((name) => {
    const place = segmentNumberOf(name, segmentSize);
    return parseWalFileName(name)?.timeline === timeline && place !== null && place >= number;
  });
  return other === undefined ? null : `${other} exists`;
}

/** The number of the segment that holds the last byte before `at`. */
function lastBefore(at: Lsn, segmentSize: number): bigint {
  return (at - 1n) / BigInt(segmentSize);
}

function proven(because: string): AbsenceVerdict {
  return { isProven: true, because };
}

function unproven(because: string): AbsenceVerdict {
  return { isProven: false, because };
}
