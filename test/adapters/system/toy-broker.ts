import { serveBroker } from "../../../src/adapters/system/broker.ts";
import { createShell } from "../../../src/adapters/system/exec.ts";

await serveBroker(createShell());
