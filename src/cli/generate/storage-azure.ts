import type { Arguments } from "../command.ts";
import type { NamedRepository } from "../settings.ts";
import { jsonFile, nameFrom, shell } from "./script.ts";

const softDeleteDays = "30";
const blobs = "Microsoft.Storage/storageAccounts/blobServices/containers";

/** An account and a container with versioning and soft delete, and identities for a writer, an expirer and a reader. */
export function azureStorage(args: Arguments, repository: NamedRepository | null): readonly string[] {
  const [, configuredAccount = null, configuredContainer = null] =
    /^az(?:ure)?:\/\/([^/]+)\/([^/]+)/.exec(repository?.url ?? "") ?? [];
  const account = nameFrom(args, "account", configuredAccount);
  const container = nameFrom(args, "container", configuredContainer ?? "postgres");
  const group = nameFrom(args, "resource-group", `${account}-backup`);
  const location = nameFrom(args, "location", "westeurope");
  const namespace = nameFrom(args, "namespace", "postgres");
  const serviceAccount = nameFrom(args, "service-account", "pgrescue-writer");
  const vault = args.string("vault") === undefined ? null : nameFrom(args, "vault", null);
  const az = (...words: readonly (string | readonly string[])[]): string => shell("az", ...words.flat());
  const inGroup = ["--resource-group", group];
  const ofAccount = ["--account-name", account];
  return [
    "#!/bin/sh",
    `# A place for PostgreSQL backups: container ${container} in account ${account}. For an administrator: Owner, or`,
    "# Contributor and User Access Administrator, of the resource group.",
    "set -eu",
    "",
    az("group", "create", "--name", group, "--location", location),
    "# Standard_ZRS survives a zone; Standard_GZRS keeps a copy in another region, too. No shared keys: identities only.",
    az(
      ["storage", "account", "create", "--name", account, ...inGroup, "--location", location],
      ["--sku", "Standard_ZRS", "--kind", "StorageV2", "--access-tier", "Hot", "--min-tls-version", "TLS1_2"],
      ["--allow-blob-public-access", "false", "--allow-shared-key-access", "false"],
    ),
    az(
      ["storage", "account", "blob-service-properties", "update", ...ofAccount, ...inGroup],
      ["--enable-versioning", "true", "--enable-delete-retention", "true"],
      ["--delete-retention-days", softDeleteDays, "--enable-container-delete-retention", "true"],
      ["--container-delete-retention-days", softDeleteDays],
    ),
    az("storage", "container", "create", "--name", container, ...ofAccount, "--auth-mode", "login"),
    "",
    "# Nobody deletes or replaces a blob for 14 days. `pgrescue expire` keeps what it may not delete and says so. Lock the",
    "# policy when you are sure: a locked one can only be made longer.",
    az(
      ["storage", "container", "immutability-policy", "create", ...ofAccount, ...inGroup],
      ["--container-name", container, "--period", "14"],
    ),
    "",
    "# The writer takes backups and archives; it cannot delete, so its role is one of its own.",
    `account=$(${az("storage", "account", "show", "--name", account, ...inGroup, "--query", "id", "--output", "tsv")})`,
    `scope="$account/blobServices/default/containers/${container}"`,
    ...jsonFile("writer-role.json", azureWriterRole(account, group)),
    `subscription=$(${az("account", "show", "--query", "id", "--output", "tsv")})`,
    `sed -i "s/SUBSCRIPTION/$subscription/" writer-role.json`,
    az("role", "definition", "create", "--role-definition", "@writer-role.json"),
    "",
    ...[
      ["writer", `pgrescue backup writer (${account})`],
      ["expirer", "Storage Blob Data Contributor"],
      ["reader", "Storage Blob Data Reader"],
    ].flatMap(([identity = "", role = ""]) => [
      az("identity", "create", "--name", `pgrescue-${identity}`, ...inGroup, "--location", location),
      `principal=$(${az("identity", "show", "--name", `pgrescue-${identity}`, ...inGroup, "--query", "principalId", "--output", "tsv")})`,
      `${az("role", "assignment", "create", "--role", role, "--assignee-principal-type", "ServicePrincipal")} --assignee-object-id "$principal" --scope "$scope"`,
    ]),
    ...(vault === null
      ? []
      : [
          "",
          "# Passwords from a vault, for the writer.",
          `principal=$(${az("identity", "show", "--name", "pgrescue-writer", ...inGroup, "--query", "principalId", "--output", "tsv")})`,
          `vault=$(${az("keyvault", "show", "--name", vault, "--query", "id", "--output", "tsv")})`,
          `${az("role", "assignment", "create", "--role", "Key Vault Secrets User", "--assignee-principal-type", "ServicePrincipal")} --assignee-object-id "$principal" --scope "$vault"`,
        ]),
    "",
    `# For the Kubernetes service account ${namespace}/${serviceAccount}: put your cluster's issuer in.`,
    "#   issuer=$(az aks show --name CLUSTER --resource-group GROUP --query oidcIssuerProfile.issuerUrl --output tsv)",
    `#   ${az(
      [
        "identity",
        "federated-credential",
        "create",
        "--name",
        "pgrescue",
        "--identity-name",
        "pgrescue-writer",
        ...inGroup,
      ],
      [
        "--subject",
        `system:serviceaccount:${namespace}:${serviceAccount}`,
        "--audiences",
        "api://AzureADTokenExchange",
      ],
    )} --issuer "$issuer"`,
    "# On a virtual machine: az vm identity assign --name VM --resource-group GROUP --identities pgrescue-writer",
  ];
}

/** Reads, lists and writes blobs, and deletes none. SUBSCRIPTION is put in by the script. */
function azureWriterRole(account: string, group: string): object {
  return {
    Name: `pgrescue backup writer (${account})`,
    Description: "Takes PostgreSQL backups: reads and writes blobs, deletes none.",
    Actions: [`${blobs}/read`],
    DataActions: [`${blobs}/blobs/read`, `${blobs}/blobs/write`, `${blobs}/blobs/add/action`],
    AssignableScopes: [`/subscriptions/SUBSCRIPTION/resourceGroups/${group}`],
  };
}
