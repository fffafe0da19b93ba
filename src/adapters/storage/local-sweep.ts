import { lstat, readdir } from "node:fs/promises";
import { join } from "node:path";
import { millisecondsOf, type Instant } from "../../domain/instant.ts";
import { removeOwn } from "../system/remove.ts";
import { systemCode } from "./local-errors.ts";
import { hiddenPrefix } from "./local-keys.ts";

/** Removes unfinished files below `root` that nobody has written to since `before`; gives their paths below it. */
export async function* sweepDirectory(root: string, before: Instant, below = ""): AsyncIterable<string> {
  const oldest = millisecondsOf(before);
  for (const entry of await entriesOf(join(root, below))) {
    const path = below === "" ? entry.name : `${below}/${entry.name}`;
    if (entry.isDirectory()) yield* sweepDirectory(root, before, path);
    else if (entry.isFile() && entry.name.startsWith(hiddenPrefix) && entry.name.endsWith(".tmp")) {
      const { mtimeMs } = await lstat(join(root, path));
      if (mtimeMs >= oldest) continue;
      await removeOwn(join(root, path), { within: root });
      yield path;
    }
  }
}

async function entriesOf(directory: string) {
  try {
    return await readdir(directory, { withFileTypes: true });
  } catch (error) {
    if (systemCode(error) === "ENOENT") return [];
    throw error;
  }
}
