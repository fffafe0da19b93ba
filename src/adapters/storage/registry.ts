import { PgrescueError } from "../../domain/errors.ts";
import type { Backend, ObjectStore } from "../../ports/object-store.ts";

/** Every storage backend by URL scheme; its code (and SDK) is loaded only when it is used. */
export const backends = {
  file: () => import("./local.ts"),
} satisfies Record<string, () => Promise<{ readonly backend: Backend }>>;

/**
 * Opens the store at a URL (`file:///var/backups/pg`, or a plain absolute path). `options` is the repository's entry in
 * the configuration. Throws `config` for an unknown scheme, `repository-not-found`, `credentials`, `store-failure`.
 */
export async function openStore(url: string, options: { readonly [key: string]: unknown } = {}): Promise<ObjectStore> {
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
  return backend.open(url, options);
}

/** A URL as it may be shown: user, password and query left out. */
function withoutSecrets(url: string): string {
  return url.replace(/\/\/[^/@]*@/, "//").replace(/\?.*$/, "");
}
