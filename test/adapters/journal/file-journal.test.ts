import { execFile } from "node:child_process";
import { appendFile, mkdir, readFile, stat, truncate, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { promisify } from "node:util";
import { describe, expect, test } from "vitest";
import { openJournal, readJournal } from "../../../src/adapters/journal/file-journal.ts";
import { systemClock } from "../../../src/adapters/system/clock.ts";
import { PgrescueError } from "../../../src/domain/errors.ts";
import { temporaryDirectory } from "../../support/temporary-directory.ts";

const actor = { user: "anna", host: "db1", pid: 1 };
const options = { run: "R20261120-0314-k3f", clock: systemClock };
const note = (text: string) => ({ event: "note", text, by: actor }) as const;
const run = promisify(execFile);

async function journalWith(directory: string, texts: readonly string[]): Promise<string> {
  const path = join(directory, "journal.jsonl");
  const { journal } = await openJournal(path, options);
  for (const text of texts) await journal.append(note(text));
  await journal.close();
  return path;
}

describe("a journal", () => {
  test("gives back what was appended, in order and chained", async () => {
    await using directory = await temporaryDirectory();
    const path = await journalWith(directory.path, ["one", "two ä\u0000", "three"]);
    const { events, torn, brokenAt } = await readJournal(path);
    expect(events.map((e) => e.event === "note" && e.text)).toEqual(["one", "two ä\u0000", "three"]);
    expect(events.map((e) => e.seq)).toEqual([1, 2, 3]);
    expect({ torn, brokenAt }).toEqual({ torn: false, brokenAt: null });
    expect((await stat(path)).mode & 0o777).toBe(0o600);
  });

  test("keeps concurrent appends whole and in the order of the calls", async () => {
    await using directory = await temporaryDirectory();
    const path = join(directory.path, "journal.jsonl");
    const { journal } = await openJournal(path, options);
    await Promise.all(Array.from({ length: 50 }, (_, i) => journal.append(note(String(i)))));
    await journal.close();
    const { events, brokenAt } = await readJournal(path);
    expect(events.map((e) => e.event === "note" && e.text)).toEqual(Array.from({ length: 50 }, (_, i) => String(i)));
    expect(brokenAt).toBeNull();
  });

  test("goes on after every possible cut of its last line, says so, and the chain still holds", async () => {
    await using directory = await temporaryDirectory();
    const path = await journalWith(directory.path, ["one", "two"]);
    const whole = await readFile(path);
    const lastLine = whole.indexOf(10) + 1;
    for (let cut = lastLine + 1; cut < whole.length; cut += 7) {
      await writeFile(path, whole.subarray(0, cut));
      expect(await readJournal(path)).toMatchObject({ torn: true, lastSeq: 1 });
      const { journal, history } = await openJournal(path, options);
      expect(history.at(-1)).toMatchObject({ event: "repaired", seq: 2, bytes: cut - lastLine });
      await journal.append(note("three"));
      await journal.close();
      expect(await readJournal(path)).toMatchObject({ torn: false, brokenAt: null, lastSeq: 3 });
    }
  });

  test("treats garbage that a power cut left at the end as a torn line", async () => {
    await using directory = await temporaryDirectory();
    const path = await journalWith(directory.path, ["one"]);
    await appendFile(path, Buffer.alloc(300));
    expect(await readJournal(path)).toMatchObject({ torn: true, lastSeq: 1 });
    await appendFile(path, "\n");
    expect(await readJournal(path)).toMatchObject({ torn: true, lastSeq: 1 });
  });

  test("names the first line that somebody changed, removed or moved", async () => {
    await using directory = await temporaryDirectory();
    const path = await journalWith(directory.path, ["one", "two", "three", "four"]);
    const lines = (await readFile(path, "utf8")).split("\n");
    await writeFile(path, lines.map((l) => l.replace('"two"', '"TWO"')).join("\n"));
    expect((await readJournal(path)).brokenAt).toBe(3);
    await writeFile(path, lines.filter((_, i) => i !== 1).join("\n"));
    expect((await readJournal(path)).brokenAt).toBe(2);
  });

  test("refuses a newer program's journal and says what to use", async () => {
    await using directory = await temporaryDirectory();
    const path = await journalWith(directory.path, ["one"]);
    const text = await readFile(path, "utf8");
    await writeFile(path, text.replace("pgrescue.event/v1", "pgrescue.event/v2"));
    await expect(readJournal(path)).rejects.toMatchObject({ code: "config", next: expect.stringContaining("newer") });
    await writeFile(path, text.replace('"note"', '"hologram"'));
    await expect(readJournal(path)).rejects.toMatchObject({
      code: "config",
      message: expect.stringContaining("hologram"),
    });
  });

  test("refuses a damaged line in the middle, by number", async () => {
    await using directory = await temporaryDirectory();
    const path = await journalWith(directory.path, ["one", "two"]);
    const text = await readFile(path, "utf8");
    await writeFile(path, text.replace('"seq":1', '"seq":"x"'));
    await expect(readJournal(path)).rejects.toMatchObject({
      code: "damaged-data",
      message: expect.stringContaining("line 1"),
    });
  });

  test.skipIf(process.getuid?.() !== 0)(
    "on a full disk refuses further lines but still writes the closing one",
    async () => {
      await using directory = await temporaryDirectory();
      const mount = join(directory.path, "small");
      await mkdir(mount);
      await run("mount", ["-t", "tmpfs", "-o", "size=256k", "tmpfs", mount]);
      try {
        const path = join(mount, "journal.jsonl");
        const { journal } = await openJournal(path, options);
        await journal.append(note("before"));
        await writeFile(join(mount, "hog"), Buffer.alloc(1024 * 1024)).catch(() => undefined);
        await expect(appendUntilFull(journal)).rejects.toMatchObject({ code: "paused" });
        const outcome = { result: "paused", exitCode: 60, message: "the disk is full" } as const;
        await journal.append({ event: "ended", outcome });
        await journal.close();
        const { events, torn, brokenAt } = await readJournal(path);
        expect(events.at(-1)).toMatchObject({ event: "ended", outcome });
        expect({ torn, brokenAt }).toEqual({ torn: false, brokenAt: null });
        await truncate(join(mount, "hog"), 0);
        const again = await openJournal(path, options);
        await again.journal.append(note("goes on"));
        await again.journal.close();
        expect((await stat(`${path}.reserve`)).size).toBe(64 * 1024);
      } finally {
        await run("umount", [mount]);
      }
    },
  );
});

async function appendUntilFull(journal: { append(fact: ReturnType<typeof note>): Promise<unknown> }): Promise<void> {
  for (let i = 0; i < 100; i++) await journal.append(note("x".repeat(3000)));
  throw new PgrescueError("bug", "the disk was never full");
}
