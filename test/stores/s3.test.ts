import { inject } from "vitest";
import { openS3Store } from "../../src/adapters/storage/s3.ts";
import { objectStoreContract } from "../contracts/object-store.ts";
import { s3Place } from "./places.ts";

if (inject("s3") !== null) {
  objectStoreContract("s3", async () => {
    const { url, options, env } = await s3Place();
    return openS3Store(url, options, env);
  });
}
