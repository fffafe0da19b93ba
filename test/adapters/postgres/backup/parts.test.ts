import { PageDamage } from "../../../../src/adapters/postgres/backup/page-damage.ts";
import { lsn } from "../../../../src/domain/lsn.ts";
import { appendFile, mkdir, open, symlink, truncate, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { PassThrough } from "node:stream";
import { afterAll, describe, expect, test } from "vitest";
import { archiveFile } from "../../../../src/adapters/postgres/backup/archive-file.ts";
import { BaseBackupStream } from "../../../../src/adapters/postgres/backup/copy-stream.ts";
import { openAhead, openFile, type FileEntry } from "../../../../src/adapters/postgres/backup/open-ahead.ts";
import { pageChecksum, pageSize } from "../../../../src/adapters/postgres/backup/page-checksum.ts";
import { PageVerifier } from "../../../../src/adapters/postgres/backup/page-verifier.ts";
import { ProtocolReader } from "../../../../src/adapters/postgres/backup/protocol-reader.ts";
import { startReadThread } from "../../../../src/adapters/postgres/backup/read-thread.ts";
import { redact } from "../../../../src/adapters/postgres/backup/redact.ts";
import { tarMembers } from "../../../../src/adapters/system/tar-stream.ts";
import { walkTree } from "../../../../src/adapters/postgres/backup/tree.ts";
import { segmentsNeeded } from "../../../../src/adapters/postgres/backup/wal-needed.ts";
import { parseLsn, type Lsn } from "../../../../src/domain/lsn.ts";
import type { ArchiveWriter } from "../../../../src/ports/repository.ts";
import { temporaryDirectory } from "../../../support/temporary-directory.ts";

async function collect<T>(items: AsyncIterable<T>): Promise<T[]> {
  const all: T[] = [];
  for await (const item of items) all.push(item);
  return all;
}

function fileEntry(source: string): FileEntry {
  return { type: "file", path: "x", manifestPath: "x", source, relation: null };
}

/** Keeps what one file is filled with, asking for `step` bytes at a time. */
function keeper(
  step: number,
  meanwhile: () => Promise<void> = async () => undefined,
): { readonly archive: ArchiveWriter; content(): Buffer } {
  const parts: Buffer[] = [];
  const none = async (): Promise<void> => undefined;
  return {
    content: () => Buffer.concat(parts),
    archive: {
      directory: none,
      link: none,
      finish: none,
      file: async (_path, size, _attributes, fill) => {
        for (let left = size; left > 0;) {
          const buffer = Buffer.alloc(Math.min(step, left));
          const count = await fill(buffer);
          await meanwhile();
          parts.push(buffer.subarray(0, count));
          left -= count;
        }
      },
    },
  };
}

test("the walk leaves out what PostgreSQL's own backups leave out", async () => {
  await using place = await temporaryDirectory();
  const files = [
    "PG_VERSION",
    "postmaster.pid",
    "postmaster.opts",
    "backup_label.old",
    "current_logfiles",
    "postgresql.conf",
    "postgresql.auto.conf.tmp",
    "global/pg_control",
    "global/1262",
    "global/pg_internal.init",
    "base/5/1259",
    "base/5/1259_vm",
    "base/5/t3_16400",
    "base/5/t3_16400_fsm",
    "base/5/16500",
    "base/5/16500_fsm",
    "base/5/16500_init",
    "base/5/pg_internal.init.123",
    "base/pgsql_tmp/pgsql_tmp1.0",
    "pg_wal/000000010000000000000001",
    "pg_replslot/slot/state",
    "pg_stat_tmp/x",
    "pg_subtrans/0000",
    "pg_notify/0000",
    "pg_xact/0000",
    ".pgrescue-restore",
  ];
  for (const file of files) {
    await mkdir(join(place.path, file, ".."), { recursive: true });
    await writeFile(join(place.path, file), "x");
  }
  await symlink("/etc/hostname", join(place.path, "link.conf"));
  const found = await collect(
    walkTree({ root: place.path, from: "", manifestPrefix: "", without: new Set(["global/pg_control"]) }),
  );
  expect(
    found
      .filter((e) => e.type === "file")
      .map((e) => e.path)
      .toSorted(),
  ).toEqual([
    "PG_VERSION",
    "base/5/1259",
    "base/5/1259_vm",
    "base/5/16500_init",
    "global/1262",
    "pg_xact/0000",
    "postgresql.conf",
  ]);
  expect(
    found
      .filter((e) => e.type === "directory")
      .map((e) => e.path)
      .toSorted(),
  ).toEqual([
    "base",
    "base/5",
    "global",
    "pg_notify",
    "pg_replslot",
    "pg_stat_tmp",
    "pg_subtrans",
    "pg_wal",
    "pg_wal/archive_status",
    "pg_xact",
  ]);
  expect(found.filter((e) => e.type === "skipped")).toEqual([
    { type: "skipped", path: "link.conf", reason: "it is a symbolic link" },
  ]);
});

describe("a file that changes while it is read", () => {
  const thread = startReadThread();
  afterAll(() => thread.close());

  test("is cut at the size it had when it grows", async () => {
    await using place = await temporaryDirectory();
    const path = join(place.path, "f");
    await writeFile(path, Buffer.alloc(3_000_000, 1));
    const file = await openFile(fileEntry(path));
    await appendFile(path, "more");
    const kept = keeper(700_001);
    const done = await archiveFile(kept.archive, file ?? expect.fail("it is there"), null, thread, () => undefined);
    expect(done.size).toBe(3_000_000);
    expect(kept.content()).toEqual(Buffer.alloc(3_000_000, 1));
  });

  test("is filled up with zeros when it shrinks, and hashed as it was written", async () => {
    await using place = await temporaryDirectory();
    const path = join(place.path, "f");
    await writeFile(path, Buffer.alloc(3_000_000, 1));
    const file = await openFile(fileEntry(path));
    const kept = keeper(1_000_000, () => truncate(path, 1_500_000));
    const done = await archiveFile(kept.archive, file ?? expect.fail("it is there"), null, thread, () => undefined);
    const expected = Buffer.concat([Buffer.alloc(1_500_000, 1), Buffer.alloc(1_500_000)]);
    expect(kept.content().equals(expected)).toBe(true);
    expect(done.sha256).toBe(Buffer.from(await crypto.subtle.digest("SHA-256", expected)).toString("hex"));
  });

  test("is left out when it has vanished", async () => {
    await using place = await temporaryDirectory();
    await writeFile(join(place.path, "there"), "x");
    async function* entries() {
      yield fileEntry(join(place.path, "gone"));
      yield fileEntry(join(place.path, "there"));
    }
    const opened = await collect(openAhead(entries()));
    expect(opened).toMatchObject([{ type: "opened", size: 1 }]);
  });
});

test("a page's checksum does not depend on how its bytes arrive, and a flipped bit is found in its block", async () => {
  await using place = await temporaryDirectory();
  const blocks = 5;
  const content = Buffer.from(crypto.getRandomValues(new Uint8Array(blocks * pageSize)));
  for (let block = 0; block < blocks; block++) {
    content.writeUInt16LE(8000, block * pageSize + 14);
    const page = new Uint8Array(content.subarray(block * pageSize, (block + 1) * pageSize));
    content.writeUInt16LE(pageChecksum(new Int32Array(page.buffer), 0, 131_072 + block), block * pageSize + 8);
  }
  for (const step of [1, 511, 4096, pageSize, 10_000, content.length]) {
    const verifier = new PageVerifier(131_072);
    for (let at = 0; at < content.length; at += step) verifier.feed(content.subarray(at, at + step));
    expect(verifier.suspects).toBe(0);
  }
  content[3 * pageSize + 5000] = (content[3 * pageSize + 5000] ?? 0) ^ 1;
  await writeFile(join(place.path, "f"), content);
  const verifier = new PageVerifier(131_072);
  verifier.feed(content);
  expect(await verifier.confirm(join(place.path, "f"))).toMatchObject([{ block: 3 }]);
  const handle = await open(join(place.path, "f"), "r+");
  await handle.write(new Uint8Array([(content[3 * pageSize + 5000] ?? 0) ^ 1]), 0, 1, 3 * pageSize + 5000);
  await handle.close();
  expect(await verifier.confirm(join(place.path, "f"))).toEqual([]);
});

test("needed segments end with the one that holds the last byte", () => {
  const at = (text: string): Lsn => parseLsn(text) ?? expect.fail(text);
  expect(segmentsNeeded(1, at("0/FE000028"), at("1/0"), 16 * 1024 * 1024)).toEqual([
    "0000000100000000000000FE",
    "0000000100000000000000FF",
  ]);
  expect(segmentsNeeded(2, at("1/28"), at("1/1000001"), 16 * 1024 * 1024)).toEqual([
    "000000020000000100000000",
    "000000020000000100000001",
  ]);
});

test("secrets are cut out of configuration, the rest stays", () => {
  const text =
    "primary_conninfo = 'host=a password=geheim user=r'\narchive_command = 'curl \"https://u:pw1@h/x?sig=abc&x=1\"'\nport = 5432\nhost all all ::1/128 ldap ldapbindpasswd=pw2 ldapport=1\nssl_passphrase_command = 'echo pw3'\npassword_encryption = scram-sha-256";
  const clean = redact(text).text;
  for (const secret of ["geheim", "pw1", "abc", "pw2"]) expect(clean).not.toContain(secret);
  for (const kept of ["host=a", "user=r", "port = 5432", "ldapport=1", "&x=1"]) expect(clean).toContain(kept);
  expect(redact("port = 5432")).toEqual({ text: "port = 5432", redacted: false });
});

test.each([
  ["primary_conninfo = 'host=a password=''my secret'' user=r'", "secret"],
  [String.raw`primary_conninfo = 'host=a password=\'my secret\' user=r'`, "secret"],
  ["x.password = 'a''secret'", "secret"],
  ["archive_command = 'tool password=ab,secret'", "secret"],
  ['options = \'{"password": "my secret"}\'', "secret"],
])("a secret with quotes, blanks or commas in it is cut out whole: %s", (text, secret) => {
  expect(redact(text).text).not.toContain(secret);
});

/** One tar header with a right checksum. */
function tarHeader(name: string, size: number, type = "0", target = ""): Buffer {
  const header = Buffer.alloc(512);
  header.write(name, 0);
  header.write("0000600\0", 100);
  header.write(`${size.toString(8).padStart(11, "0")}\0`, 124);
  header.write(`${(0).toString(8).padStart(11, "0")}\0`, 136);
  header.write(type, 156);
  header.write(target, 157);
  header.fill(" ", 148, 156);
  const sum = header.reduce((all, byte) => all + byte, 0);
  header.write(`${sum.toString(8).padStart(6, "0")}\0 `, 148);
  return header;
}

function bytesOf(...parts: readonly Uint8Array[]): (into: Uint8Array) => Promise<number> {
  const all = Buffer.concat(parts);
  let at = 0;
  return async (into) => {
    const part = all.subarray(at, at + Math.min(into.length, 100));
    into.set(part);
    at += part.length;
    return part.length;
  };
}

describe("the server's tar stream", () => {
  test.each(["/etc/passwd", "../x", "base/../../x", "a//b", "."])("is refused with a member named %s", async (name) => {
    await expect(collect(tarMembers(bytesOf(tarHeader(name, 0))))).rejects.toMatchObject({
      code: "external-failure",
    });
  });

  test("is refused when it ends early or a header is damaged", async () => {
    await expect(collect(tarMembers(bytesOf(tarHeader("a", 700), Buffer.alloc(600))))).rejects.toThrow("ends inside a");
    const damaged = tarHeader("a", 1);
    damaged[0] = 66;
    await expect(collect(tarMembers(bytesOf(damaged)))).rejects.toThrow("checksum");
  });

  test("gives members whose content is read or skipped", async () => {
    const source = bytesOf(
      tarHeader("./d/", 0, "5"),
      tarHeader("d/a", 3),
      Buffer.from("abc"),
      Buffer.alloc(509),
      tarHeader("d/b", 600),
      Buffer.alloc(1024),
      tarHeader("l", 0, "2", "/x"),
      Buffer.alloc(1024),
    );
    const seen: string[] = [];
    for await (const member of tarMembers(source)) {
      const content = Buffer.alloc(member.path === "d/a" ? 3 : 0);
      for (let at = 0; at < content.length;) at += await member.read(content.subarray(at));
      seen.push(`${member.type} ${member.path} ${member.size} ${member.target}${content.toString()}`);
    }
    expect(seen).toEqual(["directory d 0 ", "file d/a 3 abc", "file d/b 600 ", "link l 0 /x"]);
  });
});

/** A protocol message: its type, its body. */
function message(type: string, body: Uint8Array = Buffer.alloc(0)): Buffer {
  const head = Buffer.from(`${type}\0\0\0\0`);
  head.writeUInt32BE(body.length + 4, 1);
  return Buffer.concat([head, body]);
}

function row(...columns: readonly (string | null)[]): Buffer {
  const parts = columns.map((text) => {
    const length = Buffer.alloc(4);
    length.writeInt32BE(text === null ? -1 : text.length);
    return Buffer.concat([length, Buffer.from(text ?? "")]);
  });
  return message("D", Buffer.concat([Buffer.from([0, columns.length]), ...parts]));
}

async function readSections(major: number, bytes: Buffer): Promise<{ stream: BaseBackupStream; sections: string[] }> {
  const socket = new PassThrough();
  const stream = new BaseBackupStream(new ProtocolReader(socket), major);
  for (let at = 0; at < bytes.length; at += 7) socket.write(bytes.subarray(at, at + 7));
  const sections: string[] = [];
  for (let section = await stream.section(); section !== null; section = await stream.section()) {
    const parts: Buffer[] = [];
    for (;;) {
      const into = Buffer.alloc(5);
      const count = await stream.read(into);
      if (count === 0) break;
      parts.push(into.subarray(0, count));
    }
    sections.push(
      `${section.kind === "archive" ? (section.oid ?? "base") : "manifest"}: ${Buffer.concat(parts).toString()}`,
    );
  }
  return { stream, sections };
}

describe("the answer to BASE_BACKUP", () => {
  const before = [
    message("T"),
    row("0/2000028", "3"),
    message("C"),
    message("T"),
    row("16385", "/space", "10"),
    row(null, null, "20"),
    message("C"),
  ];
  const after = [message("T"), row("0/2000100", "3"), message("C"), message("C"), message("Z", Buffer.from("I"))];
  const data = (text: string): Buffer => message("d", Buffer.from(text));

  test("is understood in the form of PostgreSQL 12 to 14", async () => {
    const copy = (...texts: readonly string[]): Buffer[] => [
      message("H", Buffer.alloc(3)),
      ...texts.map(data),
      message("c"),
    ];
    const { stream, sections } = await readSections(
      14,
      Buffer.concat([...before, ...copy("space", "data"), ...copy("basedata"), ...copy("{}"), ...after]),
    );
    expect(sections).toEqual(["16385: spacedata", "base: basedata", "manifest: {}"]);
    expect(stream).toMatchObject({
      start: { timeline: 3 },
      end: { timeline: 3 },
      tablespaces: [
        { oid: 16385, location: "/space", bytes: 10_240 },
        { oid: null, bytes: 20_480 },
      ],
    });
  });

  test("is understood in the form of PostgreSQL 15 and later", async () => {
    const copy = [
      message("H", Buffer.alloc(3)),
      data("n16385.tar\0/space\0"),
      data("dspace"),
      data("p12345678"),
      data("ddata"),
      data("nbase.tar\0\0"),
      data("dbase"),
      data("m"),
      data("d{}"),
      message("c"),
    ];
    const { sections } = await readSections(15, Buffer.concat([...before, ...copy, ...after]));
    expect(sections).toEqual(["16385: spacedata", "base: base", "manifest: {}"]);
  });

  test("is an error when the server says so, and a warning when only its pages are bad", async () => {
    const corrupted = message("E", Buffer.from("SERROR\0CXX001\0Mchecksum verification failure\0\0"));
    await expect(
      readSections(15, Buffer.concat([...before, corrupted, message("Z", Buffer.from("I"))])),
    ).rejects.toThrow("checksum verification failure");
    const { stream } = await readSections(
      15,
      Buffer.concat([...before, ...after.slice(0, 3), corrupted, message("Z", Buffer.from("I"))]),
    );
    expect(stream.checksumFailure).toBe(true);
  });
});

test("suspect pages that were not looked at again make the pages unknown, never a pass", () => {
  const damage = new PageDamage();
  damage.add("base/5/1259", [], 3);
  expect(damage.judge(lsn(1n), lsn(2n)).verdict.result).toBe("unknown");
});
