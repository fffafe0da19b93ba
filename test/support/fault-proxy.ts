import { createServer, request, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { setTimeout as delay } from "node:timers/promises";

/** What happens to one request on its way. */
export type Fault =
  | { readonly kind: "delay"; readonly milliseconds: number }
  /** The connection breaks before there is an answer. */
  | { readonly kind: "reset" }
  /** The connection breaks after half of the answer's body. */
  | { readonly kind: "reset-in-answer" }
  /** The answer ends after half of its body, without an error. */
  | { readonly kind: "truncate" }
  /** No answer ever comes. */
  | { readonly kind: "stall" }
  | { readonly kind: "status"; readonly status: number; readonly retryAfter?: number; readonly code?: string };

/** Between a store's client and its server: decides about each request. `null`: it passes. */
export interface FaultProxy extends AsyncDisposable {
  readonly url: string;
  readonly requests: number;
  decide: (request: IncomingMessage, number: number) => Fault | null;
}

/** A proxy for the server at `target` (http://host:port, with a path perhaps). Requests keep their Host, which is signed. */
export async function openFaultProxy(target: string): Promise<FaultProxy> {
  const upstream = new URL(target);
  let requests = 0;
  const server = createServer((incoming, answer) => {
    const fault = proxy.decide(incoming, requests++);
    handle(incoming, answer, fault, upstream).catch(() => answer.socket?.destroy());
  });
  await new Promise<void>((done) => server.listen(0, "127.0.0.1", () => done()));
  const { port } = server.address() as AddressInfo;
  const proxy: FaultProxy = {
    url: `http://127.0.0.1:${port}${upstream.pathname === "/" ? "" : upstream.pathname}`,
    get requests() {
      return requests;
    },
    decide: () => null,
    [Symbol.asyncDispose]: async () => {
      server.closeAllConnections();
      await new Promise((done) => server.close(done));
    },
  };
  return proxy;
}

async function handle(
  incoming: IncomingMessage,
  answer: ServerResponse,
  fault: Fault | null,
  upstream: URL,
): Promise<void> {
  if (fault?.kind === "reset") {
    incoming.socket.destroy();
    return;
  }
  if (fault?.kind === "stall") {
    incoming.resume();
    return;
  }
  if (fault?.kind === "status") {
    incoming.resume();
    const code = fault.code ?? "SlowDown";
    answer.writeHead(fault.status, {
      "content-type": "application/xml",
      "x-ms-error-code": code,
      ...(fault.retryAfter === undefined ? {} : { "retry-after": String(fault.retryAfter) }),
    });
    answer.end(`<?xml version="1.0"?><Error><Code>${code}</Code><Message>injected</Message></Error>`);
    return;
  }
  if (fault?.kind === "delay") await delay(fault.milliseconds);
  const forwarded = request({
    host: upstream.hostname,
    port: upstream.port,
    method: incoming.method,
    path: incoming.url,
    headers: incoming.headers,
    setHost: false,
  });
  incoming.pipe(forwarded);
  const found = await new Promise<IncomingMessage>((done, fail) =>
    forwarded.once("response", done).once("error", fail),
  );
  answer.writeHead(found.statusCode ?? 502, found.headers);
  const half = Number(found.headers["content-length"] ?? 0) >> 1;
  let passed = 0;
  for await (const chunk of found) {
    const bytes = chunk as Buffer;
    if ((fault?.kind === "reset-in-answer" || fault?.kind === "truncate") && passed + bytes.length > half) {
      answer.write(bytes.subarray(0, Math.max(0, half - passed)));
      await delay(5);
      if (fault.kind === "truncate") answer.socket?.end();
      else answer.socket?.resetAndDestroy();
      return;
    }
    passed += bytes.length;
    if (!answer.write(bytes)) await drained(answer);
  }
  answer.end();
}

function drained(answer: ServerResponse): Promise<void> {
  return new Promise((resolve) => {
    const done = (): void => {
      answer.off("drain", done).off("close", done);
      resolve();
    };
    answer.on("drain", done).on("close", done);
  });
}
