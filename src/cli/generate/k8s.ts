import { readFile } from "node:fs/promises";
import { stringify } from "yaml";
import { errorKinds } from "../../domain/errors.ts";
import type { ScheduledWork } from "../../domain/schedule/entry.ts";
import type { Arguments } from "../command.ts";
import type { Settings } from "../settings.ts";
import { nameFrom } from "./script.ts";
import { fiveFields, scheduledWork, waitingOptions } from "./scheduled.ts";
import type { Topic } from "./topic.ts";

/** Exit codes that another attempt does not mend: what is wrong has to be looked at. */
const final = [
  "usage",
  "repository-not-found",
  "credentials",
  "no-recovery-point",
  "precondition-refused",
  "damaged-data",
] as const;

/** The user that the image runs as (deploy/Containerfile). */
const uid = 10_001;

/** What all manifests share. */
interface Place {
  readonly namespace: string;
  readonly serviceAccount: string;
  readonly image: string;
  readonly isAzure: boolean;
}

/** CronJobs for the schedule, what they need, and a Job that restores. */
export const k8s: Topic = {
  summary: "CronJobs for the schedule, and a Job that restores",
  examples: ["pgrescue generate k8s --image registry.example.com/pgrescue:0.1.0 > pgrescue.yaml"],
  run: async (args, terminal) => {
    const { settings, work } = await scheduledWork(args, terminal);
    const place: Place = {
      namespace: nameFrom(args, "namespace", "postgres"),
      serviceAccount: nameFrom(args, "service-account", "pgrescue-writer"),
      image: args.string("image") ?? "pgrescue:latest",
      isAzure: settings.repositories.some(({ url }) => /^az(?:ure)?:/.test(url)),
    };
    const documents = [
      serviceAccount(place, args),
      await configuration(place, settings),
      ...cronJobs(work, place),
      restoreJob(place, settings),
    ];
    terminal.print(
      "# Written by `pgrescue generate k8s`. Passwords and keys go into the Secret pgrescue, which is mounted at",
    );
    terminal.print(
      "# /run/secrets/pgrescue; the configuration names the files there. The Job at the end restores when it is unsuspended.",
    );
    terminal.print(
      documents
        .map((document) => stringify(document, { lineWidth: 0 }))
        .join("---\n")
        .trimEnd(),
    );
    if (place.image === "pgrescue:latest")
      terminal.log("[WARN] name the image with --image, by its digest: deploy/Containerfile builds one.");
    if (settings.repositories.some(({ url }) => url.startsWith("file:")))
      terminal.log("[WARN] a file:// repository in a pod is gone with it: mount a volume there, or use S3 or Azure.");
    return 0;
  },
};

function metadata(place: Place, name: string): object {
  return { name, namespace: place.namespace, labels: { "app.kubernetes.io/name": "pgrescue" } };
}

function serviceAccount(place: Place, args: Arguments): object {
  const client = args.string("client-id");
  return {
    apiVersion: "v1",
    kind: "ServiceAccount",
    metadata: {
      ...metadata(place, place.serviceAccount),
      ...(client === undefined ? {} : { annotations: { "azure.workload.identity/client-id": client } }),
    },
  };
}

/** The configuration holds no secrets, only the files that do. */
async function configuration(place: Place, settings: Settings): Promise<object> {
  const { file } = settings.loaded;
  const text = file === null ? "" : await readFile(file, "utf8");
  return {
    apiVersion: "v1",
    kind: "ConfigMap",
    metadata: metadata(place, "pgrescue"),
    data: { "pgrescue.yaml": text },
  };
}

/** Each has a name of its own: of two that are called the same, the second would silently replace the first. */
function cronJobs(work: readonly ScheduledWork[], place: Place): readonly object[] {
  const taken = new Set<string>();
  return work.map((one) => {
    const base = `pgrescue-${one.name}`.toLowerCase().replaceAll(/[^a-z0-9-]/g, "-");
    const named = (end: string): string => base.slice(0, 52 - end.length).replace(/-+$/, "") + end;
    let name = named("");
    for (let n = 2; taken.has(name); n++) name = named(`-${n}`);
    taken.add(name);
    return cronJob(one, name, place);
  });
}

function cronJob(work: ScheduledWork, name: string, place: Place): object {
  const { timeZone, missed } = work.entry;
  return {
    apiVersion: "batch/v1",
    kind: "CronJob",
    metadata: metadata(place, name),
    spec: {
      schedule: fiveFields(work, "Kubernetes"),
      timeZone,
      concurrencyPolicy: "Forbid",
      startingDeadlineSeconds: missed === "run" ? 21_600 : 300,
      successfulJobsHistoryLimit: 3,
      failedJobsHistoryLimit: 7,
      jobTemplate: {
        spec: {
          ...jobLimits,
          template: pod(
            place,
            [...work.command(null), ...waitingOptions(work), ...jsonLines(work), ...intoScratch(work), "--no-input"],
            restores(work),
          ),
        },
      },
    },
  };
}

