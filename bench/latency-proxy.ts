import { connect, createServer, type AddressInfo, type Socket } from "node:net";
import { setTimeout as delay } from "node:timers/promises";

/** Between a client and a server on this machine: every byte takes half of the round trip, so does a new connection. */
export interface LatencyProxy extends AsyncDisposable {
  readonly port: number;
  /** Milliseconds of a round trip from now on. */
  roundTrip: number;
}

/** A TCP proxy for 127.0.0.1:`target` that adds latency and no limit of throughput. */
export async function openLatencyProxy(target: number): Promise<LatencyProxy> {
  const sockets = new Set<Socket>();
  const server = createServer((near) => {
    void join(near);
  });
  async function join(near: Socket): Promise<void> {
    for (const event of ["error", "close"] as const) near.on(event, () => near.destroy());
    sockets.add(near);
    near.pause();
    // The handshake of a real connection is over after one round trip.
    await delay(proxy.roundTrip);
    const far = connect(target, "127.0.0.1");
    sockets.add(far);
    late(near, far);
    late(far, near);
    near.resume();
  }
  const late = (from: Socket, to: Socket): void => {
    const half = (): number => proxy.roundTrip / 2;
    from.on("data", (bytes) => void setTimeout(() => to.writable && to.write(bytes), half()));
    from.on("end", () => void setTimeout(() => to.end(), half()));
    from.on("error", () => to.destroy());
    from.on("close", () => {
      sockets.delete(from);
      setTimeout(() => to.destroySoon(), half());
    });
  };
  await new Promise<void>((done) => server.listen(0, "127.0.0.1", () => done()));
  const proxy: LatencyProxy = {
    port: (server.address() as AddressInfo).port,
    roundTrip: 0,
    [Symbol.asyncDispose]: async () => {
      for (const socket of sockets) socket.destroy();
      await new Promise((done) => server.close(done));
    },
  };
  return proxy;
}
