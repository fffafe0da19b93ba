import { PgrescueError, messageOf } from "../../domain/errors.ts";
import { formatDuration } from "../../domain/quantity.ts";
import { networkError } from "./network-errors.ts";

/** What a message about a container needs to say. */
export interface AzurePlace {
  readonly account: string;
  readonly container: string;
  /** Host and port, for people. */
  readonly host: string;
}

interface ServiceError {
  readonly code: string;
  readonly status: number | null;
  readonly date: string | null;
  readonly detail: string;
}

/** Whether the service said that there is no such blob; a missing container is something else. */
export function isAbsent(error: unknown): boolean {
  const { code, status } = serviceError(error);
  return status === 404 && !code.startsWith("Container") && code !== "ResourceNotFound";
}

/** Whether the service said that something is there already. */
export function isThereAlready(error: unknown): boolean {
  const { code, status } = serviceError(error);
  return status === 412 || (status === 409 && code === "BlobAlreadyExists");
}

/** Whether the service said that the blob is on its way out of the archive tier. */
export function isRehydrating(error: unknown): boolean {
  return serviceError(error).code === "BlobBeingRehydrated";
}

/** Whether the service said that the range begins behind the blob's end. */
export function isBehindEnd(error: unknown): boolean {
  return serviceError(error).status === 416;
}

/** An error of the SDK as ours: each cause with its own mend, never with a key or a signature. */
export function azureError(error: unknown, doing: string, { account, container, host }: AzurePlace): unknown {
  if (error instanceof PgrescueError) return error;
  const network = networkError(error, doing, host);
  if (network !== null) return network;
  const { code, status, date, detail } = serviceError(error);
  const make = (kind: ConstructorParameters<typeof PgrescueError>[0], what: string, next: string): PgrescueError =>
    new PgrescueError(kind, `${doing}: ${what}`, { next });
  if (error instanceof Error && /Credential|Authentication.*Error$|AggregateAuthentication/.test(error.name))
    return make(
      "credentials",
      `no identity could be used: ${firstLine(error)}`,
      "Log in with `az login`, give this host a managed identity, or name keyFile or sasFile in the repository's entry.",
    );
  switch (code) {
    case "ContainerNotFound":
    case "ContainerBeingDeleted":
    case "ContainerDisabled":
    case "ResourceNotFound":
      return make(
        "repository-not-found",
        `there is no container ${container} in account ${account}`,
        "Check the container's name and the account; `pgrescue generate storage azure` prints how to make one.",
      );
    case "AuthenticationFailed": {
      const skew = skewOf(date);
      if (skew !== null)
        return make(
          "precondition-refused",
          `this host's clock is ${skew} the store's`,
          "Set the clock (NTP), then run the command again.",
        );
      if (/Signature not valid in the specified time frame/i.test(detail))
        return make(
          "credentials",
          "the SAS is not valid at this time",
          "Make a new one and put it into sasFile or AZURE_STORAGE_SAS_TOKEN.",
        );
      return make(
        "credentials",
        `account ${account} does not accept the key, SAS or token`,
        "Check keyFile, sasFile or the environment; keys may have been rotated.",
      );
    }
    case "InvalidAuthenticationInfo":
    case "NoAuthenticationInformation":
    case "PublicAccessNotPermitted":
      return make(
        "credentials",
        `account ${account} wants other credentials (${code})`,
        "Name an identity, key or SAS for it in the repository's entry.",
      );
    case "AuthorizationFailure":
      return make(
        "credentials",
        `account ${account} does not let this host, or this key, in`,
        "Check the key, SAS or identity; look at the account's firewall (is this host's address allowed?) and whether shared keys are allowed.",
      );
    case "BlobArchived":
    case "BlobBeingRehydrated":
      return make(
        "precondition-refused",
        "the object is archived and must be rehydrated first",
        "Rehydrate it, or take a newer point.",
      );
    case "BlobImmutableDueToPolicy":
    case "BlobImmutableDueToLegalHold":
      return make(
        "credentials",
        "the container's immutability policy does not let it go yet",
        "Wait until the policy's time is over.",
      );
    default:
      break;
  }
  if (status === 401 || status === 403)
    return make(
      "credentials",
      `account ${account} forbids it (${code === "" ? status : code})`,
      "Give this identity Storage Blob Data Contributor on the container, or the SAS the rights to read, list, create and write.",
    );
  return make(
    "store-failure",
    status === null ? firstLine(error) : `${host} answered ${status}${code === "" ? "" : ` ${code}`}`,
    status !== null && status >= 500
      ? "The store has trouble of its own; look at it, then run the command again."
      : "Check the storage, then run the command again.",
  );
}

function serviceError(error: unknown): ServiceError {
  const none = { code: "", status: null, date: null, detail: "" };
  if (typeof error !== "object" || error === null) return none;
  const { code, statusCode, details, response } = error as {
    code?: unknown;
    statusCode?: unknown;
    details?: { errorCode?: unknown; authenticationErrorDetail?: unknown; AuthenticationErrorDetail?: unknown };
    response?: { headers?: { get(name: string): string | undefined } };
  };
  const said = details?.errorCode ?? code;
  const detail = details?.authenticationErrorDetail ?? details?.AuthenticationErrorDetail;
  return {
    code: typeof said === "string" ? said : "",
    status: typeof statusCode === "number" ? statusCode : null,
    date: response?.headers?.get("date") ?? null,
    detail: typeof detail === "string" ? detail : "",
  };
}

/** `17m03 behind`, where it is more than the quarter of an hour that the service bears; by the answer's own date. */
function skewOf(date: string | null): string | null {
  const theirs = Date.parse(date ?? "");
  const seconds = (Date.now() - theirs) / 1000;
  if (Number.isNaN(theirs) || Math.abs(seconds) < 14 * 60) return null;
  return `${formatDuration(Math.abs(seconds))} ${seconds < 0 ? "behind" : "ahead of"}`;
}

/** The rest of what the SDK says is headers and bodies, which may hold what nobody should read. */
function firstLine(error: unknown): string {
  return (messageOf(error).split("\n")[0] ?? "").replaceAll(/\?[^\s"']*sig=[^\s"']*/g, "?[redacted]");
}
