import { expect, test } from "vitest";
import { instant } from "../../src/domain/instant.ts";
import { lsn } from "../../src/domain/lsn.ts";
import type { RecoveryPoint } from "../../src/domain/recovery-point.ts";
import { judgeCopies } from "../../src/domain/three-two-one.ts";
import { judgeSize } from "../../src/domain/usual-size.ts";

function point(n: number, bytes: number, more: Partial<RecoveryPoint> = {}): RecoveryPoint {
  const at = instant(BigInt(n) * 86_400_000_000n);
  return {
    id: `p${n}`,
    kind: "base",
    format: "native",
    repository: "main",
    cluster: "shop",
    status: "ok",
    systemIdentifier: "7",
    postgresVersion: 150_000,
    timeline: 1,
    startedAt: at,
    finishedAt: at,
    startLsn: lsn(0n),
    stopLsn: lsn(0n),
    segmentSize: 0,
    bytes,
    storedBytes: bytes,
    encrypted: false,
    tablespaces: [],
    walIncluded: false,
    ...more,
  };
}

test("less than half the median of those before is small, nothing at all is empty, and too few tell nothing", () => {
  const before = [100, 110, 90, 105].map((bytes, n) => point(n, bytes));
  const judge = (bytes: number, more: Partial<RecoveryPoint> = {}, others = before): string =>
    judgeSize(point(9, bytes, more), others).result;
  expect([judge(100), judge(53), judge(51), judge(0, { storedBytes: 0 })]).toEqual([
    "usual",
    "usual",
    "small",
    "empty",
  ]);
  expect(judge(10, {}, before.slice(0, 2))).toBe("unknown");
  // Others of another kind, place or set of databases say nothing, nor do those that cannot be restored.
  expect(judge(10, { kind: "dump" })).toBe("unknown");
  expect(judge(10, { repository: "offsite" })).toBe("unknown");
  expect(
    judge(
      10,
      {},
      before.map((p) => ({ ...p, status: "damaged" as const })),
    ),
  ).toBe("unknown");
  const dumps = before.map((p) => ({ ...p, kind: "dump" as const, databases: ["shop", "billing"] }));
  expect(judge(10, { kind: "dump", databases: ["billing", "shop"] }, dumps)).toBe("small");
  expect(judge(10, { kind: "dump", databases: ["shop"] }, dumps)).toBe("unknown");
});

test("three copies on two media, one elsewhere; what is not known is not fine", () => {
  const server = { name: "the server", medium: "disk 1", isOffsite: false };
  const beside = { name: "main", medium: "disk 1", isOffsite: null };
  const mount = { name: "nas", medium: "disk 2", isOffsite: null };
  const bucket = { name: "offsite", medium: "s3://acme", isOffsite: true };
  expect(judgeCopies([server, beside, bucket])).toMatchObject({ result: "pass", copies: 3, media: 2 });
  expect(judgeCopies([server, beside, mount]).result).toBe("unknown");
  expect(judgeCopies([server, bucket]).missing).toEqual(["2 copies instead of three"]);
  expect(judgeCopies([server, beside]).missing).toEqual(["2 copies instead of three", "all on one medium"]);
  expect(judgeCopies([server]).missing).toEqual(["one copy instead of three", "all on one medium", "none elsewhere"]);
});
