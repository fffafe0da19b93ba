import { describe, expect, test } from "vitest";
import { renderReport } from "../../src/domain/report.ts";
import { fold } from "../../src/domain/run/reduce.ts";
import { emptyRun } from "../../src/domain/run/state.ts";
import type { RunEvent } from "../../src/domain/run/events.ts";
import { recordedStory } from "../support/story.ts";

describe("the Markdown record", () => {
  test("tells result, steps, decisions, checks and commands", () => {
    expect(renderReport(fold(recordedStory()))).toMatchInlineSnapshot(`
      "# R20261120-0314-k3f: recovery of shop

      | | |
      | --- | --- |
      | Result | done-with-warnings: recovered to just before xid 88123457; some checks could not run |
      | For the data | Some checks could not run, so it is unknown whether the data is right. |
      | Next | Read which checks did not run in \\\`pgrescue report\\\` and run them by hand. |
      | Opened | Nov 20 03:14:22 |
      | Ended | Nov 20 03:20:36 |
      | Time in steps | 185 s |
      | Attempts | 1 |
      | Runbook | rewind-in-place 1.0 (sha256 abababababab) |
      | Opened by | ana@db1.prod-eu1 over ssh 10.9.0.7 |
      | pgrescue | 0.1.0 |

      ## Steps

      | # | Step | Risk | Result | Began (UTC) | Took |
      | --- | --- | --- | --- | --- | --- |
      | 1 | hold backup expiry | read | done | Nov 20 03:14:25 | 2.0 s |
      | 2 | copy un-archived WAL | read | done | Nov 20 03:14:28 | 11.0 s |
      | 3 | stop the server and move it aside | production | done | Nov 20 03:15:05 | 2.6 s |
      | 4 | unpack base backup 212 GB | production | done | Nov 20 03:15:11 | 61.0 s |
      | 5 | replay WAL to just before xid 88123457 | production | done | Nov 20 03:17:13 | 26.0 s |
      | 6 | verify: manifest, amcheck, checks | read | done | Nov 20 03:18:06 | 38.0 s |
      | 7 | promote | irreversible | done | Nov 20 03:19:08 | 1.2 s |
      | 8 | fresh base backup | read | done | Nov 20 03:19:10 | 43.0 s |
      | 9 | start the application | production | skipped: no hook is configured | Nov 20 03:20:34 | 0.0 s |

      ## Decisions and notes

      - Nov 20 03:15:04 UTC **decision** stop#1 = \`shop@db1\` by ana@db1.prod-eu1
      - Nov 20 03:17:38 UTC **note** support confirms: orders of last night are missing by ana@db1.prod-eu1
      - Nov 20 03:19:07 UTC **decision** promote#1 = \`shop@db1\` by ana@db1.prod-eu1

      ## Verification

      | Rung | Check | Result | Seen | To do |
      | --- | --- | --- | --- | --- |
      | bytes | backup manifest | pass | 41 022 files agree |  |
      | starts | server up at the target | pass | consistent, timeline 3, last commit xid 88123456 |  |
      | structure | amcheck | pass | 1 911 relations |  |
      | sense | orders | pass | select count(\\*) \\> 0 from orders |  |
      | behaviour | smoke command | skip | none is configured |  |
      | comparison | row counts | unknown | no exact reference at this moment |  |
      |  | unlogged tables | warn | 3 are empty after recovery, as expected |  |

      A check that did not run (skip, unknown) is not a pass.

      ## Commands

      - Nov 20 03:15:06 UTC as postgres, exit 0, 1.8 s: \`pg_ctl stop -D /var/lib/postgresql/15/main -m fast\`

      ## Values

      - aside: \`/var/lib/postgresql/15/main.pgrescue-0314\`
      - server: \`{"host":"/var/run/postgresql","port":5432,"connectionString":"host=/var/run/postgresql port=5432 dbname=postgres"}\`

      ## For the post-mortem

      - Where did the tool mislead you?
      - What did you have to guess?
      - Where were you lucky?
      - What went well, what went wrong?
      - Which actions follow, who owns them, by when?
      "
    `);
  });

  test("of a run without events is empty but valid", () => {
    expect(renderReport(emptyRun)).toContain("| Result | not ended |");
  });

  test("lets nothing from outside become markup", () => {
    const [opened] = recordedStory();
    if (opened === undefined) throw new Error("no story");
    const note = {
      ...opened,
      event: "note",
      text: "<script>|\n# x `a`",
      by: { user: "a|b", host: "h", pid: 1 },
    } as RunEvent;
    const report = renderReport(fold([opened, note]));
    expect(report).toContain(String.raw`**note** \<script\>\| # x \`a\` by a\|b@h`);
  });
});
