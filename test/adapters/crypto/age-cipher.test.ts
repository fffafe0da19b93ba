import { randomBytes } from "node:crypto";
import { mkdtempSync, rmSync } from "node:fs";
import { readFile, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { generateX25519Identity, identityToRecipient } from "age-encryption";
import { execa } from "execa";
import fc from "fast-check";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { ageCipher } from "../../../src/adapters/crypto/age-cipher.ts";
import { loadIdentities } from "../../../src/adapters/crypto/identities.ts";
import { beginHashedObject } from "../../../src/adapters/repository/native/hashed-object.ts";
import { sealBytes, sealedContent, unsealBytes } from "../../../src/adapters/repository/native/sealed-store.ts";
import { openStore } from "../../../src/adapters/storage/registry.ts";
import { createShell } from "../../../src/adapters/system/exec.ts";
import { chunksOf, plainChunk, plainSize, sealedChunk } from "../../../src/domain/sealed-size.ts";
import { Secret } from "../../../src/domain/secret.ts";
import type { Cipher } from "../../../src/ports/cipher.ts";
import type { ObjectStore } from "../../../src/ports/object-store.ts";

const directory = mkdtempSync(join(tmpdir(), "pgrescue-age-"));
afterAll(() => rmSync(directory, { recursive: true }));

const place = (name: string): string => join(directory, name);
const sizes = [0, 1, plainChunk - 1, plainChunk, plainChunk + 1, 3 * plainChunk, 3 * plainChunk + 77];
let identity: string;
let other: string;
let cipher: Cipher;
let store: ObjectStore;

beforeAll(async () => {
  [identity, other] = [await generateX25519Identity(), await generateX25519Identity()];
  const recipients = [await identityToRecipient(identity), await identityToRecipient(other)];
  cipher = ageCipher(recipients, () => Promise.resolve([new Secret(identity)]));
  await writeFile(place("key"), `# mine\n${identity}\n`, { mode: 0o600 });
  store = await openStore(`file://${directory}`);
});

async function stored(name: string, content: Uint8Array, by = cipher): Promise<void> {
  const object = await beginHashedObject(store, "", name, by);
  for (let at = 0; at < content.length; at += 50_000) await object.write(content.slice(at, at + 50_000));
  await object.commit();
}

describe("the stock age program", () => {
  test.each(sizes)("reads what we wrote, %i bytes", async (size) => {
    const content = randomBytes(size);
    await stored(`ours-${size}`, content);
    const { stdout } = await execa("age", ["-d", "-i", place("key"), place(`ours-${size}.age`)], {
      encoding: "buffer",
    });
    expect(Buffer.compare(stdout, content)).toBe(0);
    await writeFile(place("bytes"), await sealBytes(cipher, content));
    const again = await execa("age", ["-d", "-i", place("key"), place("bytes")], { encoding: "buffer" });
    expect(Buffer.compare(again.stdout, content)).toBe(0);
  });

  test.each(sizes)("writes what we read, %i bytes", async (size) => {
    const content = randomBytes(size);
    await writeFile(place("content"), content);
    await execa("age", ["-r", cipher.recipients[0] ?? "", "-o", place(`theirs-${size}.age`), place("content")]);
    expect(
      Buffer.compare((await sealedContent(store, cipher).get(`theirs-${size}`)) ?? new Uint8Array(), content),
    ).toBe(0);
    expect(Buffer.compare(await unsealBytes(cipher, await readFile(place(`theirs-${size}.age`)), "x"), content)).toBe(
      0,
    );
  });
});

test("any range is read from the chunks that hold it", async () => {
  const content = randomBytes(5 * plainChunk + 4321);
  await stored("ranges", content);
  const contents = sealedContent(store, cipher);
  await fc.assert(
    fc.asyncProperty(fc.nat(content.length - 1), fc.nat(2 * plainChunk), async (offset, wanted) => {
      const length = Math.min(wanted, content.length - offset);
      const part = await contents.get("ranges", { offset, length });
      expect(Buffer.compare(part ?? new Uint8Array(), content.subarray(offset, offset + length))).toBe(0);
    }),
    { numRuns: 50 },
  );
  await expect(contents.get("ranges", { offset: content.length - 5, length: 10 })).rejects.toMatchObject({
    code: "damaged-data",
  });
  expect(await contents.get("absent")).toBeNull();
});

test("every flipped, missing or exchanged chunk is noticed", async () => {
  const content = randomBytes(3 * plainChunk);
  const sealed = await sealBytes(cipher, content);
  const start = sealed.length - 3 * sealedChunk;
  const exchanged = Buffer.concat([
    sealed.subarray(0, start),
    sealed.subarray(start + sealedChunk, start + 2 * sealedChunk),
    sealed.subarray(start, start + sealedChunk),
    sealed.subarray(start + 2 * sealedChunk),
  ]);
  const flipped = Buffer.from(sealed);
  flipped[start + 70_000] = (flipped[start + 70_000] ?? 0) ^ 1;
  const bad = [
    exchanged,
    flipped,
    sealed.subarray(0, sealed.length - sealedChunk),
    sealed.subarray(0, sealed.length - 3),
  ];
  for (const bytes of bad)
    await expect(unsealBytes(cipher, bytes, "x")).rejects.toMatchObject({ code: "damaged-data" });
});

test("another key, no key, and rubbish for a key are told apart", async () => {
  const sealed = await sealBytes(
    ageCipher([cipher.recipients[0] ?? ""], () => Promise.resolve([])),
    Buffer.from("x"),
  );
  const by = (keys: readonly string[]): Cipher =>
    ageCipher(cipher.recipients, () => Promise.resolve(keys.map((key) => new Secret(key))));
  await expect(unsealBytes(by([other]), sealed, "it")).rejects.toThrow("it is encrypted to other keys");
  await expect(unsealBytes(by([]), sealed, "it")).rejects.toThrow("no key is at hand");
  await expect(unsealBytes(by(["AGE-SECRET-KEY-1QQQ"]), sealed, "it")).rejects.toThrow(
    "not an age key that can be read",
  );
  await expect(unsealBytes(by([other, identity]), sealed, "it")).resolves.toHaveLength(1);
});

describe("identities", () => {
  const shell = createShell();

  test("come from a file, a command, or a file with a passphrase", async () => {
    const reveal = async (sources: Parameters<typeof loadIdentities>[0]) =>
      (await loadIdentities(sources, shell)).map((secret) => secret.reveal());
    expect(await reveal({ identityFile: place("key") })).toEqual([identity]);
    expect(await reveal({ identityCommand: ["cat", place("key")] })).toEqual([identity]);
    expect(await reveal({})).toEqual([]);
    // age asks for the passphrase on a terminal only.
    await writeFile(place("passphrase"), "correct horse\n");
    const { Encrypter } = await import("age-encryption");
    const encrypter = new Encrypter();
    encrypter.setPassphrase("correct horse");
    encrypter.setScryptWorkFactor(10);
    await writeFile(place("protected"), await encrypter.encrypt(`${identity}\n`));
    const sources = { identityFile: place("protected") };
    expect(await reveal({ ...sources, passphraseFile: place("passphrase") })).toEqual([identity]);
    await expect(reveal(sources)).rejects.toThrow("is protected by a passphrase");
    await writeFile(place("passphrase"), "battery staple\n");
    await expect(reveal({ ...sources, passphraseFile: place("passphrase") })).rejects.toThrow("does not open");
  });

  test("are never quoted when they are bad", async () => {
    await writeFile(place("bad"), "AGE-SECRET-KEY-oops hunter2\n");
    await writeFile(place("worse"), "hunter2\n");
    await expect(loadIdentities({ identityFile: place("worse") }, shell)).rejects.toThrow(/^(?!.*hunter2)/s);
    await expect(loadIdentities({ identityFile: place("absent") }, shell)).rejects.toThrow("cannot be read");
    await expect(loadIdentities({ identityCommand: ["false"] }, shell)).rejects.toThrow("false exited with 1");
  });
});

test("sizes of payloads and of their content agree", () => {
  fc.assert(
    fc.property(fc.nat(10 * plainChunk), (size) => {
      const chunks = Math.max(1, Math.ceil(size / plainChunk));
      expect(plainSize(size + 16 * chunks)).toBe(size);
    }),
  );
  expect([0, 15, sealedChunk + 16, 2 * sealedChunk + 3].map(plainSize)).toEqual([null, null, null, null]);
  expect(chunksOf(plainChunk - 1, 2)).toEqual({ first: 0, last: 1, skip: plainChunk - 1 });
});
