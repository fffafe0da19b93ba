import type { BlobGetPropertiesResponse, BlockBlobClient } from "@azure/storage-blob";
import { PgrescueError } from "../../domain/errors.ts";
import type { Rehydration, Tier } from "../../domain/tier.ts";
import type { Rehydrating } from "../../ports/object-store.ts";
import { isRehydrating } from "./azure-errors.ts";

const tiers: { readonly [accessTier: string]: Tier } = { Hot: "hot", Cool: "cool", Cold: "cold", Archive: "archive" };

/** What a listing or the properties tell of a blob's tier. While it is rehydrated, it is archived still. */
export function blobTier(accessTier: string | undefined): { tier?: Tier; archived?: true } {
  const tier = accessTier !== undefined && Object.hasOwn(tiers, accessTier) ? tiers[accessTier] : undefined;
  if (tier === undefined) return {};
  return tier === "archive" ? { tier, archived: true } : { tier };
}

/** Where a blob stands by its properties. */
export function azureRehydration({
  accessTier,
  archiveStatus,
}: Pick<BlobGetPropertiesResponse, "accessTier" | "archiveStatus">): Rehydration {
  if (accessTier !== "Archive") return { state: "ready", until: null };
  return archiveStatus?.startsWith("rehydrate-pending") === true ? { state: "pending" } : { state: "none" };
}

/** What moving blobs between tiers takes of the store. */
export interface AzureBlobs {
  readonly properties: (key: string) => Promise<BlobGetPropertiesResponse | null>;
  readonly blob: (key: string) => BlockBlobClient;
  /** Does work whose errors become ours. */
  readonly asked: (doing: string, work: () => Promise<void>) => Promise<void>;
}

/**
 * Moves blobs out of the archive tier into Hot, which has no price for retrieval or for leaving early. They stay there until
 * somebody moves them back: Azure keeps no copies for some days.
 */
export function azureRehydrating({ properties, blob, asked }: AzureBlobs): Rehydrating {
  async function state(key: string): Promise<Rehydration | null> {
    const found = await properties(key);
    return found === null ? null : azureRehydration(found);
  }

  return {
    state,
    begin: async (key, { priority }) => {
      const before = await state(key);
      if (before === null) throw new PgrescueError("store-failure", `there is no object ${key}`);
      if (before.state !== "none") return before;
      await asked(`rehydrating ${key}`, async () => {
        try {
          await blob(key).setAccessTier("Hot", { rehydratePriority: priority === "high" ? "High" : "Standard" });
        } catch (error) {
          // Another asked for it meanwhile.
          if (!isRehydrating(error)) throw error;
        }
      });
      const after = await state(key);
      return after === null || after.state === "none" ? { state: "pending" } : after;
    },
  };
}
