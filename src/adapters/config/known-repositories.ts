import { createHash } from "node:crypto";
import { access, mkdir } from "node:fs/promises";
import { join } from "node:path";
import { writeFileDurably } from "../system/durable-file.ts";

/**
 * Which repositories this host has seen, in its state directory. An empty place where one was before is a disk that is
 * not mounted, not a new repository: backups must not go onto the bare mount point.
 */
export interface KnownRepositories {
  has(url: string): Promise<boolean>;
  /** Remembers it; a state directory that cannot be written only means that it is not remembered. */
  remember(url: string): Promise<void>;
}

/** The memory in `<stateDirectory>/repositories`. */
export function knownRepositories(stateDirectory: string): KnownRepositories {
  const directory = join(stateDirectory, "repositories");
  const fileOf = (url: string): string => join(directory, createHash("sha256").update(url).digest("hex").slice(0, 16));
  const has = (url: string): Promise<boolean> =>
    access(fileOf(url)).then(
      () => true,
      () => false,
    );
  return {
    has,
    remember: async (url) => {
      if (await has(url)) return;
      await mkdir(directory, { recursive: true, mode: 0o700 })
        .then(() => writeFileDurably(fileOf(url), `${url}\n`))
        .catch(() => undefined);
    },
  };
}
