import {
  GetBucketLifecycleConfigurationCommand,
  PutBucketLifecycleConfigurationCommand,
  S3Client,
} from "@aws-sdk/client-s3";
import { expect, inject, test } from "vitest";
import { s3Lifecycle } from "../../src/cli/generate/storage-s3.ts";
import { s3Place } from "./places.ts";

test.skipIf(inject("s3") === null)("a real S3 server takes the lifecycle that generate storage prints", async () => {
  const { url, env, options } = await s3Place();
  const bucket = new URL(url).host;
  const client = new S3Client({
    endpoint: String(options["endpoint"]),
    region: "us-east-1",
    forcePathStyle: true,
    credentials: {
      accessKeyId: env["AWS_ACCESS_KEY_ID"] ?? "",
      secretAccessKey: env["AWS_SECRET_ACCESS_KEY"] ?? "",
    },
  });
  const LifecycleConfiguration = s3Lifecycle("pg");
  await client.send(new PutBucketLifecycleConfigurationCommand({ Bucket: bucket, LifecycleConfiguration }));
  const { Rules } = await client.send(new GetBucketLifecycleConfigurationCommand({ Bucket: bucket }));
  expect(Rules).toMatchObject([
    {
      ID: "pgrescue-leftovers",
      Status: "Enabled",
      Filter: { Prefix: "pg/" },
      AbortIncompleteMultipartUpload: { DaysAfterInitiation: 7 },
      NoncurrentVersionExpiration: { NoncurrentDays: 30 },
    },
  ]);
});
