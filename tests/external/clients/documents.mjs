// graphql-js as the reference for documents: node documents.mjs SCHEMA_FILE SEED COUNT
//
// Prints documents, each as JSON on its own line, with the verdict of graphql-js: whether it parses, whether it is valid, and
// the messages of its errors. First come the documents that are listed here, then valid ones by a random walk through the
// schema, then those with a few changed tokens or characters.
import { readFileSync } from "node:fs";
import {
  Lexer,
  Source,
  TokenKind,
  buildSchema,
  getNamedType,
  isAbstractType,
  isCompositeType,
  isEnumType,
  isInputObjectType,
  isListType,
  isNonNullType,
  isRequiredArgument,
  isRequiredInputField,
  parse,
  specifiedRules,
  validate,
} from "graphql";

const [schemaFile, seed, count] = process.argv.slice(2);
const schema = buildSchema(readFileSync(schemaFile, "utf8"));

// The depth of introspection is the gateway's own limit.
const rules = specifiedRules.filter(({ name }) => name !== "MaxIntrospectionDepthRule");

// The gateway's own scalars, as far as the documents use them.
const STRINGS = { DateTime: "2024-03-01T09:31:00+08:00", Date: "2024-03-01", Decimal: "234.00" };
const DATE_TIME = "written in RFC 3339 with an offset, such as 2024-03-01T09:31:00+08:00";
const isDay = (text) => /^\d{4}-\d\d-\d\d$/.test(text) && new Date(`${text}T00:00:00Z`).toISOString?.().startsWith(text);
const day = (text) => {
  try {
    return isDay(text);
  } catch {
    return false;
  }
};
const SCALARS = {
  DateTime: [(text) => {
    const parts = /^(.{10})T(\d\d):(\d\d):(\d\d)(\.\d+)?(?:Z|[+-](\d\d):(\d\d))$/i.exec(text);
    if (parts === null || !day(parts[1])) return false;
    const [hour, minute, second, , hours = 0, minutes = 0] = parts.slice(2);
    return hour < 24 && minute < 60 && second <= 60 && hours < 24 && minutes < 60;
  }, DATE_TIME],
  Date: [day, "a day that exists, written as YYYY-MM-DD"],
  Decimal: [(text) => /^[+-]?(\d+\.?\d*|\.\d+)$/.test(text), 'a decimal number in a string, such as "234.00"'],
};
for (const [name, [takes, form]] of Object.entries(SCALARS)) {
  schema.getType(name).parseLiteral = (node) => {
    if (node.kind === "StringValue" && takes(node.value)) return node.value;
    throw new Error(`It must be ${form}.`);
  };
}

let state = Number(seed) >>> 0;
/** Mulberry32: the same numbers for the same seed, everywhere. */
function random(below) {
  state = (state + 0x6d2b79f5) >>> 0;
  let mixed = Math.imul(state ^ (state >>> 15), state | 1);
  mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
  return ((mixed ^ (mixed >>> 14)) >>> 0) % below;
}
const chance = (of) => random(of) === 0;
const one = (list) => list[random(list.length)];

/** A valid document under construction. */
class Walk {
  constructor() {
    this.variables = [];
    this.fragments = [];
  }

  document() {
    const root = chance(6) ? schema.getMutationType() : schema.getQueryType();
    const keyword = root === schema.getQueryType() ? "query" : "mutation";
    const set = this.set(root, 1 + random(4));
    const name = chance(3) ? "" : ` Q${random(3)}`;
    const definitions = this.variables.map(({ name, type, value }) => {
      const description = chance(12) ? '"a variable" ' : "";
      return `${description}$${name}: ${type}${value}`;
    });
    const variables = definitions.length > 0 ? `(${definitions.join(one([", ", " ", "\n"]))})` : "";
    const short = keyword === "query" && variables === "" && name === "" && chance(2);
    const description = !short && chance(12) ? one(['"an operation" ', '"""an operation"""\n']) : "";
    const operation = short ? set : `${description}${keyword}${name}${variables}${this.directives()} ${set}`;
    const parts = [operation, ...this.fragments];
    if (chance(3)) parts.reverse();
    return parts.join(one([" ", "\n", "\n\n# a comment\n"]));
  }

  directives() {
    return "";
  }

  condition() {
    if (!chance(7)) return "";
    const name = one(["skip", "include"]);
    const value = chance(2) ? one(["true", "false"]) : this.variable(schema.getDirective(name).args[0].type, undefined);
    return ` @${name}(if: ${value})`;
  }

