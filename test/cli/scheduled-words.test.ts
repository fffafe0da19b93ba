import { expect, test } from "vitest";
import { waitingOptions } from "../../src/cli/generate/scheduled.ts";
import { parseArguments } from "../../src/cli/parse.ts";
import { commands } from "../../src/cli/registry.ts";
import { instant } from "../../src/domain/instant.ts";
import { workOf, type ScheduleEntry } from "../../src/domain/schedule/entry.ts";

const when = { cluster: "shop", at: "0 1 * * *", timeZone: "Etc/UTC", missed: "run" } as const;
const entries: readonly Partial<ScheduleEntry>[] = [
  { backup: "base", keep: "monthly" },
  { backup: "dump", databases: ["shop"] },
  { copy: "offsite" },
  { expire: true },
  { check: true },
  { verify: "bytes" },
  { verify: "restore" },
  { verify: "dump" },
  { drill: "restore-to-scratch" },
];

test("every command of a schedule, as any scheduler starts it, is one that its verb understands", async () => {
  const { work, unable } = workOf(entries.map((entry) => ({ ...when, ...entry })));
  expect(unable).toEqual([]);
  for (const one of work)
    for (const slot of [null, instant(1_790_000_000_000_000n)]) {
      const [verb, ...words] = [...one.command(slot), ...waitingOptions(one), "--no-input", "--quiet"];
      const { command } = await commands[verb as keyof typeof commands]();
      expect(() => parseArguments(verb, command, words), one.words).not.toThrow();
    }
});
