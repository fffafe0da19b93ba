import type { ScratchServers } from "../../ports/scratch-server.ts";
import { startThrowawayServer } from "./throwaway-server.ts";

/** Empty servers for restores that are tests: a socket in a directory of their own, no TCP, nothing safe from a power cut. */
export function createScratchServers(): ScratchServers {
  return {
    start: async ({ directory, bin }) => {
      const settings = { listen_addresses: "''", fsync: "off", autovacuum: "off", max_wal_size: "'4GB'" };
      const server = await startThrowawayServer({ directory, bin, settings });
      const { socketDirectory, port, user, dataDirectory } = server;
      return {
        connection: `host=${socketDirectory} port=${port} user=${user} dbname=postgres`,
        dataDirectory,
        stop: () => server.stop("fast"),
      };
    },
  };
}
