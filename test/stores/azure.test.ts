import { inject } from "vitest";
import { openAzureStore } from "../../src/adapters/storage/azure.ts";
import { objectStoreContract } from "../contracts/object-store.ts";
import { azurePlace } from "./places.ts";

if (inject("azure") !== null) {
  objectStoreContract(
    "azure",
    async () => {
      const { url, options, env } = await azurePlace();
      return openAzureStore(url, options, env);
    },
    { ordersAllByBytes: false },
  );
}
