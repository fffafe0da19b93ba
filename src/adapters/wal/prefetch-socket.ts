import { connect, createServer, type Server } from "node:net";
import { dirname, relative } from "node:path";
import { parseWalFileName } from "../../domain/segment.ts";
import { removeOwn } from "../system/remove.ts";

/** What fits into a socket's address, with its end. */
const longestAddress = 103;

/** The socket's path as this process can name it; null when every way to name it is too long. */
function socketAddress(socket: string): string | null {
  const near = relative(process.cwd(), socket);
  const address = near.length < socket.length ? near : socket;
  return Buffer.byteLength(address) <= longestAddress ? address : null;
}

/**
 * Asks the recovery's prefetcher for a segment. true: it lies ready; false: the prefetcher cannot get it, or took
 * longer than `milliseconds`; null: there is no prefetcher.
 */
export async function askPrefetcher(socket: string, name: string, milliseconds: number): Promise<boolean | null> {
  const address = socketAddress(socket);
  if (address === null) return null;
  return await new Promise((resolve) => {
    const connection = connect(address);
    let isConnected = false;
    let answer = "";
    const finish = (result: boolean | null): void => {
      connection.destroy();
      resolve(result);
    };
    connection.setTimeout(milliseconds, () => finish(false));
    connection.setEncoding("latin1");
    connection.on("connect", () => {
      isConnected = true;
      connection.write(`${name}\n`);
    });
    connection.on("data", (text: string) => {
      answer += text;
      if (answer.includes("\n")) finish(answer === "ready\n");
    });
    connection.on("end", () => finish(false));
    connection.on("close", () => finish(isConnected ? false : null));
    connection.on("error", () => finish(isConnected ? false : null));
  });
}

/**
 * Binds the recovery's socket, which only the owner of the spool reaches; a dead prefetcher's is replaced. null when
 * another prefetcher lives, or the path is too long.
 */
export async function answerRequests(socket: string, want: (name: string) => Promise<boolean>): Promise<Server | null> {
  const address = socketAddress(socket);
  if (address === null) return null;
  const server = createServer((connection) => {
    let asked = "";
    connection.setEncoding("latin1");
    connection.on("error", () => connection.destroy());
    connection.on("data", (text: string) => {
      asked += text;
      const end = asked.indexOf("\n");
      if (end === -1 && asked.length <= 64) return;
      const name = asked.slice(0, end);
      const wanted = parseWalFileName(name)?.kind === "segment" ? want(name) : Promise.resolve(false);
      wanted.then(
        (isReady) => connection.end(isReady ? "ready\n" : "no\n"),
        () => connection.end("no\n"),
      );
    });
  });
  if (await listens(server, address)) return server;
  if ((await askPrefetcher(socket, "", 1000)) !== null) return null;
  await removeOwn(socket, { within: dirname(socket) });
  return (await listens(server, address)) ? server : null;
}

async function listens(server: Server, address: string): Promise<boolean> {
  return await new Promise((resolve, reject) => {
    const fail = (error: NodeJS.ErrnoException): void => {
      if (error.code === "EADDRINUSE") resolve(false);
      else reject(error);
    };
    server.once("error", fail);
    server.listen(address, () => {
      server.off("error", fail);
      resolve(true);
    });
  });
}