  set(type, depth) {
    const fields = Object.values(type.getFields?.() ?? {});
    const parts = [];
    for (let left = 1 + random(4); left > 0; left -= 1) {
      if (chance(10) || fields.length === 0) {
        parts.push(`${chance(4) ? "t: " : ""}__typename${this.condition()}`);
        continue;
      }
      if (chance(6)) {
        parts.push(this.fragment(type, depth));
        continue;
      }
      parts.push(this.field(one(fields), depth));
    }
    return `{ ${parts.join(one([" ", ", ", "\n"]))} }`;
  }

  field(field, depth) {
    const inner = getNamedType(field.type);
    if (isCompositeType(inner) && depth === 0) return "__typename";
    const alias = chance(8) ? `${one(["a", "b", field.name])}: ` : "";
    const given = field.args.filter((arg) => isRequiredArgument(arg) || chance(3));
    const args = given.map((arg) => `${arg.name}: ${this.value(arg.type, arg.defaultValue)}`);
    const list = args.length > 0 ? `(${args.join(", ")})` : "";
    const set = isCompositeType(inner) ? ` ${this.set(inner, depth - 1)}` : "";
    return `${alias}${field.name}${list}${this.condition()}${set}`;
  }

  fragment(type, depth) {
    const possible = isAbstractType(type) ? schema.getPossibleTypes(type) : (type.getInterfaces?.() ?? []);
    const on = chance(2) || possible.length === 0 ? type : one(possible);
    if (chance(4)) return `...${this.condition()} ${this.set(type, depth)}`;
    if (chance(2)) return `... on ${on.name}${this.condition()} ${this.set(on, depth)}`;
    const name = `F${this.fragments.length}`;
    const index = this.fragments.push("") - 1;
    const description = chance(12) ? '"a fragment" ' : "";
    this.fragments[index] = `${description}fragment ${name} on ${on.name} ${this.set(on, depth)}`;
    return `...${name}${this.condition()}`;
  }

  value(type, defaultValue) {
    if (isNonNullType(type)) {
      return chance(4) ? this.variable(type, defaultValue) : this.present(type.ofType);
    }
    if (chance(5)) return this.variable(type, defaultValue);
    if (chance(12)) return "null";
    if (isListType(type)) {
      if (chance(4)) return this.value(type.ofType);
      return `[${Array.from({ length: random(3) }, () => this.value(type.ofType)).join(", ")}]`;
    }
    if (isEnumType(type)) return one(type.getValues()).name;
    if (isInputObjectType(type)) {
      let given = Object.values(type.getFields()).filter((field) => isRequiredInputField(field) || chance(3));
      if (type.isOneOf) given = [one(Object.values(type.getFields()))];
      return `{ ${given.map((field) => `${field.name}: ${this.value(field.type, field.defaultValue)}`).join(", ")} }`;
    }
    switch (type.name) {
      case "Int":
        return one(["0", "1", "20", "-0", "-7", "2147483647"]);
      case "Float":
        return one(["0.5", "1e3", "-2", "0.1E-4"]);
      case "Boolean":
        return one(["true", "false"]);
      case "ID":
        return one(["1", '"a"', "123456789012345678901234567890", '"firstline:Ticket:1001"']);
      case "String":
        return one(['"a"', '""', '"é 😀"', '"\\u00e9\\n"', '"\\ud83d\\ude00"', '"\\u{1F600}"', '"""a\n   b\n  """', '"""\\""" \\u"""']);
      default:
        return `"${STRINGS[type.name]}"`;
    }
  }

  present(type) {
    let value = this.value(type);
    while (value === "null") value = this.value(type);
    return value;
  }

  /** One that is valid here, and sometimes one that is not. */
  variable(type, defaultValue) {
    const name = chance(8) && this.variables.length > 0 ? one(this.variables).name : `v${this.variables.length}`;
    if (!this.variables.some((known) => known.name === name)) {
      let written = String(type);
      let value = "";
      if (isNonNullType(type) && chance(3)) {
        const nullable = type.ofType;
        if (!isInputObjectType(getNamedType(nullable))) {
          written = String(nullable);
          value = ` = ${isListType(nullable) ? "[]" : this.constant(nullable)}`;
        }
      } else if (!isNonNullType(type) && chance(3)) {
        written = `${type}!`;
      }
      if (chance(20)) written = one(["Int", "String!", "[ID!]", "Nothing", "Ticket", "[ Boolean ! ] !"]);
      this.variables.push({ name, type: written, value });
    }
    return `$${name}`;
  }

  constant(type) {
    const kept = this.variables;
    this.variables = [];
    let value = this.value(type);
    while (value.includes("$")) value = this.value(type);
    this.variables = kept;
    return value;
  }
}

function tokens(document) {
  const found = [];
  const lexer = new Lexer(new Source(document));
  while (lexer.advance().kind !== TokenKind.EOF) found.push([lexer.token.start, lexer.token.end]);
  return found;
}

