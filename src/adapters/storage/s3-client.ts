import { readFileSync } from "node:fs";
import { Agent } from "node:https";
import { rootCertificates } from "node:tls";
import { S3Client, type S3ClientConfig } from "@aws-sdk/client-s3";
import { fromIni } from "@aws-sdk/credential-provider-ini";
import { PgrescueError, messageOf } from "../../domain/errors.ts";
import { patientRetries } from "./s3-retry.ts";

/** A repository's entry in the configuration, as far as it concerns S3. */
export interface S3Options {
  readonly endpoint?: string;
  readonly region?: string;
  readonly pathStyle?: boolean;
  readonly profile?: string;
  /** An AWS credentials file, for a server's user that has no home or environment of its own. */
  readonly credentialsFile?: string;
  readonly checksums?: "when-supported" | "when-required";
  readonly kmsKeyId?: string;
}

type Environment = { readonly [name: string]: string | undefined };

/** How long a connection may take, and how long it may be silent, in milliseconds. */
const connectionTimeout = 5_000;
const silence = 30_000;

/**
 * A client after the options, then AWS's environment, files and roles. The SDK repeats requests that may be repeated and
 * heeds Retry-After; nobody else does.
 */
export function s3Client(options: S3Options, env: Environment): { readonly client: S3Client; readonly host: string } {
  const endpoint = options.endpoint ?? env["AWS_ENDPOINT_URL_S3"] ?? env["AWS_ENDPOINT_URL"] ?? env["AWS_ENDPOINT"];
  const region = options.region ?? env["AWS_REGION"] ?? env["AWS_DEFAULT_REGION"];
  const pathStyle = options.pathStyle ?? (truth(env["AWS_S3_FORCE_PATH_STYLE"]) || endpoint !== undefined);
  const checksums = options.checksums === "when-required" ? "WHEN_REQUIRED" : "WHEN_SUPPORTED";
  const config: S3ClientConfig = {
    forcePathStyle: pathStyle,
    retryStrategy: patientRetries(),
    requestChecksumCalculation: checksums,
    responseChecksumValidation: checksums,
    requestHandler: {
      connectionTimeout,
      socketTimeout: silence,
      requestTimeout: silence,
      throwOnRequestTimeout: true,
      httpsAgent: new Agent({ keepAlive: true, maxSockets: 64, ...authorities(env) }),
      httpAgent: { keepAlive: true, maxSockets: 64 },
    },
    ...(endpoint === undefined ? {} : { endpoint: plainEndpoint(endpoint) }),
    ...(region === undefined ? (endpoint === undefined ? {} : { region: "us-east-1" }) : { region }),
    ...(options.profile === undefined ? {} : { profile: options.profile }),
    ...(options.credentialsFile === undefined
      ? fromEnvironment(options, env)
      : {
          credentials: fromIni({
            filepath: readable(options.credentialsFile),
            ...(options.profile === undefined ? {} : { profile: options.profile }),
          }),
        }),
  };
  return {
    client: new S3Client(config),
    host: endpoint === undefined ? "Amazon S3" : new URL(plainEndpoint(endpoint)).host,
  };
}

/** Keys in the environment, unless a profile is asked for: what the SDK's own chain would take first, too. */
function fromEnvironment(options: S3Options, env: Environment): Pick<S3ClientConfig, "credentials"> {
  const {
    AWS_ACCESS_KEY_ID: accessKeyId,
    AWS_SECRET_ACCESS_KEY: secretAccessKey,
    AWS_SESSION_TOKEN: sessionToken,
  } = env;
  if (options.profile !== undefined || accessKeyId === undefined || secretAccessKey === undefined) return {};
  return { credentials: { accessKeyId, secretAccessKey, ...(sessionToken === undefined ? {} : { sessionToken }) } };
}

function plainEndpoint(text: string): string {
  const url = URL.parse(text.includes("://") ? text : `https://${text}`);
  if (url === null || !/^https?:$/.test(url.protocol) || url.username !== "" || url.search !== "")
    throw new PgrescueError("config", "the repository's endpoint is not an http or https address", {
      next: "Write it like https://s3.example.com:9000, without user, password or query.",
    });
  return url.href;
}

/** The SDK says of a missing file only that there are no credentials. */
function readable(file: string): string {
  try {
    readFileSync(file);
    return file;
  } catch (error) {
    throw new PgrescueError("credentials", `the credentials file cannot be read: ${messageOf(error)}`, {
      next: "Let the user that this runs as read it (for wal-push and restore_command the server's), with mode 0600.",
    });
  }
}

/** AWS_CA_BUNDLE adds to the built-in authorities, as NODE_EXTRA_CA_CERTS does by itself. */
function authorities(env: Environment): { ca?: string[] } {
  const bundle = env["AWS_CA_BUNDLE"];
  if (bundle === undefined || bundle === "") return {};
  try {
    return { ca: [...rootCertificates, readFileSync(bundle, "utf8")] };
  } catch (error) {
    throw new PgrescueError("config", `AWS_CA_BUNDLE cannot be read: ${messageOf(error)}`, {
      next: "Correct the variable or take it out of the environment.",
    });
  }
}

function truth(text: string | undefined): boolean {
  return /^(?:1|true|yes|on)$/i.test(text ?? "");
}
