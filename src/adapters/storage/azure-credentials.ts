import { readFileSync } from "node:fs";
import { BlobServiceClient, StorageSharedKeyCredential, type StoragePipelineOptions } from "@azure/storage-blob";
import type { TokenCredential } from "@azure/identity";
import { PgrescueError, messageOf } from "../../domain/errors.ts";
import { formatInstant, parseInstant } from "../../domain/instant.ts";

/** A repository's entry in the configuration, as far as it concerns Azure. */
export interface AzureOptions {
  /** Where the account answers; default `https://<account>.blob.core.windows.net`. */
  readonly endpoint?: string;
  readonly auth?: "default" | "managed-identity" | "workload-identity" | "cli" | "sas" | "key" | "connection-string";
  readonly clientId?: string;
  readonly tenantId?: string;
  readonly keyFile?: string;
  readonly sasFile?: string;
  readonly connectionStringFile?: string;
  readonly encryptionScope?: string;
}

type Environment = { readonly [name: string]: string | undefined };

const pipeline: StoragePipelineOptions = {
  retryOptions: { maxTries: 5, retryDelayInMs: 250, maxRetryDelayInMs: 8_000, tryTimeoutInMs: 60_000 },
  keepAliveOptions: { enable: true },
};

/**
 * The account's service after the options, then the environment (the names of WAL-G, az and restic), then Azure's chain of
 * identities. Secrets are read anew each time. Throws `credentials` or `config`.
 */
export async function azureService(
  account: string,
  options: AzureOptions,
  env: Environment,
): Promise<{ readonly service: BlobServiceClient; readonly host: string; readonly sasEnds: string | null }> {
  const url = options.endpoint ?? `https://${account}.blob.core.windows.net`;
  const endpoint = URL.parse(url);
  if (endpoint === null || !/^https?:$/.test(endpoint.protocol) || endpoint.username !== "" || endpoint.search !== "")
    throw new PgrescueError("config", "the repository's endpoint is not an http or https address", {
      next: "Write it like https://account.blob.core.windows.net, without a SAS: that comes from sasFile or the environment.",
    });
  const auth = options.auth ?? "default";
  const host = endpoint.host;
  const wants = (kind: NonNullable<AzureOptions["auth"]>): boolean => auth === "default" || auth === kind;

  const connectionString = wants("connection-string")
    ? secretFrom(options.connectionStringFile, env["AZURE_STORAGE_CONNECTION_STRING"])
    : null;
  if (connectionString !== null) return { service: fromConnectionString(connectionString), host, sasEnds: null };

  const key = wants("key")
    ? secretFrom(
        options.keyFile,
        env["AZURE_STORAGE_ACCESS_KEY"] ?? env["AZURE_STORAGE_KEY"] ?? env["AZURE_ACCOUNT_KEY"],
      )
    : null;
  if (key !== null) {
    const credential = new StorageSharedKeyCredential(account, key);
    return { service: new BlobServiceClient(url, credential, pipeline), host, sasEnds: null };
  }

  const sas = wants("sas") ? secretFrom(options.sasFile, env["AZURE_STORAGE_SAS_TOKEN"]) : null;
  if (sas !== null) {
    const token = sas.replace(/^\?/, "");
    const ends = refuseExpired(token);
    return { service: new BlobServiceClient(`${url}?${token}`, undefined, pipeline), host, sasEnds: ends };
  }

  if (auth === "connection-string" || auth === "key" || auth === "sas") {
    const option = { sas: "sasFile", key: "keyFile", "connection-string": "connectionStringFile" }[auth];
    throw new PgrescueError("credentials", `auth is ${auth}, and there is none`, {
      next: `Name a file with it in ${option}, or set its environment variable.`,
    });
  }
  const credential = await tokenCredential(auth, options);
  return { service: new BlobServiceClient(url, credential, pipeline), host, sasEnds: null };
}

/** One of Azure's identities; the package is large and loaded only for them. */
async function tokenCredential(
  auth: NonNullable<AzureOptions["auth"]>,
  { clientId, tenantId }: AzureOptions,
): Promise<TokenCredential> {
  const identity = await import("@azure/identity");
  const client = clientId === undefined ? {} : { clientId };
  const tenant = tenantId === undefined ? {} : { tenantId };
  if (auth === "managed-identity") return new identity.ManagedIdentityCredential(client);
  if (auth === "workload-identity") return new identity.WorkloadIdentityCredential({ ...client, ...tenant });
  if (auth === "cli") return new identity.AzureCliCredential(tenant);
  return new identity.DefaultAzureCredential({
    ...tenant,
    ...(clientId === undefined ? {} : { managedIdentityClientId: clientId, workloadIdentityClientId: clientId }),
  });
}

function fromConnectionString(text: string): BlobServiceClient {
  try {
    return BlobServiceClient.fromConnectionString(text, pipeline);
  } catch (error) {
    // What the SDK says of a bad one may quote it.
    throw new PgrescueError("credentials", "the connection string cannot be understood", {
      next: "Copy it whole: DefaultEndpointsProtocol=...;AccountName=...;AccountKey=...;EndpointSuffix=...",
      cause: error instanceof Error ? new Error(error.name) : undefined,
    });
  }
}

function secretFrom(file: string | undefined, inEnvironment: string | undefined): string | null {
  if (file !== undefined) {
    try {
      return readFileSync(file, "utf8").trim();
    } catch (error) {
      throw new PgrescueError(
        "credentials",
        `the file with the storage credentials cannot be read: ${messageOf(error)}`,
        {
          next: "Let the user that this runs as read it (for wal-push and restore_command the server's), with mode 0600.",
        },
      );
    }
  }
  return inEnvironment === undefined || inEnvironment === "" ? null : inEnvironment.trim();
}

/** When a SAS ends, as it says itself; one that is over is refused before the store does it less clearly. */
function refuseExpired(token: string): string | null {
  const ends = new URLSearchParams(token).get("se");
  const at = ends === null ? null : parseInstant(ends);
  if (at === null) return ends;
  if (at <= BigInt(Date.now()) * 1000n)
    throw new PgrescueError("credentials", `the SAS expired at ${formatInstant(at).slice(0, 19)}Z`, {
      next: "Make a new one and put it into sasFile or AZURE_STORAGE_SAS_TOKEN; a managed identity never expires.",
    });
  return formatInstant(at);
}
