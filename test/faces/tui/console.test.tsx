import { describe, expect, test } from "vitest";
import type { RunEvent } from "../../../src/domain/run/events.ts";
import { consoleWorld, twoClusters } from "../../support/console-world.ts";
import { recordedStory, storyUntil } from "../../support/story.ts";
import { openConsole, trimmed } from "../../support/terminal.tsx";

const isAsked = (event: RunEvent): boolean => event.event === "answered";

describe("the console on a terminal of 80x24", () => {
  test("shows a skeleton at once and the cluster as soon as it is known", async () => {
    const { port } = consoleWorld();
    await using console_ = openConsole(port);
    expect(console_.frame()).toContain("What do you need?");
    await console_.shows("not accepting connections");
    expect(trimmed(console_.frame())).toMatchInlineSnapshot(`
      " pgrescue   shop@db1                                               UTC 03:14:22
      ────────────────────────────────────────────────────────────────────────────────
       TARGET   db1.prod-eu1  10.0.4.11:5432   system id 7312…9904   PostgreSQL 15.4
       STATE    [FAIL] not accepting connections since 03:11:50   role: was PRIMARY
       STANDBY  [ OK ] db2 streaming until 03:11:49   lag then 0.2 s
       BACKUPS  [ OK ] last base 01:00 (2h14m ago)   restore-tested 6 d ago, 38m12
       ARCHIVE  [WARN] last WAL 03:11:31   3 segments un-archived on db1

       You can recover to   Nov 13 01:07 ━━━━━━━━━━━━━━━━━━━━━━━━╳━━━━━━━━━━ 03:11:31
       SCHEDULE [ OK ] base backup            last 01:04:11     next Nov 21 01:00
                [WARN] copy to offsite        last Nov 15 04:22 next Nov 22 04:00

       What do you need?
       ❯ 1  Something is broken NOW          read-only checks say what it is
         2  Somebody deleted or changed data keep prod up, fetch it from the past
         3  Rehearse                         newest state to scratch, no prod writes
         4  Browse recovery points           read only
         5  Take a backup now                writes to the repository only
         6  Reattach: R20261120-0310-a1b     backup, step 4/9, 62 %

       Nothing on this screen changes anything; 1 and 2 start read-only checks.
      ────────────────────────────────────────────────────────────────────────────────
       ↑↓ move  1-9 jump  Enter choose  q quit  w why  c copy as CLI  ? help"
    `);
  });

  test("keeps what must not be done in sight while it assesses", async () => {
    const { port } = consoleWorld();
    await using console_ = openConsole(port);
    await console_.shows("TARGET");
    await console_.press("enter");
    await console_.shows("ARCHIVE STALLED");
    expect(trimmed(console_.frame())).toMatchInlineSnapshot(`
      " pgrescue   shop@db1                                               UTC 03:14:22
       [1 Assess]──2 Choose──3 Execute──4 Verify──5 Resume──6 Record
      ────────────────────────────────────────────────────────────────────────────────
       Reading the scene (read-only).                                       4 checks
       ❯ [ OK ] right host: system id matches the repository
         [FAIL] server: PANIC 03:11:50: could not write to file
         [FAIL] disk: /pgdata 100 % full: pg_wal 212 GB, 13 568 segments
         [WARN] archive: 13 566 segments wait; failing since Nov 19 22:40







      ────────────────────────────────────────────────────────────────────────────────
       Most likely ARCHIVE STALLED → DISK FULL → CRASH   confidence high
       Not needed  a restore. Your data is on this disk.
       DO NOT      delete files in pg_wal · set archive_command=/bin/true ·
                   run pg_resetwal
       Next        make the archive work again, then let the server archive
      ────────────────────────────────────────────────────────────────────────────────
       ↑↓ move  Enter recovery points  l raw output  r ask again  Esc back  ? help"
    `);
  });

  test("lists recovery points under the window and moves a moment along it", async () => {
    const { port } = consoleWorld();
    await using console_ = openConsole(port);
    await console_.shows("TARGET");
    await console_.press("4", "enter");
    await console_.shows("Newest moment");
    await console_.press("left", "left");
    await console_.shows("Chosen:");
    expect(trimmed(console_.frame())).toMatchInlineSnapshot(`
      " pgrescue   shop@db1                                               UTC 03:14:22
       1 Assess──[2 Choose]──3 Execute──4 Verify──5 Resume──6 Record
      ────────────────────────────────────────────────────────────────────────────────
       Recovery window  file:///var/lib/pgrescue/repo
       Nov 13 01:07                                                   Nov 20 03:11:31
       B━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━B━━━━━━━━━━╳╳━━━━━━━━dB━━━━b━━━━┿B━
       Any second on ━ can be reached. Inside ╳ nothing can.
       [FAIL] hole on timeline 3: Nov 18 02:10 to Nov 18 04:00; nothing inside can be…

          KIND  FINISHED            SIZE  CHAIN    TESTED      PLACE        STATUS
       ❯  full  Nov 20 01:04:11   212 GB  -        -           main         ok
          incr  Nov 19 13:03:02   9.0 GB  1 of 2   -           main         ok
          full  Nov 19 01:04:40   211 GB  -        6 d  38m12  main         ok
          dump  Nov 19 00:30:15  31.0 GB  logical  -           main         ok
          full  Nov 17 01:04:02   209 GB  -        -           main         ok
          full  Nov 13 01:07:00   208 GB  -        -           main         ok

       Chosen: Nov 19 23:47:25 UTC   [ OK ] can be reached



      ────────────────────────────────────────────────────────────────────────────────
       ↑↓ move  ←→ scrub time  Enter use  Esc back  q quit  w why  ? help"
    `);
  });

  test("refuses a target that cannot be reached, with the reason and what is next", async () => {
    const { port } = consoleWorld();
    await using console_ = openConsole(port);
    await console_.shows("TARGET");
    await console_.press("2", "enter", "tomorrow", "enter");
    await console_.shows("cannot be reached");
    expect(trimmed(console_.frame())).toMatchInlineSnapshot(`
      " pgrescue   shop@db1                                               UTC 03:14:22
       1 Assess──[2 Choose]──3 Execute──4 Verify──5 Resume──6 Record
      ────────────────────────────────────────────────────────────────────────────────
       Where shall recovery stop?   (read-only: it is looked up in the WAL)
       ❯ a moment              2026-11-20 02:51:07+00, 02:51 UTC, 10 minutes ago
         before a transaction  88123457: it is undone
         after a transaction   88123456: it is kept
         a WAL position        4E/2C00A118
         a restore point       before-deploy-412
         the newest moment
         the backup's own end

       > tomorrow▏

       [FAIL] cannot be reached
       Found       2026-11-21 03:14:22 UTC is after the last commit in the archive
                   (03:11:31)
       Next        Choose an earlier moment, or the newest one.



      ────────────────────────────────────────────────────────────────────────────────
       type the text  ↑↓ kind  Enter look up, go on  Tab clear  Esc back  ? help"
    `);
  });

  test("walks from the target over the method and the preflight to a run that asks before production changes", async () => {
    const world = consoleWorld({ events: storyUntil((e) => e.event === "answered"), isEndless: true });
    await using console_ = openConsole(world.port);
    await console_.shows("TARGET");
    await console_.press("2", "enter", "02:51 UTC", "enter");
    await console_.shows("Understood");
    await console_.press("enter");
    await console_.shows("recommended");
    expect(trimmed(console_.frame())).toMatchInlineSnapshot(`
      " pgrescue   shop@db1                                               UTC 03:14:22
       1 Assess──[2 Choose]──3 Execute──4 Verify──5 Resume──6 Record
      ────────────────────────────────────────────────────────────────────────────────
       Choose a method                              target: just before xid 88123457
                       ❯A scratch           B rewind in place   C backup only
         Users down     0 min               ≈ 31 min            -
         Data lost      none                4 117 tx (20 m 24   -
                                            s)
         Time to done   ≈ 34 min (from 4    ≈ 31 min (at 410    -
                        drills)             MB/s)
         Needs          240 GB in           240 GB on db1       -
                        /srv/scratch
         Undo           drop the scratch    old data directory  -
                                            kept
         No way back    none                step 7 (promote)    -

       ❯ A  recommended: the damage is one table, and production is healthy.
         B  only if many tables are wrong and 20 min of orders may be lost.
         C  not possible: the target lies after the backup's end. Choose the backup…


      ────────────────────────────────────────────────────────────────────────────────
       ↑↓ move  Enter preflight  Esc back  q quit  w why  c copy as CLI  ? help"
    `);
    await console_.press("enter");
    await console_.shows("restore_command");
    expect(trimmed(console_.frame())).toMatchInlineSnapshot(`
      " pgrescue   shop@db1                                               UTC 03:14:22
       1 Assess──[2 Choose]──3 Execute──4 Verify──5 Resume──6 Record
      ────────────────────────────────────────────────────────────────────────────────
       Preflight  restore to scratch in /srv/scratch/R-0314  4 ok  1 warn
        [ OK ] backup before target: finished 01:04:11, target 02:51:07
        [ OK ] WAL chain: 137 of 137 segments, no holes, timeline 3, system id matc…
        [ OK ] binaries: PostgreSQL 15.4
        [ OK ] space: 611 GB free, needs 228 GB + 10 %
        [WARN] glibc: 2.39 here, 2.36 there
               Reindex text indexes before you use them.

       Will be written: postgresql.auto.conf
         restore_command = 'pgrescue wal-fetch %f %p'
         recovery_target_xid = '88123457'
         recovery_target_inclusive = off
         recovery_target_timeline = '3'
         archive_mode = off
       Safe: production is not touched. Scratch only.



      ────────────────────────────────────────────────────────────────────────────────
       ↑↓ scroll  Enter start  d dry run  Esc back  q quit  w why  ? help"
    `);
    await console_.press("enter");
    await console_.shows("DANGER");
    expect(trimmed(console_.frame())).toMatchInlineSnapshot(`
      " pgrescue   shop@db1   R20261120-0314-k3f   T+00:00        UTC 03:14:22   REC ●
       1 Assess──2 Choose──[3 Execute]──4 Verify──5 Resume──6 Record
      ────────────────────────────────────────────────────────────────────────────────
      ╔═ DANGER · changes PRODUCTION ═════════════════════════════════════ step 3/9 ═╗
      ║ What      stop the server and move its data directory aside                  ║
      ║ Where     db1.prod-eu1  10.0.4.11:5432  PRIMARY                              ║
      ║           system id 7312456789019904                                         ║
      ║ How       pg_ctl stop -D /var/lib/postgresql/15/main -m fast, then rename    ║
      ║ Undo      yes: the old data directory is renamed back                        ║
      ╟──────────────────────────────────────────────────────────────────────────────╢
      ║ Type this exactly to continue:   shop@db1                                    ║
      ║ > ▏                                                                          ║
      ╚══════════════════════════════════════════════════════════════════════════════╝
       [    ] Enter waits a second after the question came up
       Not sure? Esc goes back and changes nothing: the step has not begun.
       Scripted    pgrescue continue R20261120-0314-k3f --confirm shop@db1





      ────────────────────────────────────────────────────────────────────────────────
       type the text  Tab copy command  Esc back  ? help"
    `);
    expect(world.asked).toEqual(["start restore-to-scratch"]);
  });

  test("shows the running step with its progress, its rate and a basis for the estimate", async () => {
    const all = recordedStory();
    const from = all.findIndex((e) => e.event === "answered");
    const until = all.findIndex((e, i) => i > from && e.event === "step-finished" && e.step === "replay");
    const { port } = consoleWorld({
      isEndless: true,
      events: all.slice(0, until).filter((e) => e.event !== "answered" && e.event !== "asked"),
    });
    await using console_ = openConsole(port, { run: "R20261120-0314-k3f" });
    await console_.shows("132 of 137 segments");
    expect(trimmed(console_.frame())).toMatchInlineSnapshot(`
      " pgrescue   shop@db1   R20261120-0314-k3f   T+00:00        UTC 03:14:22   REC ●
       1 Assess──2 Choose──[3 Execute]──4 Verify──5 Resume──6 Record
      ────────────────────────────────────────────────────────────────────────────────
        1 [done] hold backup expiry                                  03:14:25      2 s
        2 [done] copy un-archived WAL                                03:14:28     11 s
        3 [done] stop the server and move it aside                   03:15:05      2 s
        4 [done] unpack base backup 212 GB                           03:15:11     1m01
      ❯ 5 [run ] replay WAL to just before xid 88123457              03:17:13
        6 [    ] verify: manifest, amcheck, checks
        7 [    ] promote                                             you type its name
        8 [    ] fresh base backup
        9 [    ] start the application
      ────────────────────────────────────────────────────────────────────────────────
       Step 5  ████████████████████████████░░  96 %   132 of 137 segments
               restored log file from archive   LSN 4E/3800A118  at 02:46:44
       rate    ███████████  5.5 segments/s
       Left    ≈ 0 s at the measured 5.5 segments/s, by 03:14
       Quiet?  last progress 0 s ago; warns after 30 s, explains after 60 s
       log     03:17:39 glibc 2.39 here, 2.36 there: text indexes may sort different…
      ────────────────────────────────────────────────────────────────────────────────
       Goes on without this window; join it again:  pgrescue attach R20261120-0314-k3f
      ────────────────────────────────────────────────────────────────────────────────
       ↑↓ scroll  Tab views  Enter next view  p pause  x abort…  l log  ? help"
    `);
  });

  test("shows the end of a run, the ladder, the way back to operations and the record", async () => {
    const events = recordedStory().filter((e) => e.event !== "answered" && e.event !== "asked");
    const { port } = consoleWorld({ events });
    await using console_ = openConsole(port, { run: "R20261120-0314-k3f" });
    await console_.shows("some checks could not run");
    expect(trimmed(console_.frame())).toMatchInlineSnapshot(`
      " pgrescue   shop@db1   R20261120-0314-k3f   T+06:14        UTC 03:14:22   REC ■
       1 Assess──2 Choose──3 Execute──4 Verify──[5 Resume]──6 Record
      ────────────────────────────────────────────────────────────────────────────────
       Resume operations      order matters: you are re-opening a shop
        8 [done] fresh base backup                                   03:19:10     43 s
        9 [SKIP] start the application: no hook is configured        03:20:34      0 s
      ────────────────────────────────────────────────────────────────────────────────
       Connect     host=/var/run/postgresql port=5432 dbname=postgres
       Result      recovered to just before xid 88123457; some checks could not run












      ────────────────────────────────────────────────────────────────────────────────
       ↑↓ scroll  Tab views  Enter next view  l log  Esc back  q quit  ? help"
    `);
    await console_.press("tab");
    expect(trimmed(await console_.shows("TIME UTC"))).toMatchInlineSnapshot(`
      " pgrescue   shop@db1   R20261120-0314-k3f   T+06:14        UTC 03:14:22   REC ■
       1 Assess──2 Choose──3 Execute──4 Verify──5 Resume──[6 Record]
      ────────────────────────────────────────────────────────────────────────────────
       finished with warnings   opened to end 6m14   attempts 1   warnings 1
       ▐assess 2 s▌execute 1m41                        ▌verify 38 s▌resume 43 s  ▌
       TIME UTC WHO       KIND      WHAT
       03:14:22 ana       start     recovery of shop opened on db1.prod-eu1
       03:14:25 pgrescue  step      hold backup expiry: done (2.0 s)
       03:14:28 pgrescue  step      copy un-archived WAL: done (11.0 s)
       03:15:05 pgrescue  step      stop the server and move it aside: done (2.6 s)
       03:15:06 postgres  command   pg_ctl stop -D /var/lib/postgresql/15/main -m f…
       03:15:11 pgrescue  step      unpack base backup 212 GB: done (61.0 s)
       03:17:13 pgrescue  step      replay WAL to just before xid 88123457: done (2…
       03:17:38 ana       note      support confirms: orders of last night are miss…
       03:18:06 pgrescue  step      verify: manifest, amcheck, checks: done (38.0 s)
       03:18:07 pgrescue  check     OK backup manifest: 41 022 files agree
       03:18:08 pgrescue  check     OK server up at the target: consistent, timelin…
       03:18:09 pgrescue  check     OK amcheck: 1 911 relations
       … 8 more
      ────────────────────────────────────────────────────────────────────────────────
       20 lines. The whole record as Markdown:  pgrescue report R20261120-0314-k3f
      ────────────────────────────────────────────────────────────────────────────────
       ↑↓ scroll  Tab views  Enter next view  l log  Esc back  q quit  ? help"
    `);
    await console_.press("tab");
    await console_.shows("What    recovered to just before");
    await console_.press("tab");
    expect(trimmed(await console_.shows("ladder:"))).toMatchInlineSnapshot(`
      " pgrescue   shop@db1   R20261120-0314-k3f   T+06:14        UTC 03:14:22   REC ■
       1 Assess──2 Choose──3 Execute──[4 Verify]──5 Resume──6 Record
      ────────────────────────────────────────────────────────────────────────────────
       Verify   what was checked, and what was not          ladder: 4 of 6 rungs
        rung 1 bytes      [ OK ] backup manifest: 41 022 files agree
        rung 2 starts     [ OK ] server up at the target: consistent, timeline 3, l…
        rung 3 structure  [ OK ] amcheck: 1 911 relations
        rung 4 sense      [ OK ] orders: select count(*) > 0 from orders
        rung 5 behaviour  [SKIP] smoke command: none is configured
        rung 6 comparison [ ?? ] row counts: no exact reference at this moment
      ────────────────────────────────────────────────────────────────────────────────
       Verdict  RECOVERED, NOT FULLY VERIFIED
       Why      rung 5 behaviour, rung 6 comparison did not run or could not decide
       Watch out
        [WARN] unlogged tables: 3 are empty after recovery, as expected






      ────────────────────────────────────────────────────────────────────────────────
       ↑↓ scroll  Tab views  Enter next view  l log  Esc back  q quit  ? help"
    `);
  });

  test("explains every key, made from the key map, with what is disabled and why", async () => {
    const { port } = consoleWorld();
    await using console_ = openConsole(port);
    await console_.shows("TARGET");
    await console_.press("?");
    expect(trimmed(await console_.shows("NOW DISABLED"))).toMatchInlineSnapshot(`
      " pgrescue   shop@db1                                               UTC 03:14:22
      ────────────────────────────────────────────────────────────────────────────────
       Help for: Home
      HERE                                   ALWAYS
       Enter     choose the marked line       /         narrow the list
       r         look again                   w         why? the reasons
                                              c         copy it as a command line
      MOVING                                  n         a note into the record
       ↑↓        move (or k j)                t         UTC or local time
       PgUp PgDn a page                       :         all actions by name
       g G       first, last                  ?         this help
       1-9       jump to a line               Esc       back; never quits or aborts
                                              q         close; what runs goes on
                                              Ctrl-C    explains; twice leaves

       NOW DISABLED, AND WHY
       /         filter: there is no list to narrow here
       n         note: the record begins with a run
       Esc       back: this is the first screen

       … 7 more
      ────────────────────────────────────────────────────────────────────────────────
       ↑↓ move  1-9 jump  Enter choose  q quit  w why  c copy as CLI  ? help"
    `);
  });

  test("sorts several clusters with the worst first", async () => {
    const { port } = consoleWorld({ home: twoClusters });
    await using console_ = openConsole(port);
    const frame = await console_.shows("billing");
    expect(frame.indexOf("shop")).toBeLessThan(frame.indexOf("billing"));
    expect(frame).toContain("next Nov 21 01:00");
  });
});

