import { z } from "zod";
import { parseDuration, parseSize } from "../../domain/quantity.ts";
import { notifyEvents } from "../../domain/notification.ts";
import { runKinds } from "../../domain/run/events.ts";
import { keepRules } from "../../domain/retention/policy.ts";

const duration = z
  .string()
  .refine((text) => parseDuration(text) !== null, { error: "is not a duration like 30s, 15m, 2h, 7d" });
const size = z.string().refine((text) => parseSize(text) !== null, { error: "is not a size like 8MiB or 2GB" });
const command = z.array(z.string()).min(1, { error: "is not a command: give an array, one element an argument" });
const absolute = z.string().startsWith("/", { error: "is not an absolute path" });

const connection = z.strictObject({
  host: z.string().optional(),
  port: z.number().int().min(1).max(65_535).optional(),
  user: z.string().optional(),
  database: z.string().optional(),
  url: z.string().optional(),
  service: z.string().optional(),
  sslmode: z.enum(["disable", "allow", "prefer", "require", "verify-ca", "verify-full"]).optional(),
  sslrootcert: z.string().optional(),
  sslcert: z.string().optional(),
  sslkey: z.string().optional(),
  passwordFile: absolute.optional(),
  passwordCommand: command.optional(),
});

const control = z.discriminatedUnion("kind", [
  z.strictObject({ kind: z.enum(["auto", "pg_ctl", "pg_ctlcluster", "patroni"]) }),
  z.strictObject({ kind: z.literal("systemd"), unit: z.string() }),
  z.strictObject({ kind: z.literal("command"), start: command, stop: command, status: command }),
]);

const objective = z.strictObject({ rto: duration.optional(), rpo: duration.optional() });

const cluster = z.strictObject({
  connection: connection.default({}),
  dataDirectory: absolute.optional(),
  configFile: absolute.optional(),
  binaries: absolute.optional(),
  control: control.default({ kind: "auto" }),
  repositories: z.array(z.string()).min(1, { error: "names no repository" }),
  policy: z.string().optional(),
  walPush: z.strictObject({ ahead: z.int().min(0).max(64).optional() }).default({}),
  objectives: objective
    .extend({ scenarios: z.record(z.string(), objective).optional() })
    .strict()
    .optional(),
  hooks: z.strictObject({ stopApplication: command.optional(), startApplication: command.optional() }).default({}),
  checks: z.array(z.strictObject({ name: z.string(), sql: z.string(), database: z.string().optional() })).default([]),
  smoke: command.optional(),
  include: z
    .array(
      z
        .strictObject({
          file: absolute.optional(),
          command: command.optional(),
          as: z
            .string()
            .regex(/^[A-Za-z0-9][A-Za-z0-9._-]*$/, { error: "is not a file's name of letters, digits, . _ -" })
            .optional(),
          secret: z.boolean().default(false),
        })
        .refine((entry) => (entry.file === undefined) !== (entry.command === undefined), {
          error: "has not exactly one of file and command",
        })
        .refine((entry) => entry.command === undefined || entry.as !== undefined, {
          error: "has a command and no `as`",
        }),
    )
    .default([]),
  scratch: z
    .strictObject({ directory: absolute.optional(), port: z.number().int().optional(), sharedBuffers: size.optional() })
    .default({}),
});

const recipient = z.string().regex(/^age1[0-9a-z]{10,}$/, { error: "is not an age recipient: they begin with age1" });

const s3Keys = {
  region: z.string().exactOptional(),
  pathStyle: z.boolean().exactOptional(),
  profile: z.string().exactOptional(),
  credentialsFile: absolute.exactOptional(),
  checksums: z.enum(["when-supported", "when-required"]).exactOptional(),
  kmsKeyId: z.string().exactOptional(),
};

const azureKeys = {
  auth: z
    .enum(["default", "managed-identity", "workload-identity", "cli", "sas", "key", "connection-string"])
    .exactOptional(),
  clientId: z.string().exactOptional(),
  tenantId: z.string().exactOptional(),
  keyFile: absolute.exactOptional(),
  sasFile: absolute.exactOptional(),
  connectionStringFile: absolute.exactOptional(),
  encryptionScope: z.string().exactOptional(),
};

/** Keys that mean something for one kind of storage only, by the scheme of its URL. */
const schemes: readonly { readonly is: RegExp; readonly name: string; readonly keys: readonly string[] }[] = [
  { is: /^s3:/, name: "s3", keys: ["endpoint", ...Object.keys(s3Keys)] },
  { is: /^az(ure)?:/, name: "azure", keys: ["endpoint", ...Object.keys(azureKeys)] },
];

