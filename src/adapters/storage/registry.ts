import { PgrescueError } from "../../domain/errors.ts";
import { parseSize } from "../../domain/quantity.ts";
import type { Clock } from "../../ports/clock.ts";
import type { Backend, ObjectStore } from "../../ports/object-store.ts";
import { limited } from "./limited.ts";
import { retrying } from "./retrying.ts";

/** Every storage backend by URL scheme; its code (and SDK) is loaded only when it is used. */
export const backends = {
  file: () => import("./local.ts"),
  s3: () => import("./s3.ts"),
  azure: () => import("./azure.ts"),
  az: () => import("./azure.ts"),
} satisfies Record<string, () => Promise<{ readonly backend: Backend }>>;

/**
 * Opens the store at a URL (`file:///var/backups/pg`, or a plain absolute path). `options` is the repository's entry in
 * the configuration. Throws `config` for an unknown scheme, `repository-not-found`, `credentials`, `store-failure`.
 */
export async function openStore(url: string, options: { readonly [key: string]: unknown } = {}): Promise<ObjectStore> {
  return (await open(url, options)).store;
}

async function open(
  url: string,
  options: { readonly [key: string]: unknown },
): Promise<{ readonly store: ObjectStore; readonly repeats: boolean }> {
  const scheme = url.startsWith("/") ? "file" : (/^([a-z][a-z0-9+.-]*):/i.exec(url)?.[1]?.toLowerCase() ?? "");
  const load = Object.entries(backends).find(([name]) => name === scheme)?.[1];
  if (load === undefined) {
    throw new PgrescueError("config", `no storage backend understands ${JSON.stringify(withoutSecrets(url))}`, {
      next: `Begin the URL with one of: ${Object.keys(backends)
        .map((name) => `${name}:`)
        .join(", ")}; or give an absolute path.`,
    });
  }
  const { backend } = await load();
  return { store: await backend.open(url, options), repeats: backend.repeats === true };
}

/**
 * The same for lasting use: what the backend does not repeat by itself is repeated, and the entry's limits hold. Throws
 * as openStore.
 */
export async function openLastingStore(
  url: string,
  options: { readonly [key: string]: unknown },
  clock: Clock,
): Promise<ObjectStore> {
  const { store, repeats } = await open(url, options);
  const patient = repeats ? store : retrying(store, { clock });
  const { limits } = options as { readonly limits?: { readonly bandwidth?: string; readonly concurrency?: number } };
  if (limits === undefined) return patient;
  const bytesPerSecond = limits.bandwidth === undefined ? null : parseSize(limits.bandwidth);
  return limited(patient, {
    clock,
    ...(limits.concurrency === undefined ? {} : { concurrency: limits.concurrency }),
    ...(bytesPerSecond === null ? {} : { bytesPerSecond }),
  });
}

/** A URL as it may be shown: user, password and query left out. */
function withoutSecrets(url: string): string {
  return url.replace(/\/\/[^/@]*@/, "//").replace(/\?.*$/, "");
}
