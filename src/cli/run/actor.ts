import { hostname } from "node:os";
import { readlinkSync } from "node:fs";
import { currentUser } from "../../adapters/system/users.ts";
import type { Actor } from "../../domain/run/events.ts";

/** Who is at the keyboard: kept with every decision. The person behind sudo is named, not root. */
export async function currentActor(env: { readonly [name: string]: string | undefined }): Promise<Actor> {
  const user = env["SUDO_USER"] ?? env["PGRESCUE_ACTOR"] ?? (await currentUser()).name;
  const tty = terminalName();
  const ssh = env["SSH_CONNECTION"]?.split(" ")[0];
  return {
    user,
    host: hostname(),
    pid: process.pid,
    ...(tty === null ? {} : { tty }),
    ...(ssh === undefined ? {} : { ssh }),
  };
}

function terminalName(): string | null {
  if (!process.stdin.isTTY) return null;
  try {
    return readlinkSync("/proc/self/fd/0");
  } catch {
    return null;
  }
}