/** Whether the work restores something, which needs a disk of its own. */
function restores({ entry: { drill, verify } }: ScheduledWork): boolean {
  return drill !== undefined || verify === "restore" || verify === "dump";
}

function intoScratch(work: ScheduledWork): readonly string[] {
  return restores(work) ? ["--to", "/scratch/restored"] : [];
}

/** Runs tell their events on stdout. */
function jsonLines(work: ScheduledWork): readonly string[] {
  return work.proof === null ? [] : ["--jsonl"];
}

const jobLimits = {
  backoffLimit: 2,
  activeDeadlineSeconds: 14_400,
  ttlSecondsAfterFinished: 604_800,
  podFailurePolicy: {
    rules: [
      {
        action: "FailJob",
        onExitCodes: {
          containerName: "pgrescue",
          operator: "In",
          values: [...new Set(final.map((code) => errorKinds[code].exit))].sort((a, b) => a - b),
        },
      },
      { action: "Ignore", onPodConditions: [{ type: "DisruptionTarget" }] },
    ],
  },
};

/** Of the disk that a restore goes to; it lives as long as its pod. */
const scratchVolume = {
  name: "scratch",
  ephemeral: {
    volumeClaimTemplate: {
      spec: { accessModes: ["ReadWriteOnce"], resources: { requests: { storage: "100Gi" } } },
    },
  },
};

function pod(place: Place, args: readonly string[], hasScratch = false): object {
  return {
    metadata: {
      labels: {
        "app.kubernetes.io/name": "pgrescue",
        ...(place.isAzure ? { "azure.workload.identity/use": "true" } : {}),
      },
    },
    spec: {
      restartPolicy: "Never",
      serviceAccountName: place.serviceAccount,
      // What is running is stopped so that it can be continued.
      terminationGracePeriodSeconds: 120,
      securityContext: {
        runAsNonRoot: true,
        runAsUser: uid,
        runAsGroup: uid,
        fsGroup: uid,
        seccompProfile: { type: "RuntimeDefault" },
      },
      containers: [
        {
          name: "pgrescue",
          image: place.image,
          args: [...args, "--config", "/etc/pgrescue/pgrescue.yaml", "--state-dir", "/work/state"],
          env: [
            // By it a job that a CronJob has made knows its slot.
            {
              name: "PGRESCUE_JOB_NAME",
              valueFrom: { fieldRef: { fieldPath: "metadata.labels['batch.kubernetes.io/job-name']" } },
            },
            { name: "HOME", value: "/work" },
            { name: "TMPDIR", value: "/work" },
          ],
          terminationMessagePolicy: "FallbackToLogsOnError",
          securityContext: {
            readOnlyRootFilesystem: true,
            allowPrivilegeEscalation: false,
            capabilities: { drop: ["ALL"] },
          },
          resources: { requests: { cpu: "500m", memory: "512Mi" }, limits: { memory: "1Gi" } },
          volumeMounts: [
            { name: "work", mountPath: "/work" },
            { name: "configuration", mountPath: "/etc/pgrescue", readOnly: true },
            { name: "secrets", mountPath: "/run/secrets/pgrescue", readOnly: true },
            ...(hasScratch ? [{ name: "scratch", mountPath: "/scratch" }] : []),
          ],
        },
      ],
      volumes: [
        { name: "work", emptyDir: { sizeLimit: "5Gi" } },
        { name: "configuration", configMap: { name: "pgrescue" } },
        { name: "secrets", secret: { secretName: "pgrescue", optional: true, defaultMode: 0o440 } },
        ...(hasScratch ? [scratchVolume] : []),
      ],
    },
  };
}

/** Restores the newest dump into a new database: nothing that is there is changed. Suspended until somebody wants it. */
function restoreJob(place: Place, settings: Settings): object {
  const cluster = settings.clusterName ?? Object.keys(settings.loaded.config.clusters)[0] ?? "postgres";
  const words = [
    "recover",
    "--cluster",
    cluster,
    "--into",
    cluster,
    "--source-database",
    "postgres",
    "--database",
    "restored",
  ];
  return {
    apiVersion: "batch/v1",
    kind: "Job",
    metadata: metadata(place, "pgrescue-restore"),
    spec: {
      suspend: true,
      ...jobLimits,
      // A restore that failed is looked at, not tried again by itself.
      backoffLimit: 0,
      template: pod(place, [...words, "--jsonl", "--no-input"]),
    },
  };
}
