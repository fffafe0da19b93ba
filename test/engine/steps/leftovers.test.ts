import { expect, test } from "vitest";
import { isWithin } from "../../../src/engine/steps/confinement.ts";
import { withoutLeftovers, withoutSettings } from "../../../src/engine/steps/leftovers.ts";

test("lines of an older recovery are kept as comments, whatever their spelling", () => {
  const text =
    "port = 5432\n  Recovery_Target_Time = '2026-01-01'\nrestore_command='cp x %p'\n#recovery_target_xid = 1\nrecovery_target_timeline 'latest'\n";
  expect(withoutLeftovers(text)).toMatchInlineSnapshot(`
    "port = 5432
    #   Recovery_Target_Time = '2026-01-01'  # taken out by pgrescue
    # restore_command='cp x %p'  # taken out by pgrescue
    #recovery_target_xid = 1
    # recovery_target_timeline 'latest'  # taken out by pgrescue
    "
  `);
  expect(withoutLeftovers(withoutLeftovers(text))).toBe(withoutLeftovers(text));
});

test("only the named settings are taken out", () => {
  expect(withoutSettings("data_directory = '/x'\ndata_directory_mode = 0700\n", ["data_directory"])).toBe(
    "# data_directory = '/x'  # taken out by pgrescue\ndata_directory_mode = 0700\n",
  );
});

test("a directory is within itself and its parents, and not within one that only begins alike", () => {
  expect([
    isWithin("/a/b", "/a/b"),
    isWithin("/a/b/c", "/a/b"),
    isWithin("/a/bc", "/a/b"),
    isWithin("/a", "/"),
  ]).toEqual([true, true, false, true]);
});
