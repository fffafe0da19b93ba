import { lstat, realpath } from "node:fs/promises";
import { dirname } from "node:path";

/**
 * Whether only root can change what a file says: it and every directory above it belong to root and nobody else may write
 * there (a sticky directory keeps others from replacing what is root's). What root shall run must come from such a file.
 */
export async function onlyRootMayChange(file: string): Promise<boolean> {
  for (let at = await realpath(file); ; at = dirname(at)) {
    const { uid, mode } = await lstat(at);
    const isGuarded = (mode & 0o022) === 0 || (mode & 0o1000) !== 0;
    if (uid !== 0 || !isGuarded) return false;
    if (dirname(at) === at) return true;
  }
}