const NAMES = [
  "id", "name", "on", "query", "fragment", "null", "true", "Ticket", "Query", "Node", "Sponsor", "tickets", "totalCount", "nodes",
  "__typename", "__schema", "__type", "first", "filter", "skip", "include", "if", "deprecated", "F0", "F1", "Q0", "Int", "ID",
  "subject", "handler", "category", "parent", "type", "extend", "subscription", "a", "b",
];
const TOKENS = [
  ...NAMES, "{", "}", "(", ")", "[", "]", ":", "=", "!", "$", "@", "...", "|", "&", "$v0", "$v1", "@skip(if: true)", "@include(if: $v0)",
  "@nothing", "@deprecated", "... on Ticket", "... { id }", "a: id", "a: name", "{ id }", "{ __typename }", "(first: 1)", "0", "-1", "1.5", "007", "1e400",
  "99999999999", '"a"', '"\\u{110000}"', '"\\ud800"', '"""a"""', '"', '"""', ",", "# comment\n", "\u{feff}", "null", "[1, [2]]", "{ a: 1, a: 2 }",
  'fragment F9 on Query { __typename }', "...F0", "...F9", "query Other { __typename }", "{ __typename }", "type A { b: C }",
];
const CHARACTERS = [..."{}()[]:=!$@.|&\"\\ ,\n\r\t#'-+eE0123456789_aqé\u{feff}\u{0}\u{7f}😀", '\\u', "\\n", '"""', '\\"""', "  ", "\r\n"];

function mutated(document) {
  let changed = document;
  for (let left = 1 + random(2); left > 0; left -= 1) {
    if (chance(12)) {
      const letters = [...changed];
      const at = random(letters.length + 1);
      letters.splice(at, random(2), ...(chance(3) ? [] : [one(CHARACTERS)]));
      changed = letters.join("");
      continue;
    }
    let places;
    try {
      places = tokens(changed);
    } catch {
      return changed;
    }
    if (places.length === 0) return changed;
    const [start, end] = one(places);
    const [otherStart, otherEnd] = one(places);
    const token = changed.slice(otherStart, otherEnd);
    switch (random(12)) {
      case 0:
        changed = changed.slice(0, start) + changed.slice(end);
        break;
      case 1:
        changed = `${changed.slice(0, start)}${token} ${changed.slice(start)}`;
        break;
      case 2:
        changed = `${changed.slice(0, start)}${one(TOKENS)} ${changed.slice(start)}`;
        break;
      case 3:
        changed = changed.slice(0, start) + one(TOKENS) + changed.slice(end);
        break;
      case 4:
        changed = changed.slice(0, start) + token + changed.slice(end);
        break;
      default: {
        // Replacing a name by another name leaves more documents valid.
        const names = places.map(([from, to]) => [from, to]).filter(([from]) => /[_A-Za-z]/.test(changed[from]));
        if (names.length === 0) break;
        const [from, to] = one(names);
        changed = changed.slice(0, from) + one(NAMES) + changed.slice(to);
      }
    }
  }
  return changed;
}

