import { createHash } from "node:crypto";
import { lstat, readdir, readFile, readlink } from "node:fs/promises";
import { join } from "node:path";

/** Every path of a tree with type, mode and content's hash: two trees are the same when these are equal. */
export async function describeTree(root: string, without: readonly string[] = []): Promise<Record<string, string>> {
  const found: Record<string, string> = {};
  for (const entry of await readdir(root, { withFileTypes: true, recursive: true })) {
    const path = join(entry.parentPath, entry.name);
    const name = path.slice(root.length + 1);
    if (without.includes(name)) continue;
    const { mode } = await lstat(path);
    if (entry.isSymbolicLink()) found[name] = `link ${await readlink(path)}`;
    else if (entry.isDirectory()) found[name] = `directory ${(mode & 0o7777).toString(8)}`;
    else
      found[name] = `file ${(mode & 0o7777).toString(8)} ${createHash("sha256")
        .update(await readFile(path))
        .digest("hex")}`;
  }
  return found;
}
