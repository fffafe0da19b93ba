import { expect, test } from "vitest";
import { parseInstant } from "../../../src/domain/instant.ts";
import { workOf, type ScheduleEntry } from "../../../src/domain/schedule/entry.ts";
import { slotOfJob, slotTime } from "../../../src/domain/slot.ts";

const slot = parseInstant("2026-11-20T01:00:00Z");
const entry = (over: Partial<ScheduleEntry>): ScheduleEntry => ({
  cluster: "shop",
  at: "0 1 * * *",
  timeZone: "Etc/UTC",
  missed: "run",
  ...over,
});

test("each entry is a command line of its own, and backups bear their slot", () => {
  const { work, unable } = workOf([
    entry({ backup: "base", keep: "weekly" }),
    entry({ backup: "dump", databases: ["shop", "billing"] }),
    entry({ backup: "dump" }),
    entry({ copy: "offsite" }),
    entry({ expire: true }),
    entry({ check: true, name: "look" }),
    entry({ verify: "restore" }),
    entry({ backup: "incremental" }),
    entry({ drill: "restore-to-scratch" }),
  ]);
  expect(work.map((w) => [w.name, w.command(slot).join(" "), slot === null ? null : w.slotName(slot)])).toEqual([
    ["shop-base", "backup --keep weekly --cluster shop --slot 2026-11-20T01:00:00Z", "base@2026-11-20T01:00:00Z"],
    [
      "shop-dump",
      "backup --kind dump --database shop --database billing --cluster shop --slot 2026-11-20T01:00:00Z",
      "dump(billing,shop)@2026-11-20T01:00:00Z",
    ],
    ["shop-dump-2", "backup --kind dump --cluster shop --slot 2026-11-20T01:00:00Z", "dump@2026-11-20T01:00:00Z"],
    ["shop-copy-offsite", "copy --to offsite --cluster shop", null],
    ["shop-expire", "expire --apply --cluster shop", null],
    ["look", "check --cluster shop", null],
    ["shop-verify", "verify --restore --cluster shop", null],
    ["shop-drill-restore-to-scratch", "drill restore-to-scratch --cluster shop", null],
  ]);
  expect(unable).toHaveLength(1);
});

test("a slot is said as a time, or by the name that a CronJob gives to its jobs", () => {
  expect(slotTime("2026-11-20T01:00Z")).toBe(slot);
  expect(slotTime("2026-11-20T02:00:00+01:00")).toBe(slot);
  expect(slotTime("tonight")).toBeNull();
  const minutes = Number(slot) / 60_000_000;
  expect(slotOfJob(`pgrescue-backup-${minutes}`)).toBe(slot);
  expect(slotOfJob("pgrescue-backup-by-hand")).toBeNull();
});
