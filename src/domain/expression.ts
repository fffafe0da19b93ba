import type { Json } from "./brand.ts";
import { PgrescueError } from "./errors.ts";

/**
 * The closed grammar of `when`: names (`target.kind`), literals (numbers, 'text', true, false, null), the comparisons
 * == != < <= > >=, ! && || and parentheses. No calls, no arithmetic, no code.
 */
export type Expression =
  | { readonly kind: "literal"; readonly value: Json }
  | { readonly kind: "name"; readonly name: string }
  | { readonly kind: "not"; readonly of: Expression }
  | { readonly kind: "binary"; readonly operator: Operator; readonly left: Expression; readonly right: Expression };

type Comparison = "==" | "!=" | "<" | "<=" | ">" | ">=";
type Operator = Comparison | "&&" | "||";
type Token = { readonly kind: "name" | "number" | "text" | "operator"; readonly text: string; readonly at: number };

const token =
  /\s*(?:([A-Za-z_][A-Za-z0-9_-]*(?:\.[A-Za-z_][A-Za-z0-9_-]*)*)|(-?\d+(?:\.\d+)?)|'([^']*)'|"([^"]*)"|(==|!=|<=|>=|<|>|&&|\|\||!|\(|\)))/y;

/** Reads an expression. Throws `config` saying what was found where. */
export function parseExpression(text: string): Expression {
  const tokens = tokenize(text);
  let next = 0;
  const peek = (): string => (tokens[next]?.kind === "operator" ? (tokens[next]?.text ?? "") : "");
  const fail = (): never => {
    const found = tokens[next];
    throw new PgrescueError(
      "config",
      found === undefined
        ? `expression ends too early: ${text}`
        : `unexpected ${found.text} at character ${found.at + 1} of the expression ${text}`,
    );
  };

  function either(): Expression {
    let left = both();
    while (peek() === "||") {
      next++;
      left = { kind: "binary", operator: "||", left, right: both() };
    }
    return left;
  }
  function both(): Expression {
    let left = comparison();
    while (peek() === "&&") {
      next++;
      left = { kind: "binary", operator: "&&", left, right: comparison() };
    }
    return left;
  }
  function comparison(): Expression {
    const left = single();
    const operator = peek();
    if (!isComparison(operator)) return left;
    next++;
    return { kind: "binary", operator, left, right: single() };
  }
  function single(): Expression {
    const found = tokens[next];
    if (found === undefined) return fail();
    if (found.kind === "operator") {
      if (found.text !== "!" && found.text !== "(") return fail();
      next++;
      if (found.text === "!") return { kind: "not", of: single() };
      const inner = either();
      if (peek() !== ")") return fail();
      next++;
      return inner;
    }
    next++;
    return operand(found);
  }

  const whole = either();
  return next < tokens.length ? fail() : whole;
}

/** The names an expression looks at, each once. */
export function namesIn(expression: Expression): readonly string[] {
  switch (expression.kind) {
    case "literal":
      return [];
    case "name":
      return [expression.name];
    case "not":
      return namesIn(expression.of);
    case "binary":
      return [...new Set([...namesIn(expression.left), ...namesIn(expression.right)])];
  }
}

/**
 * Whether an expression holds over facts. A name that stands for nothing is null; null is not smaller or greater than
 * anything; a bare name holds unless it is null, false, 0 or "". Throws `config` when unlike things are put in order.
 */
export function holds(expression: Expression, facts: { readonly [name: string]: Json }): boolean {
  return truth(value(expression, facts));
}

/** The value behind a dotted name, own properties only; null when there is none. */
export function lookUp(facts: { readonly [name: string]: Json }, name: string): Json {
  let found: Json = facts;
  for (const part of name.split(".")) {
    if (found === null || typeof found !== "object" || !Object.hasOwn(found, part)) return null;
    found = (found as { readonly [key: string]: Json })[part] ?? null;
  }
  return found;
}

function value(expression: Expression, facts: { readonly [name: string]: Json }): Json {
  switch (expression.kind) {
    case "literal":
      return expression.value;
    case "name":
      return lookUp(facts, expression.name);
    case "not":
      return !holds(expression.of, facts);
    case "binary":
      if (expression.operator === "&&") return holds(expression.left, facts) && holds(expression.right, facts);
      if (expression.operator === "||") return holds(expression.left, facts) || holds(expression.right, facts);
      return compare(expression.operator, value(expression.left, facts), value(expression.right, facts));
  }
}

function compare(operator: Comparison, left: Json, right: Json): boolean {
  if (operator === "==") return left === right;
  if (operator === "!=") return left !== right;
  if (left === null || right === null) return false;
  if (
    (typeof left !== "number" || typeof right !== "number") &&
    (typeof left !== "string" || typeof right !== "string")
  ) {
    throw new PgrescueError("config", `cannot put ${JSON.stringify(left)} and ${JSON.stringify(right)} in order`);
  }
  if (operator === "<") return left < right;
  if (operator === "<=") return left <= right;
  return operator === ">" ? left > right : left >= right;
}

function truth(of: Json): boolean {
  return of !== null && of !== false && of !== 0 && of !== "";
}

function operand(found: Token): Expression {
  if (found.kind === "text") return { kind: "literal", value: found.text };
  if (found.kind === "number") return { kind: "literal", value: Number(found.text) };
  const words: { readonly [word: string]: boolean | null } = { true: true, false: false, null: null };
  return Object.hasOwn(words, found.text)
    ? { kind: "literal", value: words[found.text] ?? null }
    : { kind: "name", name: found.text };
}

function isComparison(operator: string): operator is Comparison {
  return ["==", "!=", "<", "<=", ">", ">="].includes(operator);
}

function tokenize(text: string): readonly Token[] {
  const tokens: Token[] = [];
  const end = text.trimEnd().length;
  let at = 0;
  while (at < end) {
    token.lastIndex = at;
    const m = token.exec(text);
    if (m === null)
      throw new PgrescueError(
        "config",
        `unexpected ${text.slice(at).trim().slice(0, 10)} at character ${at + 1} of the expression ${text}`,
      );
    const [whole, name, number, single, double, operator] = m;
    const start = at;
    at += whole.length;
    if (name !== undefined) tokens.push({ kind: "name", text: name, at: start });
    else if (number !== undefined) tokens.push({ kind: "number", text: number, at: start });
    else if (operator !== undefined) tokens.push({ kind: "operator", text: operator, at: start });
    else tokens.push({ kind: "text", text: single ?? double ?? "", at: start });
  }
  return tokens;
}
