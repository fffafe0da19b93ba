import { messageOf, PgrescueError } from "../../../domain/errors.ts";

/** A failure to read the server's files as an error that names what could not be read; others unchanged. */
export function readError(error: unknown, path: string): unknown {
  if (!(error instanceof Error) || !("syscall" in error)) return error;
  return new PgrescueError("external-failure", `cannot read ${path}: ${messageOf(error)}`, {
    cause: error,
    means: "The backup was not finished; nothing of it is offered.",
    next: "Mend the file's owner, mode or disk; or move what does not belong into the data directory out of it.",
  });
}
