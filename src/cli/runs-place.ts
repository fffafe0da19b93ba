import { join } from "node:path";
import { findUser, ownerOf } from "../adapters/system/users.ts";
import type { Settings } from "./settings.ts";

/**
 * The state directory that this host's runs are in, for commands that only look and stay root: runs work as the owner of
 * the data directory, and where nothing names a state directory theirs is below that user's home.
 */
export async function runsPlace(
  settings: Pick<Settings, "stateDirectory" | "isStateDefault" | "cluster">,
  uid = process.getuid?.(),
): Promise<string> {
  if (uid !== 0 || settings.isStateDefault !== true) return settings.stateDirectory;
  const place = settings.cluster?.dataDirectory;
  const owner = place === undefined ? null : await ownerOf(place).catch(() => null);
  const user = await findUser(owner === null || owner.uid === 0 ? "postgres" : owner.uid);
  return user === null ? settings.stateDirectory : join(user.home, ".local", "state", "pgrescue");
}
