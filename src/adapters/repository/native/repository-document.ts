import { randomUUID } from "node:crypto";
import { PgrescueError } from "../../../domain/errors.ts";
import type { ObjectStore } from "../../../ports/object-store.ts";
import { repositoryKey } from "./keys.ts";

/** The format that this program writes. Older ones are read, newer ones refused. */
const formatVersion = 1;

/** `pgrescue.json` at a repository's root. */
export interface RepositoryDocument {
  readonly format: "pgrescue.repository";
  readonly version: number;
  /** Made once, at random; a copy of a repository keeps it. */
  readonly id: string;
  /** age recipients that everything is encrypted to; none: not encrypted. */
  readonly recipients: readonly string[];
}

/** Reads `pgrescue.json`; null when there is none. Throws `damaged-data`, and `precondition-refused` for a newer format. */
export async function readRepositoryDocument(store: ObjectStore): Promise<RepositoryDocument | null> {
  const bytes = await store.get(repositoryKey);
  return bytes === null ? null : decode(bytes, store.url);
}

/** Makes a repository in an empty place. Two hosts that do so at once end with the same document. */
export async function createRepository(
  store: ObjectStore,
  recipients: readonly string[] = [],
): Promise<RepositoryDocument> {
  for await (const { key } of store.list("")) {
    if (key === repositoryKey) break;
    throw new PgrescueError("precondition-refused", `${store.url} holds ${key} and no ${repositoryKey}`, {
      next: "Give an empty directory for a new repository, or correct the URL of the one you mean.",
    });
  }
  const fresh: RepositoryDocument = {
    format: "pgrescue.repository",
    version: formatVersion,
    id: randomUUID(),
    recipients,
  };
  if (
    (await store.put(repositoryKey, Buffer.from(`${JSON.stringify(fresh, null, 2)}\n`), { ifAbsent: true })) ===
    "stored"
  )
    return fresh;
  const other = await readRepositoryDocument(store);
  if (other === null)
    throw new PgrescueError("store-failure", `${repositoryKey} exists and cannot be read in ${store.url}`);
  return other;
}

function decode(bytes: Uint8Array, url: string): RepositoryDocument {
  const found = parse(bytes);
  const { format, version, id, recipients } = found ?? {};
  if (format !== "pgrescue.repository" || typeof version !== "number" || typeof id !== "string") {
    throw new PgrescueError("damaged-data", `${repositoryKey} in ${url} is not what was written`, {
      next: `Restore ${repositoryKey} from a copy; the backups themselves do not depend on it.`,
    });
  }
  if (version > formatVersion) {
    throw new PgrescueError(
      "precondition-refused",
      `${url} has format ${version}; this program knows ${formatVersion}`,
      { next: "Use a newer pgrescue for this repository." },
    );
  }
  const keys = Array.isArray(recipients) ? recipients.filter((key) => typeof key === "string") : [];
  return { format, version, id, recipients: keys };
}

function parse(bytes: Uint8Array): Record<string, unknown> | null {
  try {
    const value: unknown = JSON.parse(new TextDecoder().decode(bytes));
    return typeof value === "object" && value !== null ? (value as Record<string, unknown>) : null;
  } catch {
    return null;
  }
}
