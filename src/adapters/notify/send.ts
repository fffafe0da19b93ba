import { createHash, createHmac } from "node:crypto";
import { readFile } from "node:fs/promises";
import { setTimeout as delay } from "node:timers/promises";
import { messageOf, PgrescueError } from "../../domain/errors.ts";
import { cloudEvent, type Notification, type NotifyEvent } from "../../domain/notification.ts";
import { Secret } from "../../domain/secret.ts";
import type { Shell } from "../../ports/shell.ts";

/** Who is told, as the configuration says it. */
export interface NotifyTarget {
  readonly kind: "webhook" | "ping" | "command";
  readonly urlFile?: string | undefined;
  readonly urlEnv?: string | undefined;
  /** A key for the signature of webhooks. */
  readonly secretFile?: string | undefined;
  readonly command?: readonly string[] | undefined;
}

export interface SendOptions {
  readonly shell: Shell;
  readonly env: { readonly [name: string]: string | undefined };
  /** Milliseconds for one try, and between two. */
  readonly timeout?: number;
  readonly pause?: number;
}

const tries = 3;
/** Of a log that goes with a ping, in characters. */
const longestLog = 10_000;

/** Sends one message. Throws `credentials` or `config` where its place cannot be read, `external-failure` where nobody takes it after three tries. */
export async function send(target: NotifyTarget, message: Notification, options: SendOptions): Promise<void> {
  if (target.kind === "command") return runCommand(target.command ?? [], message, options);
  const url = await urlOf(target, options.env);
  if (target.kind === "ping") {
    const path = pingPath(message.event, message.exitCode);
    return post(withPath(url, path, message.run), message.lines.join("\n").slice(0, longestLog), {}, options);
  }
  const body = JSON.stringify(cloudEvent(message));
  const headers = { "content-type": "application/json; charset=utf-8", ...(await signature(target, body)) };
  return post(url, body, headers, options);
}

/** What a ping service of healthchecks.io's kind is told: the beginning, or the exit code (0 is success). */
function pingPath(event: NotifyEvent, exitCode: number | null): string {
  if (event === "start") return "start";
  return event === "failure" ? String(exitCode ?? 1) : "0";
}

function withPath(url: Secret, path: string, run: string): Secret {
  const to = parsed(url);
  to.pathname = `${to.pathname.replace(/\/$/, "")}/${path}`;
  to.searchParams.set("rid", uuidOf(run));
  return new Secret(to.toString());
}

/** A UUID for a run's name: what belongs together is shown together. */
function uuidOf(run: string): string {
  const hex = createHash("sha256").update(run).digest("hex");
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-5${hex.slice(13, 16)}-a${hex.slice(17, 20)}-${hex.slice(20, 32)}`;
}

async function urlOf({ urlFile, urlEnv }: NotifyTarget, env: SendOptions["env"]): Promise<Secret> {
  const text =
    urlFile === undefined
      ? env[urlEnv ?? ""]
      : await readFile(urlFile, "utf8").catch((cause: unknown) => {
          throw new PgrescueError("credentials", `cannot read ${urlFile}`, { cause });
        });
  const line = text?.split("\n")[0]?.trim() ?? "";
  if (line === "")
    throw new PgrescueError("credentials", `there is no address in ${urlFile ?? `the variable ${urlEnv ?? ""}`}`);
  const url = new Secret(line);
  parsed(url);
  return url;
}

function parsed(url: Secret): URL {
  const to = URL.parse(url.reveal());
  if (to === null || (to.protocol !== "https:" && to.protocol !== "http:"))
    throw new PgrescueError("config", "the address of a notification is no http or https URL");
  return to;
}

async function signature({ secretFile }: NotifyTarget, body: string): Promise<{ readonly [name: string]: string }> {
  if (secretFile === undefined) return {};
  const key = await readFile(secretFile, "utf8").catch((cause: unknown) => {
    throw new PgrescueError("credentials", `cannot read ${secretFile}`, { cause });
  });
  return { "x-pgrescue-signature": `sha256=${createHmac("sha256", key.trim()).update(body).digest("hex")}` };
}

async function post(
  url: Secret,
  body: string,
  headers: { readonly [name: string]: string },
  { timeout = 5000, pause = 2000 }: SendOptions,
): Promise<void> {
  let failure = "";
  for (let n = 1; n <= tries; n++) {
    if (n > 1) await delay(pause);
    try {
      const response = await fetch(url.reveal(), {
        method: "POST",
        body,
        headers: { "user-agent": "pgrescue", ...headers },
        signal: AbortSignal.timeout(timeout),
        redirect: "manual",
      });
      await response.arrayBuffer();
      if (response.ok) return;
      failure = `it answered ${response.status}`;
      // What is wrong with the message or the address does not mend by itself.
      if (response.status < 500 && response.status !== 429 && response.status !== 408) break;
    } catch (error) {
      failure =
        error instanceof Error && error.name === "TimeoutError" ? `no answer in ${timeout / 1000} s` : causeOf(error);
    }
  }
  // The host only: paths and queries are the key to such addresses.
  throw new PgrescueError("external-failure", `${parsed(url).host} did not take the message: ${failure}`);
}

function causeOf(error: unknown): string {
  const cause = error instanceof Error && error.cause !== undefined ? error.cause : error;
  const code = typeof cause === "object" && cause !== null && "code" in cause ? cause.code : null;
  return typeof code === "string" ? code : messageOf(cause).slice(0, 100);
}

/** Runs a program with the message on its standard input; `{subject}` in an argument is the subject. */
async function runCommand(
  command: readonly string[],
  message: Notification,
  { shell, timeout = 30_000 }: SendOptions,
): Promise<void> {
  const argv = command.map((word) => word.replaceAll("{subject}", message.subject));
  const { exit, signal, stderr } = await shell.run(argv, {
    input: `${message.lines.join("\n")}\n`,
    timeout: Math.max(timeout, 30_000),
    env: {
      PGRESCUE_EVENT: message.event,
      PGRESCUE_CLUSTER: message.cluster,
      PGRESCUE_RUN: message.run,
      PGRESCUE_SUBJECT: message.subject,
    },
  });
  if (exit === 0) return;
  throw new PgrescueError(
    "external-failure",
    `${argv[0] ?? "the command"} ended with ${exit ?? signal}: ${stderr.trim().slice(0, 200)}`,
  );
}
