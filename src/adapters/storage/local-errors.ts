import { PgrescueError, messageOf } from "../../domain/errors.ts";

/** The code of a Node system error (`ENOENT`); empty for anything else. */
export function systemCode(error: unknown): string {
  return error instanceof Error && "code" in error && typeof error.code === "string" ? error.code : "";
}

/** Says what the file system did as one of our errors; errors that are ours already pass unchanged. */
export function storeError(error: unknown, doing: string): PgrescueError {
  if (error instanceof PgrescueError) return error;
  const cause = error;
  switch (systemCode(error)) {
    case "ENOSPC":
      return new PgrescueError("store-failure", `no space left while ${doing}`, {
        cause,
        next: "Free space in the repository's file system, then run it again.",
      });
    case "EDQUOT":
      return new PgrescueError("store-failure", `the disk quota is used up while ${doing}`, {
        cause,
        next: "Raise the quota of the repository's owner, then run it again.",
      });
    case "EROFS":
      return new PgrescueError("store-failure", `the file system is mounted read-only while ${doing}`, {
        cause,
        next: "Remount the repository's file system for writing; look for disk errors in the kernel log first.",
      });
    case "EACCES":
    case "EPERM":
      return new PgrescueError("credentials", `permission denied while ${doing}`, {
        cause,
        next: `Let uid ${process.geteuid?.() ?? "?"} read and write the repository's directory.`,
      });
    default:
      return new PgrescueError("store-failure", `${messageOf(error)} while ${doing}`, { cause });
  }
}
