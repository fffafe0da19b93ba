import { randomBytes } from "node:crypto";
import { CreateBucketCommand, S3Client } from "@aws-sdk/client-s3";
import { BlobServiceClient, StorageSharedKeyCredential } from "@azure/storage-blob";
import { inject } from "vitest";

/** A fresh place in a real object store, and what it takes to open it. */
export interface StorePlace {
  readonly url: string;
  /** The repository's entry in the configuration, without secrets. */
  readonly options: { readonly [key: string]: string | boolean };
  /** What the environment must hold. */
  readonly env: { readonly [name: string]: string };
  /** The content of a file of credentials, and the option that names it. */
  readonly secret: string;
  readonly secretOption: string;
}

/** A client that makes buckets, for tests; null where there is no server. */
function s3Admin(): S3Client | null {
  const s3 = inject("s3");
  if (s3 === null) return null;
  const { accessKeyId, secretAccessKey } = s3;
  return new S3Client({
    endpoint: s3.endpoint,
    forcePathStyle: true,
    region: "us-east-1",
    credentials: { accessKeyId, secretAccessKey },
  });
}

/** A new bucket with a prefix in it. */
export async function s3Place(): Promise<StorePlace> {
  const s3 = inject("s3");
  const admin = s3Admin();
  if (s3 === null || admin === null) throw new Error("there is no S3 server");
  const bucket = `rescue-${randomBytes(6).toString("hex")}`;
  await admin.send(new CreateBucketCommand({ Bucket: bucket }));
  admin.destroy();
  return {
    url: `s3://${bucket}/some/where`,
    options: { endpoint: s3.endpoint, region: "us-east-1" },
    env: { AWS_ACCESS_KEY_ID: s3.accessKeyId, AWS_SECRET_ACCESS_KEY: s3.secretAccessKey },
    secret: `[default]\naws_access_key_id = ${s3.accessKeyId}\naws_secret_access_key = ${s3.secretAccessKey}\n`,
    secretOption: "credentialsFile",
  };
}

/** A new container with a prefix in it. */
export async function azurePlace(): Promise<StorePlace> {
  const azure = inject("azure");
  if (azure === null) throw new Error("there is no Azure server");
  const container = `rescue-${randomBytes(6).toString("hex")}`;
  const credential = new StorageSharedKeyCredential(azure.account, azure.key);
  await new BlobServiceClient(azure.endpoint, credential).createContainer(container);
  return {
    url: `azure://${azure.account}/${container}/some/where`,
    options: { endpoint: azure.endpoint },
    env: { AZURE_STORAGE_KEY: azure.key },
    secret: azure.key,
    secretOption: "keyFile",
  };
}

/** Every object store that is there, by the name of its backend. */
export const storePlaces: readonly (readonly [name: string, place: () => Promise<StorePlace>])[] = [
  ...(inject("s3") === null ? [] : [["s3", s3Place] as const]),
  ...(inject("azure") === null ? [] : [["azure", azurePlace] as const]),
];
