import type { OptionSpecs } from "../command.ts";
import { keys } from "./keys.ts";
import { storage } from "./storage.ts";
import type { Topic } from "./topic.ts";

/** Every topic of `generate`. */
export const topics = { keys, storage } satisfies Record<string, Topic>;

/** The options of all topics. */
export const topicOptions = {
  output: { type: "string", value: "FILE", summary: "keys: where the identity is written; it must not exist" },
  bucket: { type: "string", value: "NAME", summary: "storage s3: default that of the first repository in S3" },
  region: { type: "string", value: "NAME", summary: "storage s3: default the repository's, or us-east-1" },
  account: { type: "string", value: "NAME", summary: "storage azure: default that of the first repository in Azure" },
  container: { type: "string", value: "NAME", summary: "storage azure: default the repository's, or postgres" },
  "resource-group": { type: "string", value: "NAME", summary: "storage azure: default ACCOUNT-backup" },
  location: { type: "string", value: "NAME", summary: "storage azure: default westeurope" },
  vault: { type: "string", value: "NAME", summary: "storage azure: a key vault that the writer reads passwords from" },
  namespace: { type: "string", value: "NAME", summary: "storage: of the Kubernetes service account (postgres)" },
  "service-account": { type: "string", value: "NAME", summary: "storage: its name (pgrescue-writer)" },
} as const satisfies OptionSpecs;
