import { expect, test } from "vitest";
import { azureRehydration, blobTier } from "../../../src/adapters/storage/azure-tiers.ts";

test("a blob on its way out of the archive tier is archived until it has arrived, as Azure documents its properties", () => {
  const away = { accessTier: "Archive" } as const;
  expect(azureRehydration(away)).toEqual({ state: "none" });
  for (const archiveStatus of ["rehydrate-pending-to-hot", "rehydrate-pending-to-cool", "rehydrate-pending-to-cold"])
    expect(azureRehydration({ ...away, archiveStatus })).toEqual({ state: "pending" });
  expect(azureRehydration({ accessTier: "Hot" })).toEqual({ state: "ready", until: null });
  expect(azureRehydration({})).toEqual({ state: "ready", until: null });
});

test("tiers that nobody knows are no tier, and can be read", () => {
  expect(blobTier("Archive")).toEqual({ tier: "archive", archived: true });
  expect(blobTier("Cold")).toEqual({ tier: "cold" });
  for (const name of [undefined, "P10", "toString"]) expect(blobTier(name)).toEqual({});
});
