import { statfs } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import { messageOf } from "../../../domain/errors.ts";
import { formatBytes } from "../../../domain/quantity.ts";
import type { Verdict } from "../../../domain/verdict.ts";

/**
 * Whether a repository in a local directory has room for a backup of `bytes`; null for other storage, which does not say.
 * Compression usually leaves a third, so only less than half free is worth a warning, and only less than a tenth a refusal.
 */
export async function spaceFor(url: string, bytes: number | null): Promise<Verdict | null> {
  if (!url.startsWith("file:") || bytes === null) return null;
  const head = { check: "backup.space", title: "The repository has room for the backup" } as const;
  try {
    const { bavail, bsize } = await statfs(fileURLToPath(url));
    const free = bavail * bsize;
    const evidence = `${formatBytes(free)} free for ${formatBytes(bytes)} of database files before compression`;
    if (free >= bytes / 2) return { ...head, result: "pass", evidence };
    return {
      ...head,
      result: free < bytes / 10 ? "fail" : "warn",
      evidence,
      mend: "Make room there, or back up into another repository.",
    };
  } catch (error) {
    return { ...head, result: "unknown", evidence: messageOf(error) };
  }
}
