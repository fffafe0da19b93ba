import { PgrescueError, messageOf } from "../../domain/errors.ts";
import { formatDuration } from "../../domain/quantity.ts";
import { networkError } from "./network-errors.ts";

/** What a message about a bucket needs to say. */
export interface S3Place {
  readonly bucket: string;
  /** Host and port, for people. */
  readonly host: string;
}

interface ServiceError {
  readonly name: string;
  readonly status: number | null;
  readonly headers: { readonly [name: string]: string };
}

/** Whether the store said that there is no such object. */
export function isAbsent(error: unknown): boolean {
  const { name, status } = serviceError(error);
  return status === 404 && name !== "NoSuchBucket" && name !== "NoSuchUpload";
}

/** Whether the store said that something is there already, or is not what was expected. */
export function isConditionFailed(error: unknown): boolean {
  return serviceError(error).status === 412;
}

/** Whether the store said that it has no such condition. */
export function isUnknownCondition(error: unknown): boolean {
  const { name, status } = serviceError(error);
  return status === 501 || name === "NotImplemented";
}

/** Whether the store said that somebody else changed the object at the same moment. */
export function isConflict(error: unknown): boolean {
  return serviceError(error).status === 409;
}

/** Whether the store said that the object is being restored from its archive already. */
export function isRestoring(error: unknown): boolean {
  return serviceError(error).name === "RestoreAlreadyInProgress";
}

/** Whether the store said that a multipart upload is not there (any more). */
export function isUploadGone(error: unknown): boolean {
  return serviceError(error).name === "NoSuchUpload";
}

/** An error of the SDK as ours: each cause with its own mend, never with a secret. */
export function s3Error(error: unknown, doing: string, { bucket, host }: S3Place): unknown {
  if (error instanceof PgrescueError) return error;
  const network = networkError(error, doing, host);
  if (network !== null) return network;
  const { name, status, headers } = serviceError(error);
  const make = (code: ConstructorParameters<typeof PgrescueError>[0], what: string, next: string): PgrescueError =>
    new PgrescueError(code, `${doing}: ${what}`, { next, cause: error });
  switch (name) {
    case "NoSuchBucket":
      return make(
        "repository-not-found",
        `there is no bucket ${bucket} at ${host}`,
        "Check the bucket's name and the endpoint; `pgrescue generate storage s3` prints how to make one.",
      );
    case "PermanentRedirect":
    case "AuthorizationHeaderMalformed":
    case "IllegalLocationConstraintException":
    case "301": {
      const region = headers["x-amz-bucket-region"];
      return make(
        "config",
        region === undefined ? `bucket ${bucket} is in another region` : `bucket ${bucket} is in region ${region}`,
        `Set the repository's region${region === undefined ? "" : ` to ${region}`}.`,
      );
    }
    case "InvalidAccessKeyId":
      return make(
        "credentials",
        `${host} does not know the access key`,
        "Check AWS_ACCESS_KEY_ID, the profile, or credentialsFile.",
      );
    case "SignatureDoesNotMatch":
      return make(
        "credentials",
        "the secret key is not that of the access key",
        "Check AWS_SECRET_ACCESS_KEY, the profile, or credentialsFile.",
      );
    case "ExpiredToken":
    case "ExpiredTokenException":
    case "TokenRefreshRequired":
      return make(
        "credentials",
        "the session token has expired",
        "Log in anew, or let the instance role or web identity give tokens.",
      );
    case "InvalidToken":
    case "UnrecognizedClientException":
      return make(
        "credentials",
        "the session token is not valid",
        "Check AWS_SESSION_TOKEN, or take it out of the environment.",
      );
    case "CredentialsProviderError":
    case "TokenProviderError":
      return make(
        "credentials",
        `no credentials for S3 were found: ${messageOf(error)}`,
        "Set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, a profile, or credentialsFile; or run with an instance role or web identity.",
      );
    case "RequestTimeTooSkewed":
      return make(
        "precondition-refused",
        `this host's clock is ${skew(headers)} the store's`,
        "Set the clock (NTP), then run the command again.",
      );
    case "InvalidObjectState":
      return make(
        "precondition-refused",
        "the object is archived and must be restored first",
        "Restore it into a readable tier, or take a newer point.",
      );
    case "GlacierExpeditedRetrievalNotAvailable":
      return make(
        "precondition-refused",
        "S3 has no capacity for expedited retrievals now",
        "Ask for standard priority, or try again later.",
      );
    case "KMS.DisabledException":
    case "KMS.NotFoundException":
    case "KMSDisabled":
      return make(
        "credentials",
        `the KMS key cannot be used (${name})`,
        "Check the repository's kmsKeyId and the right to use it.",
      );
    default:
      break;
  }
  if (status === 401 || status === 403)
    return make(
      "credentials",
      `${host} forbids it (${name})`,
      "Give these credentials the right to list, read and write the bucket; `pgrescue generate storage s3` prints the policies.",
    );
  return make(
    "store-failure",
    status === null ? messageOf(error) : `${host} answered ${status} ${name}`,
    status !== null && status >= 500
      ? "The store has trouble of its own; look at it, then run the command again."
      : "Check the storage, then run the command again.",
  );
}

function serviceError(error: unknown): ServiceError {
  if (typeof error !== "object" || error === null) return { name: "", status: null, headers: {} };
  const { name, Code, $metadata, $response } = error as {
    name?: unknown;
    Code?: unknown;
    $metadata?: { httpStatusCode?: number };
    $response?: { headers?: { [name: string]: string }; statusCode?: number };
  };
  const status = $metadata?.httpStatusCode ?? $response?.statusCode ?? null;
  const said = typeof Code === "string" && Code !== "" ? Code : typeof name === "string" ? name : "";
  return { name: status === 301 ? "301" : said, status, headers: $response?.headers ?? {} };
}

/** `17m03 behind`, `2h00m ahead of`; by the answer's own date. */
function skew(headers: { readonly [name: string]: string }): string {
  const theirs = Date.parse(headers["date"] ?? "");
  if (Number.isNaN(theirs)) return "too far from";
  const seconds = (Date.now() - theirs) / 1000;
  return `${formatDuration(Math.abs(seconds))} ${seconds < 0 ? "behind" : "ahead of"}`;
}