describe("leaving the console", () => {
  test("Ctrl-C explains, twice leaves, and the run goes on", async () => {
    const world = consoleWorld({ events: storyUntil(isAsked), isEndless: true });
    await using console_ = openConsole(world.port, { run: "R20261120-0314-k3f" });
    await console_.shows("DANGER");
    await console_.press("ctrl-c");
    await console_.shows("does not stop the work");
    await console_.press("ctrl-c");
    const kept = await console_.kept;
    expect(kept).toContain("Join it again:  pgrescue attach R20261120-0314-k3f");
    expect(kept.join("\n")).toContain("It waits for you: ");
    expect(world.asked).toEqual(["close"]);
  });

  test("q leaves what runs and says how to join it again, with the copied commands", async () => {
    const world = consoleWorld({ events: storyUntil((e) => e.event === "asked"), isEndless: true });
    await using console_ = openConsole(world.port, { run: "R20261120-0314-k3f" });
    await console_.shows("copy un-archived WAL");
    await console_.press("c", "q");
    const kept = await console_.kept;
    expect(kept).toContain("  pgrescue attach R20261120-0314-k3f");
    expect(console_.copied).toEqual(["pgrescue attach R20261120-0314-k3f"]);
    expect(kept.length).toBeLessThanOrEqual(15);
  });

  test("a failure is shown in four parts and can be tried again", async () => {
    const { port } = consoleWorld();
    await using console_ = openConsole(port, { run: "R0" });
    const frame = await console_.shows("[FAIL] Joining the run failed");
    expect(frame).toContain("no run R0");
    expect(frame).toContain("Nothing was changed.");
    expect(frame).toContain("pgrescue explain usage");
  });
});

describe("the terminal's size", () => {
  test("below 60x15 one line says so, and growing brings the screen back", async () => {
    const { port } = consoleWorld();
    await using console_ = openConsole(port, { columns: 50, rows: 12 });
    expect(await console_.shows("needs 60x15")).not.toContain("What do you need?");
    console_.resize(80, 24);
    await console_.shows("What do you need?");
  });

  test("from 120 columns on a pane shows the last runs beside the home screen", async () => {
    const { port } = consoleWorld();
    await using console_ = openConsole(port, { columns: 130, rows: 32 });
    expect(await console_.shows("R20261114-0300-xyz")).toContain("LAST RUNS");
  });
});
