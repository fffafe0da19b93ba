import {
  HeadObjectCommand,
  RestoreObjectCommand,
  type HeadObjectCommandOutput,
  type _Object as ListedObject,
} from "@aws-sdk/client-s3";
import { PgrescueError } from "../../domain/errors.ts";
import { instantFromMilliseconds } from "../../domain/instant.ts";
import type { Rehydration, RehydrationRequest, Tier } from "../../domain/tier.ts";
import type { Rehydrating } from "../../ports/object-store.ts";
import { isAbsent, isRestoring, s3Error } from "./s3-errors.ts";
import type { S3Object } from "./s3-replacing.ts";

/** Amazon's classes by how near they are; stores of other makers have names of their own, which say nothing. */
const tiers: { readonly [storageClass: string]: Tier } = {
  STANDARD: "hot",
  REDUCED_REDUNDANCY: "hot",
  EXPRESS_ONEZONE: "hot",
  INTELLIGENT_TIERING: "hot",
  STANDARD_IA: "cool",
  ONEZONE_IA: "cool",
  GLACIER_IR: "cold",
  GLACIER: "archive",
  DEEP_ARCHIVE: "archive",
};

type Placed = Pick<HeadObjectCommandOutput, "StorageClass" | "Restore" | "ArchiveStatus">;

/** What a listing tells of an object's tier. A class that a listing leaves out is not known. */
export function listedTier({ StorageClass, RestoreStatus }: ListedObject): { tier?: Tier; archived?: true } {
  const isBack = RestoreStatus?.IsRestoreInProgress === false && RestoreStatus.RestoreExpiryDate !== undefined;
  return placed(tierOf(StorageClass), !isBack);
}

/** What a HEAD tells of it; one that names no class means STANDARD by Amazon's documents, and others keep to that. */
export function headTier(found: Placed): { tier?: Tier; archived?: true } {
  const tier = found.ArchiveStatus === undefined ? tierOf(found.StorageClass ?? "STANDARD") : "archive";
  return placed(tier, !/ongoing-request="false"/.test(found.Restore ?? ""));
}

function placed(tier: Tier | undefined, isAway: boolean): { tier?: Tier; archived?: true } {
  if (tier === undefined) return {};
  return tier === "archive" && isAway ? { tier, archived: true } : { tier };
}

function tierOf(storageClass: string | undefined): Tier | undefined {
  return storageClass !== undefined && Object.hasOwn(tiers, storageClass) ? tiers[storageClass] : undefined;
}

/** Where an object stands by its HEAD. Throws `store-failure` for an `x-amz-restore` that says no time. */
export function s3Rehydration(key: string, found: Placed): Rehydration {
  if (headTier(found).tier !== "archive") return { state: "ready", until: null };
  const said = found.Restore ?? "";
  if (/ongoing-request="true"/.test(said)) return { state: "pending" };
  if (!/ongoing-request="false"/.test(said)) return { state: "none" };
  const until = Date.parse(/expiry-date="([^"]*)"/.exec(said)?.[1] ?? "");
  if (Number.isNaN(until))
    throw new PgrescueError("store-failure", `${key}: the store does not say how long the restored copy stays`);
  return { state: "ready", until: instantFromMilliseconds(until) };
}

/** Restores from Glacier's classes: copies that the store keeps for some days beside what stays archived. */
export function s3Rehydrating(object: (key: string) => S3Object): Rehydrating {
  async function look(key: string): Promise<HeadObjectCommandOutput | null> {
    const { client, place, key: whole } = object(key);
    try {
      return await client.send(new HeadObjectCommand({ Bucket: place.bucket, Key: whole }));
    } catch (error) {
      if (isAbsent(error)) return null;
      throw s3Error(error, `looking at ${key}`, place);
    }
  }

  async function state(key: string): Promise<Rehydration | null> {
    const found = await look(key);
    return found === null ? null : s3Rehydration(key, found);
  }

  return {
    state,
    begin: async (key, request) => {
      const { client, place, key: whole } = object(key);
      const found = await look(key);
      if (found === null) throw new PgrescueError("store-failure", `there is no object ${key} in ${place.bucket}`);
      const before = s3Rehydration(key, found);
      if (before.state !== "none") return before;
      try {
        await client.send(
          new RestoreObjectCommand({
            Bucket: place.bucket,
            Key: whole,
            RestoreRequest: restoreRequest(found, request),
          }),
        );
      } catch (error) {
        // Another asked for it meanwhile, or we did and the answer was lost.
        if (!isRestoring(error)) throw s3Error(error, `rehydrating ${key}`, place);
      }
      const after = await state(key);
      return after === null || after.state === "none" ? { state: "pending" } : after;
    },
  };
}

/** Throws `precondition-refused` for `high` where the class has no expedited retrieval. */
function restoreRequest({ StorageClass, ArchiveStatus }: Placed, { priority, days }: RehydrationRequest) {
  if (priority === "high" && (StorageClass === "DEEP_ARCHIVE" || ArchiveStatus === "DEEP_ARCHIVE_ACCESS"))
    throw new PgrescueError("precondition-refused", "S3 has no expedited retrieval from the deep archive", {
      next: "Ask for standard priority.",
    });
  const Tier = priority === "high" ? ("Expedited" as const) : ("Standard" as const);
  // Intelligent-Tiering moves the object itself, for good, and refuses a number of days.
  return { ...(ArchiveStatus === undefined ? { Days: days } : {}), GlacierJobParameters: { Tier } };
}
