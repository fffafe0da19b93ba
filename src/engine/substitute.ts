import type { Json } from "../domain/brand.ts";
import { PgrescueError } from "../domain/errors.ts";
import { lookUp } from "../domain/expression.ts";

type JsonObject = { readonly [key: string]: Json };

const reference = /\$\{([A-Za-z_][A-Za-z0-9_.-]*)\}/g;

/**
 * Puts inputs in the place of `${name}` in a step's parameters. A parameter that is nothing but one reference keeps the
 * input's type; inside a longer text only text, numbers and booleans fit. Throws `config` naming what is not there.
 */
export function substitute(parameters: JsonObject, inputs: JsonObject): JsonObject {
  return mapObject(parameters, (value) => replaced(value, inputs));
}

/** The names that `${...}` in a value refer to, each once. */
export function referencesIn(value: Json): readonly string[] {
  const text = JSON.stringify(value);
  return [...new Set([...text.matchAll(reference)].map((m) => m[1] ?? ""))];
}

function replaced(value: Json, inputs: JsonObject): Json {
  if (typeof value === "string") return replacedText(value, inputs);
  if (Array.isArray(value)) return value.map((item: Json) => replaced(item, inputs));
  if (value !== null && typeof value === "object")
    return mapObject(value as JsonObject, (item) => replaced(item, inputs));
  return value;
}

function replacedText(text: string, inputs: JsonObject): Json {
  const whole = /^\$\{([A-Za-z_][A-Za-z0-9_.-]*)\}$/.exec(text)?.[1];
  if (whole !== undefined) return input(inputs, whole);
  return text.replaceAll(reference, (_, name: string) => {
    const value = input(inputs, name);
    if (typeof value === "object")
      throw new PgrescueError("config", `input ${name} is not a plain value and cannot stand inside a text`);
    return String(value);
  });
}

function input(inputs: JsonObject, name: string): Json {
  if (!Object.hasOwn(inputs, name.split(".")[0] ?? "")) throw new PgrescueError("config", `there is no input ${name}`);
  return lookUp(inputs, name);
}

function mapObject(object: JsonObject, how: (value: Json) => Json): JsonObject {
  return Object.fromEntries(Object.entries(object).map(([key, value]) => [key, how(value)]));
}
