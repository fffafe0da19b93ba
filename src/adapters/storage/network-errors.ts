import { PgrescueError } from "../../domain/errors.ts";

/** What went wrong on the way to a store, in words; null where it was not the network. `host`: what was asked for, for people. */
export function networkError(error: unknown, doing: string, host: string): PgrescueError | null {
  const code = codeOf(error);
  if (code === null) return null;
  const failure = (what: string, next: string): PgrescueError =>
    new PgrescueError("store-failure", `${doing}: ${what}`, { next, cause: error });
  switch (code) {
    case "ENOTFOUND":
    case "EAI_AGAIN":
      return failure(
        `the name of ${host} cannot be resolved`,
        "Check the account's or endpoint's spelling, and this host's DNS.",
      );
    case "ECONNREFUSED":
      return failure(
        `${host} refuses connections`,
        "Check the endpoint's address and port, and whether the store runs.",
      );
    case "EHOSTUNREACH":
    case "ENETUNREACH":
      return failure(`there is no way to ${host}`, "Check the network, the firewall and the proxy of this host.");
    case "ECONNRESET":
    case "EPIPE":
    case "ERR_STREAM_PREMATURE_CLOSE":
    case "ECONNABORTED":
      return failure(`the connection to ${host} broke off`, "Check the network; then run the command again.");
    case "ETIMEDOUT":
    case "TimeoutError":
    case "ESOCKETTIMEDOUT":
      return failure(`${host} did not answer in time`, "Check the network and the store; then run the command again.");
    default:
      if (/CERT|SELF_SIGNED|UNABLE_TO_|^ERR_TLS|EPROTO/.test(code))
        return failure(
          `the connection to ${host} is not trusted (${code})`,
          "Name the private certificate authority in NODE_EXTRA_CA_CERTS (S3: AWS_CA_BUNDLE), or correct the endpoint's scheme.",
        );
      return null;
  }
}

/** The error code of the system or of TLS, looked for in causes and aggregates. */
function codeOf(error: unknown, depth = 0): string | null {
  if (typeof error !== "object" || error === null || depth > 4) return null;
  const { code, name, cause, errors } = error as { code?: unknown; name?: unknown; cause?: unknown; errors?: unknown };
  if (typeof code === "string" && /^E[A-Z_]+$|CERT|SIGNED/.test(code)) return code;
  if (name === "TimeoutError") return name;
  const inner = [cause, ...(Array.isArray(errors) ? (errors as unknown[]) : [])];
  for (const one of inner) {
    const found = codeOf(one, depth + 1);
    if (found !== null) return found;
  }
  return null;
}
