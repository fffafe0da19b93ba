import type { OptionSpecs } from "../command.ts";
import { cron } from "./cron.ts";
import { grants } from "./grants.ts";
import { k8s } from "./k8s.ts";
import { keys } from "./keys.ts";
import { storage } from "./storage.ts";
import { systemd } from "./systemd.ts";
import type { Topic } from "./topic.ts";

/** Every topic of `generate`. */
export const topics = { keys, storage, cron, systemd, k8s, grants } satisfies Record<string, Topic>;

/** The options of all topics. */
export const topicOptions = {
  output: {
    type: "string",
    value: "FILE",
    summary: "keys: the identity's file; systemd: the units' directory; nothing is replaced",
  },
  user: {
    type: "string",
    value: "NAME",
    summary: "cron, systemd: who runs it (postgres); grants: the role (pgrescue)",
  },
  major: { type: "string", value: "N", summary: "grants: PostgreSQL's major version (15)" },
  image: { type: "string", value: "IMAGE", summary: "k8s: where pgrescue's image is" },
  "client-id": { type: "string", value: "ID", summary: "k8s: of the managed identity, for Azure's workload identity" },
  bucket: { type: "string", value: "NAME", summary: "storage s3: default that of the first repository in S3" },
  region: { type: "string", value: "NAME", summary: "storage s3: default the repository's, or us-east-1" },
  account: { type: "string", value: "NAME", summary: "storage azure: default that of the first repository in Azure" },
  container: { type: "string", value: "NAME", summary: "storage azure: default the repository's, or postgres" },
  "resource-group": { type: "string", value: "NAME", summary: "storage azure: default ACCOUNT-backup" },
  location: { type: "string", value: "NAME", summary: "storage azure: default westeurope" },
  vault: { type: "string", value: "NAME", summary: "storage azure: a key vault that the writer reads passwords from" },
  namespace: { type: "string", value: "NAME", summary: "storage, k8s: of the Kubernetes service account (postgres)" },
  "service-account": { type: "string", value: "NAME", summary: "storage, k8s: its name (pgrescue-writer)" },
} as const satisfies OptionSpecs;
