import { readFile, stat } from "node:fs/promises";
import { PgrescueError } from "../../domain/errors.ts";
import type { OsUser } from "../../ports/shell.ts";

/** The user with this name or numeric id in /etc/passwd; null when there is none. */
export async function findUser(nameOrId: string | number): Promise<(OsUser & { readonly home: string }) | null> {
  const passwd = await readFile("/etc/passwd", "utf8");
  for (const line of passwd.split("\n")) {
    const [name = "", , uid = "", gid = "", , home = ""] = line.split(":");
    if (name !== "" && (name === nameOrId || (typeof nameOrId === "number" && Number(uid) === nameOrId))) {
      return { name, uid: Number(uid), gid: Number(gid), home };
    }
  }
  return null;
}

/** The owner of a path that exists. Users without an /etc/passwd line are known by their number. */
export async function ownerOf(path: string): Promise<OsUser> {
  const info = await stat(path);
  const user = await findUser(info.uid);
  return user === null
    ? { name: String(info.uid), uid: info.uid, gid: info.gid }
    : { name: user.name, uid: user.uid, gid: user.gid };
}

/** The user we run as. */
export async function currentUser(): Promise<OsUser & { readonly home: string }> {
  const uid = process.geteuid?.();
  if (uid === undefined) throw new PgrescueError("precondition-refused", "this system has no POSIX users");
  const user = await findUser(uid);
  return user ?? { name: String(uid), uid, gid: process.getegid?.() ?? uid, home: process.env["HOME"] ?? "/" };
}
