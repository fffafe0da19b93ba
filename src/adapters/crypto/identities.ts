import { readFile } from "node:fs/promises";
import { armor, Decrypter } from "age-encryption";
import { messageOf, PgrescueError } from "../../domain/errors.ts";
import { Secret } from "../../domain/secret.ts";
import type { Shell } from "../../ports/shell.ts";

/** Where the identities of a repository come from. */
export interface IdentitySources {
  readonly identityFile?: string;
  /** A command that prints them. */
  readonly identityCommand?: readonly string[];
  /** Holds the passphrase of an identity file that has one. */
  readonly passphraseFile?: string;
}

/** Every identity from the named places; none where no place is named. Throws `credentials` saying which place failed. */
export async function loadIdentities(sources: IdentitySources, shell: Shell): Promise<readonly Secret[]> {
  const found: Secret[] = [];
  if (sources.identityFile !== undefined) {
    const bytes = await readFile(sources.identityFile).catch((error: unknown) => {
      throw new PgrescueError("credentials", `the identity file cannot be read: ${messageOf(error)}`, {
        next: "Let the user that this runs as read it, and nobody else (mode 0600).",
      });
    });
    found.push(...identitiesIn(await plain(bytes, sources), sources.identityFile));
  }
  if (sources.identityCommand !== undefined) {
    const { exit, stdout } = await shell.run(sources.identityCommand, {});
    if (exit !== 0)
      throw new PgrescueError("credentials", `the identity command ${sources.identityCommand[0]} exited with ${exit}`, {
        next: "Run it by hand as the same user; it must print lines that begin with AGE-SECRET-KEY-1.",
      });
    found.push(...identitiesIn(stdout, `what ${sources.identityCommand[0]} prints`));
  }
  return found;
}

function identitiesIn(text: string, where: string): Secret[] {
  const lines = text
    .split("\n")
    .map((line) => line.trim())
    .filter((line) => line !== "" && !line.startsWith("#"));
  if (lines.length > 0 && lines.every((line) => line.startsWith("AGE-SECRET-KEY-")))
    return lines.map((line) => new Secret(line));
  throw new PgrescueError("credentials", `${where} holds something else than age identities`, {
    next: "It must consist of lines that begin with AGE-SECRET-KEY-1, and comments; `pgrescue generate keys` makes one.",
  });
}

/** The text of an identity file, decrypted where a passphrase protects it (`age -p`). */
async function plain(bytes: Buffer, { identityFile, passphraseFile }: IdentitySources): Promise<string> {
  const text = bytes.toString("latin1");
  const isArmored = text.startsWith("-----BEGIN AGE ENCRYPTED FILE-----");
  if (!isArmored && !text.startsWith("age-encryption.org/v1\n")) return bytes.toString("utf8");
  if (passphraseFile === undefined)
    throw new PgrescueError("credentials", `${identityFile} is protected by a passphrase`, {
      next: "Put the passphrase into a file (mode 0600) and name it in PGRESCUE_IDENTITY_PASSPHRASE_FILE.",
    });
  const passphrase = await readFile(passphraseFile, "utf8").catch((error: unknown) => {
    throw new PgrescueError("credentials", `the passphrase of the identity file cannot be read: ${messageOf(error)}`);
  });
  const decrypter = new Decrypter();
  decrypter.addPassphrase(passphrase.replace(/\r?\n$/, ""));
  try {
    return await decrypter.decrypt(isArmored ? armor.decode(text) : bytes, "text");
  } catch {
    throw new PgrescueError("credentials", `the passphrase does not open ${identityFile}`);
  }
}
