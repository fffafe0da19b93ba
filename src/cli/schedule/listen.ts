import { createServer, type Server } from "node:http";
import { messageOf, PgrescueError } from "../../domain/errors.ts";

/** What is served to monitoring. */
export interface Pages {
  /** Whether the scheduler is alive, and what it says of itself. */
  health(): { readonly isAlive: boolean; readonly document: object };
  /** Prometheus' text. */
  metrics(): Promise<string>;
}

/** Serves /healthz and /metrics on `host:port`. Throws `usage` for an address that is none, `precondition-refused` for one that is taken. */
export async function listen(address: string, pages: Pages): Promise<Server> {
  const m = /^(?:\[([0-9a-f:]+)\]|([^:\s]+)):(\d{1,5})$/i.exec(address);
  if (m === null)
    throw new PgrescueError("usage", `--listen ${address} is no address`, { next: "Write it like 127.0.0.1:9187." });
  const server = createServer((request, response) => {
    const answer = (status: number, type: string, text: string): void => {
      response.writeHead(status, { "content-type": type, "cache-control": "no-store" }).end(text);
    };
    const path = (request.url ?? "").split("?")[0];
    if (request.method !== "GET" && request.method !== "HEAD") answer(405, "text/plain", "only GET\n");
    else if (path === "/healthz") {
      const { isAlive, document } = pages.health();
      answer(isAlive ? 200 : 503, "application/json", `${JSON.stringify(document)}\n`);
    } else if (path === "/metrics")
      void pages.metrics().then(
        (text) => answer(200, "text/plain; version=0.0.4; charset=utf-8", text),
        (error: unknown) => answer(500, "text/plain", `${messageOf(error)}\n`),
      );
    else answer(404, "text/plain", "there are /healthz and /metrics\n");
  });
  await new Promise<void>((done, failed) => {
    server.once("error", (error) =>
      failed(new PgrescueError("precondition-refused", `cannot listen on ${address}: ${messageOf(error)}`)),
    );
    server.listen(Number(m[3]), m[1] ?? m[2] ?? "127.0.0.1", done);
  });
  return server;
}
