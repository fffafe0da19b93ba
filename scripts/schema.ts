// Writes schema/runbook.schema.json from the schema that runbooks are read with.
import { writeFile } from "node:fs/promises";
import { z } from "zod";
import { runbookSchema } from "../src/adapters/config/runbook-file.ts";

/** The JSON Schema that editors use, as the file holds it. */
export function publishedSchema(): string {
  const schema = {
    ...z.toJSONSchema(runbookSchema),
    $id: "urn:pgrescue:runbook:v1",
    title: "pgrescue runbook",
  };
  return `${JSON.stringify(schema, null, 2)}\n`;
}

if (import.meta.main) await writeFile(new URL("../schema/runbook.schema.json", import.meta.url), publishedSchema());