// Documents that other servers judge differently.
const NAMED = [
  "{ tickets { nodes { ... { subject } ... { subject } } } }",
  "{ node(id: 1) { ... { id } ... on Ticket { ... { id } } } }",
  "{ tickets { nodes { handler { a: id } } } tickets { nodes { handler { a: name } } } }",
  "{ tickets { nodes { a: subject } nodes { a: id } } }",
  "{ node(id: 1) { ... on Ticket { a: subject } ... on Sponsor { a: name } } }",
  "{ node(id: 1) { ... on Ticket { a: id } ... on Sponsor { a: name } } }",
  "{ node(id: 1) { a: id ... on Sponsor { a: name } } }",
  "{ node(id: 1) { ... on Ticket { a: handler { x: id } } ... on ServiceRecord { a: handler { x: name } } } }",
  "{ node(id: 1) { ... on Ticket { a: handler { id } } ... on Sponsor { a: name } } }",
  "{ node(id: 1) { ... on Node { ... on Ticket { a: id } } ... on Node { ... on Ticket { a: subject } } } }",
  "{ ...A ...B } fragment A on Query { tickets { ...C } } fragment B on Query { tickets { ...D } } fragment C on TicketConnection { a: totalCount } fragment D on TicketConnection { a: __typename }",
  "query($a: Boolean !, $b: [ ID! ] ! ) { nodes(ids: $b) { id @skip(if: $a) } }",
  "{ node(id: 1) { ... on # a comment\n Ticket { id } } }",
  '{ ticket(id: "\\ud83d\\ude00") { id } b: ticket(id: "\\u{1f600}") { id } }',
  '{ ticket(id: "\\ud83d") { id } }',
  '{ ticket(id: "\\u{110000}") { id } }',
  '{ ticket(id: "\\u{}") { id } }',
  "{ tickets(first: -0) { totalCount } }",
  '"an operation" query { __typename }',
  '"short" { __typename }',
  '"a fragment" fragment F on Query { __typename } { ...F }',
  'query("a variable" $a: ID!) { ticket(id: $a) { id } }',
  'query($a: ID! "late") { ticket(id: $a) { id } }',
  'query($a: ID! @nothing) { ticket(id: $a) { id } }',
  'query($a: ID! @skip(if: true)) { ticket(id: $a) { id } }',
  'query($a: ID! @skip(if: $a)) { ticket(id: $a) { id } }',
  "queryQ { __typename }",
  "{ tickets(first: nullafter: null) { totalCount } }",
  "{ nodes(ids: [01]) { id } }",
  "{ tickets(first: 00) { totalCount } }",
  "query() { __typename }",
  "{ __typename() }",
  "{ ...on } fragment on on Query { __typename }",
  "{ tickets {} }",
  "{}",
  "",
  "# nothing",
  "fragment F on Query { __typename }",
  "query Q { __typename } query Q { __typename }",
  "query Q { __typename } { __typename }",
  "type A { b: C }",
  "query A($a: ID!) { ...F } query B($b: Int, $a: ID!) { tickets(first: $b) { totalCount } ...F } fragment F on Query { ticket(id: $a) { id } }",
  "query A($a: ID!) { ...F } query B($a: Int) { tickets(first: $a) { totalCount } ...F } fragment F on Query { ticket(id: $a) { id } }",
  '{ __type(name: "Node") { interfaces { name } } }',
  "{ __schema { types { name fields { name type { name } } } } __type(name: \"A\") { name } }",
  "{ tickets { __schema { types { name } } } }",
  "subscription { a }",
  "subscription { __typename }",
  "{ tickets(filter: { nothing: { a: 1, a: 2 } }) { totalCount } }",
  "{ tickets(filter: [{ search: 1 }]) { totalCount } }",
  "{ tickets(first: [1]) { totalCount } }",
  "{ tickets(first: { a: $b }) { totalCount } }",
  "{ tickets(filter: { statuses: CLOSED }) { totalCount } }",
  "{ tickets(filter: { statuses: [[CLOSED]] }) { totalCount } }",
  "{ tickets(filter: { statuses: closed }) { totalCount } }",
  'mutation { createTicket(input: { subject: "a" }) { ticket { id } } }',
  "mutation { createTicket(input: { subject: null, content: 5, nothing: 1 }) { ticket { id } } }",
  "{ ...A } fragment A on Query { ...B } fragment B on Query { ...C } fragment C on Query { ...B ...A }",
  "{ ...A } fragment A on Query { ...A }",
  "{ ...A ...A ...Z } fragment A on Query { __typename } fragment A on Ticket { id }",
  "{ __typename @skip(if: true) @skip(if: false) @include }",
  "{ __typename @skip(if: true, if: true, unless: true) }",
  "{ a: tickets { totalCount } a: tickets(first: 1) { totalCount } }",
  "{ a: tickets(filter: { search: \"a\", statuses: [CLOSED] }) { totalCount } a: tickets(filter: { statuses: [CLOSED], search: \"a\" }) { totalCount } }",
  '{ a: tickets(filter: { search: "a" }) { totalCount } a: tickets(filter: { search: """a""" }) { totalCount } }',
  "{ tickets { nodes { subjct idd handlr { id } } } tickts { id } nod(id: 1) { id } }",
  "{ node(id: 1) { subject name } }",
  "{ ticket(id: 1) { ... on Sponsor { id } ...S } } fragment S on Sponsor { id }",
  "{ ticket(id: 1) { ... on TicketStatus { id } ...S } } fragment S on DateTime { id }",
  "query($a: Ticket, $b: [Nothing!], $c: Int = \"a\", $c: Int) { __typename }",
  "query($a: [Int] = [1, \"a\", null], $b: TicketFilter = { search: 5, search: 6 }) { __typename }",
];

function verdict(document) {
  const listed = (errors) => ({
    messages: errors.map(({ message }) => message),
    locations: errors.map(({ locations }) => locations ?? []),
  });
  let parsed;
  try {
    parsed = parse(document);
  } catch (error) {
    return { phase: "parse", ...listed([error]) };
  }
  const errors = validate(schema, parsed, rules);
  return { phase: errors.length === 0 ? "valid" : "validate", ...listed(errors) };
}

const lines = [];
const judge = (document) => lines.push(JSON.stringify({ document, ...verdict(document) }));
NAMED.forEach(judge);
while (lines.length < Number(count)) {
  const document = new Walk().document();
  judge(document);
  for (let copies = 0; copies < 5; copies += 1) judge(mutated(document));
}
process.stdout.write(`${lines.join("\n")}\n`);
