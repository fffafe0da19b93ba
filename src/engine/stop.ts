import type { Actor } from "../domain/run/events.ts";

/** `pause`: at the next safe point; `interrupt`: now, to be continued; `abort`: now and for good. */
export type StopKind = "pause" | "interrupt" | "abort";

/** That a run shall stop, by whom, and how soon. */
export interface StopRequest {
  readonly kind: StopKind;
  readonly by: Actor;
  /** The signal behind an interrupt: decides the exit code (128 + number). */
  readonly signal?: "SIGINT" | "SIGTERM";
}

/** What steps and questions throw when the run stops under them. Not an error of theirs. */
export class Stopped extends Error {
  constructor() {
    super("the run was asked to stop");
    this.name = "Stopped";
  }
}

/** The one place where a run learns that it shall stop. */
export interface Stop {
  /** The gravest request so far; null while nobody asked. */
  requested(): StopRequest | null;
  request(request: StopRequest): void;
  /** Throws Stopped when the run shall stop: called at safe points. */
  atSafePoint(): void;
  /** Aborted when a step shall stop at once: for interrupts and aborts, and for pauses where the step is pausable. */
  signalFor(pausable: boolean): AbortSignal;
  /** Rejects with Stopped as soon as anything is requested. */
  readonly anyRequest: Promise<never>;
}

const gravity: readonly StopKind[] = ["pause", "interrupt", "abort"];

/** A run that nobody has asked to stop yet. */
export function createStop(): Stop {
  const soft = new AbortController();
  const hard = new AbortController();
  const asked = Promise.withResolvers<never>();
  asked.promise.catch(() => undefined);
  let current: StopRequest | null = null;
  return {
    requested: () => current,
    request: (request) => {
      if (current === null || gravity.indexOf(request.kind) > gravity.indexOf(current.kind)) current = request;
      const reason = new Stopped();
      soft.abort(reason);
      if (request.kind !== "pause") hard.abort(reason);
      asked.reject(reason);
    },
    atSafePoint: () => {
      if (current !== null) throw new Stopped();
    },
    signalFor: (pausable) => (pausable ? soft.signal : hard.signal),
    anyRequest: asked.promise,
  };
}
