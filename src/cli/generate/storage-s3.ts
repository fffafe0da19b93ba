import type { Arguments } from "../command.ts";
import type { NamedRepository } from "../settings.ts";
import { jsonFile, nameFrom, shell } from "./script.ts";

/** Days for which nothing can be deleted, and for which deleted or replaced versions can be brought back. */
const lockedDays = 14;
const versionDays = 30;

/** A bucket with versioning, a retention lock, no public access, and policies for a writer, an expirer and a reader. */
export function s3Storage(args: Arguments, repository: NamedRepository | null): readonly string[] {
  const [, configuredBucket = null, configuredPrefix = ""] =
    /^s3:\/\/([^/]+)(?:\/(.*))?$/.exec(repository?.url ?? "") ?? [];
  const bucket = nameFrom(args, "bucket", configuredBucket);
  const region = nameFrom(args, "region", repository?.region ?? "us-east-1");
  const isOther = args.string("bucket") !== undefined && bucket !== configuredBucket;
  const prefix = isOther ? "" : configuredPrefix.replace(/\/+$/, "");
  const s3 = (...words: readonly string[]): string =>
    shell("aws", "s3api", ...words, "--bucket", bucket, "--region", region);
  const place = region === "us-east-1" ? [] : ["--create-bucket-configuration", `LocationConstraint=${region}`];
  return [
    "#!/bin/sh",
    `# A place for PostgreSQL backups: bucket ${bucket} in ${region}. For an administrator with rights on S3 and IAM.`,
    "set -eu",
    "",
    "# Object lock can only be switched on when a bucket is made.",
    s3("create-bucket", ...place, "--object-lock-enabled-for-bucket"),
    s3(
      "put-public-access-block",
      "--public-access-block-configuration",
      "BlockPublicAcls=true,IgnorePublicAcls=true,BlockPublicPolicy=true,RestrictPublicBuckets=true",
    ),
    s3("put-bucket-versioning", "--versioning-configuration", "Status=Enabled"),
    "",
    `# For ${lockedDays} days nobody deletes a backup; GOVERNANCE lets an administrator with a right of its own, COMPLIANCE nobody.`,
    ...jsonFile("object-lock.json", {
      ObjectLockEnabled: "Enabled",
      Rule: { DefaultRetention: { Mode: "GOVERNANCE", Days: lockedDays } },
    }),
    s3("put-object-lock-configuration", "--object-lock-configuration", "file://object-lock.json"),
    "",
    "# Nothing current ever expires here: that is `pgrescue expire`, which knows what a recovery needs.",
    ...jsonFile("lifecycle.json", s3Lifecycle(prefix)),
    s3("put-bucket-lifecycle-configuration", "--lifecycle-configuration", "file://lifecycle.json"),
    "",
    "# The writer takes backups and archives; it cannot delete. The expirer runs `pgrescue expire`; the reader recovers.",
    ...(["writer", "expirer", "reader"] as const).flatMap((role) => [
      ...jsonFile(`${role}.json`, s3Policy(role, bucket, prefix)),
      shell(
        "aws",
        "iam",
        "create-policy",
        "--policy-name",
        `pgrescue-${bucket}-${role}`,
        "--policy-document",
        `file://${role}.json`,
      ),
    ]),
    "",
    "# Attach each policy to a role of its own (an instance profile, or a role for a Kubernetes service account):",
    `#   aws iam attach-role-policy --role-name ROLE --policy-arn ARN`,
    `#   aws eks create-pod-identity-association --cluster-name CLUSTER --namespace ${nameFrom(args, "namespace", "postgres")} --service-account ${nameFrom(args, "service-account", "pgrescue-writer")} --role-arn ARN`,
    "",
    "# A second place for the case that this one is lost: another bucket in another region and account, as a repository of its own.",
  ];
}

/** What a lifecycle may do without knowing backups: unfinished uploads and versions that were replaced. */
export function s3Lifecycle(prefix: string) {
  return {
    Rules: [
      {
        ID: "pgrescue-leftovers",
        Status: "Enabled" as const,
        Filter: { Prefix: prefix === "" ? "" : `${prefix}/` },
        AbortIncompleteMultipartUpload: { DaysAfterInitiation: 7 },
        NoncurrentVersionExpiration: { NoncurrentDays: versionDays },
      },
    ],
  };
}

const actions = {
  reader: ["s3:GetObject"],
  writer: ["s3:GetObject", "s3:PutObject", "s3:AbortMultipartUpload", "s3:ListMultipartUploadParts"],
  expirer: [
    "s3:GetObject",
    "s3:PutObject",
    "s3:DeleteObject",
    "s3:AbortMultipartUpload",
    "s3:ListMultipartUploadParts",
  ],
} as const;

function s3Policy(role: keyof typeof actions, bucket: string, prefix: string): object {
  const place = prefix === "" ? "" : `${prefix}/`;
  return {
    Version: "2012-10-17",
    Statement: [
      {
        Sid: "List",
        Effect: "Allow",
        Action: ["s3:ListBucket", "s3:GetBucketLocation", "s3:ListBucketMultipartUploads"],
        Resource: `arn:aws:s3:::${bucket}`,
      },
      { Sid: "Objects", Effect: "Allow", Action: actions[role], Resource: `arn:aws:s3:::${bucket}/${place}*` },
    ],
  };
}
