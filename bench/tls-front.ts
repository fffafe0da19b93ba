import { readFileSync } from "node:fs";
import { connect, type AddressInfo } from "node:net";
import { createServer } from "node:tls";
import type { Certificate } from "./certificate.ts";

/** Speaks TLS for a server on this machine that does not. */
export interface TlsFront extends AsyncDisposable {
  readonly port: number;
}

export async function openTlsFront(target: number, { cert, key }: Certificate): Promise<TlsFront> {
  const server = createServer({ cert: readFileSync(cert), key: readFileSync(key) }, (near) => {
    const far = connect(target, "127.0.0.1");
    near.pipe(far).pipe(near);
    near.on("error", () => far.destroy());
    far.on("error", () => near.destroy());
  });
  server.on("tlsClientError", () => undefined);
  const open = new Set<{ destroy(): void }>();
  server.on("connection", (socket) => {
    open.add(socket);
    socket.on("close", () => open.delete(socket));
  });
  await new Promise<void>((done) => server.listen(0, "127.0.0.1", () => done()));
  return {
    port: (server.address() as AddressInfo).port,
    [Symbol.asyncDispose]: async () => {
      for (const socket of open) socket.destroy();
      await new Promise((done) => server.close(done));
    },
  };
}
