import { errorKinds, messageOf, PgrescueError } from "../../domain/errors.ts";

/** A failure in four parts, as a screen shows it. */
export interface Failure {
  readonly message: string;
  readonly means: string;
  readonly next: string;
  readonly code: string;
}

/** Something that is asked for and comes later. */
export type Loadable<T> =
  | { readonly status: "idle" }
  | { readonly status: "loading" }
  | { readonly status: "ready"; readonly value: T }
  | { readonly status: "failed"; readonly failure: Failure };

export const idle: { readonly status: "idle" } = { status: "idle" };
export const loading: { readonly status: "loading" } = { status: "loading" };

/** The value once it is there. */
export function ready<T>(value: T): Loadable<T> {
  return { status: "ready", value };
}

/** The value, or null while it is not there. */
export function valueOf<T>(loadable: Loadable<T>): T | null {
  return loadable.status === "ready" ? loadable.value : null;
}

/** Anything thrown, in four parts; what is not a PgrescueError is called the defect it is. */
export function failureOf(error: unknown): Failure {
  if (error instanceof PgrescueError)
    return { message: error.message, means: error.means, next: error.next, code: error.code };
  return {
    message: messageOf(error),
    means: errorKinds.bug.means,
    next: errorKinds.bug.next,
    code: "bug",
  };
}