const repository = z
  .strictObject({
    url: z.string(),
    format: z.enum(["auto", "native", "plain"]).default("auto"),
    readOnly: z.boolean().default(false),
    policy: z.string().exactOptional(),
    limits: z
      .strictObject({ bandwidth: size.exactOptional(), concurrency: z.number().int().min(1).exactOptional() })
      .exactOptional(),
    encryption: z
      .strictObject({
        recipients: z.array(recipient).min(1).exactOptional(),
        identityFile: absolute.exactOptional(),
        identityCommand: command.exactOptional(),
        passphraseFile: absolute.exactOptional(),
      })
      .exactOptional(),
    endpoint: z.string().exactOptional(),
    ...s3Keys,
    ...azureKeys,
  })
  .superRefine((entry, context) => {
    for (const key of Object.keys(entry)) {
      const meant = schemes.filter(({ keys }) => keys.includes(key));
      if (meant.length === 0 || meant.some(({ is }) => is.test(entry.url))) continue;
      context.addIssue({
        code: "custom",
        path: [key],
        message: `is for ${meant.map((m) => m.name).join(" and ")} only`,
      });
    }
  });

const count = z.number().int().min(0);
const keep = z
  .strictObject({
    keep: duration.optional(),
    last: count.optional(),
    daily: count.optional(),
    weekly: count.optional(),
    monthly: count.optional(),
    yearly: count.max(10, { error: "is more than ten years" }).optional(),
    minimum: count.optional(),
  })
  .refine((rules) => Object.keys(rules).length > 0, { error: "has no rule: it would keep nothing but the newest" });

/** What an entry may be for: exactly one of them. */
const scheduled = ["backup", "copy", "expire", "check", "verify", "drill"] as const;

const scheduleEntry = z
  .strictObject({
    name: z
      .string()
      .regex(/^[A-Za-z0-9][A-Za-z0-9._-]*$/, { error: "is not a name of letters, digits, . _ -" })
      .optional(),
    cluster: z.string(),
    at: z.string(),
    timeZone: z.string().default("Etc/UTC"),
    backup: z.enum(["base", "incremental", "dump"]).optional(),
    databases: z.array(z.string()).min(1).optional(),
    keep: z.enum(keepRules).optional(),
    copy: z.string().optional(),
    expire: z.literal(true).optional(),
    check: z.literal(true).optional(),
    verify: z.enum(["bytes", "restore", "dump"]).optional(),
    drill: z.enum(["restore-to-scratch"]).optional(),
    jitter: duration.optional(),
    missed: z.enum(["run", "skip"]).default("run"),
  })
  .refine((entry) => scheduled.filter((what) => entry[what] !== undefined).length === 1, {
    error: `says not exactly one of ${scheduled.join(", ")}`,
  })
  .refine((entry) => entry.databases === undefined || entry.backup === "dump", {
    error: "has databases, which mean something for dumps only",
  });

const about = {
  on: z.array(z.enum(notifyEvents)).min(1).default(["failure", "recovered"]),
  clusters: z.array(z.string()).min(1).optional(),
  runs: z.array(z.enum(runKinds)).min(1).optional(),
};
const address = { urlFile: absolute.optional(), urlEnv: z.string().optional() };
const hasAddress = (entry: { readonly urlFile?: string | undefined; readonly urlEnv?: string | undefined }): boolean =>
  (entry.urlFile === undefined) !== (entry.urlEnv === undefined);
const oneAddress = { error: "has not exactly one of urlFile and urlEnv" };

const notifyEntry = z.discriminatedUnion("kind", [
  z
    .strictObject({ kind: z.literal("webhook"), ...address, secretFile: absolute.optional(), ...about })
    .refine(hasAddress, oneAddress),
  z
    .strictObject({
      kind: z.literal("ping"),
      ...address,
      ...about,
      on: z.array(z.enum(notifyEvents)).min(1).default(["start", "success", "failure", "recovered"]),
    })
    .refine(hasAddress, oneAddress),
  z.strictObject({ kind: z.literal("command"), command, ...about }),
]);

/** pgrescue.yaml as users write it; unknown keys are errors. */
export const configSchema = z.strictObject({
  stateDirectory: absolute.optional(),
  clusters: z
    .record(
      z.string().regex(/^[A-Za-z0-9][A-Za-z0-9._-]*$/, { error: "is not a name of letters, digits, . _ -" }),
      cluster,
    )
    .default({}),
  repositories: z.record(z.string(), repository).default({}),
  policies: z
    .record(
      z.string(),
      z.strictObject({
        dump: keep.optional(),
        base: keep.optional(),
        wal: z.strictObject({ buffer: duration }).optional(),
        timeZone: z.string().optional(),
      }),
    )
    .default({}),
  schedule: z.array(scheduleEntry).default([]),
  notify: z.array(notifyEntry).default([]),
});

export type Config = z.infer<typeof configSchema>;
export type ClusterConfig = Config["clusters"][string];
export type RepositoryConfig = Config["repositories"][string];
