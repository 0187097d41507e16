// graphql-js as the reference: node referee.mjs URL SCHEMA_URL
//
// The gateway executes one wide query; graphql-js then executes narrower ones over that data. Both must return the same `data`,
// byte for byte, so that the order of keys counts too, with null and errors at the same places.
import { buildSchema, execute, getNamedType, isCompositeType, isLeafType, parse, specifiedScalarTypes, validate } from "graphql";

const [url, schemaUrl] = process.argv.slice(2);
const schema = buildSchema(await (await fetch(schemaUrl)).text());
const failures = [];
let compared = 0;

async function ask(query, variables = {}) {
  const response = await fetch(url, {
    method: "POST",
    headers: { "content-type": "application/json", accept: "application/graphql-response+json" },
    body: JSON.stringify({ query, variables }),
  });
  return { status: response.status, body: await response.json() };
}

// Each scalar stays as the gateway wrote it.
for (const type of Object.values(schema.getTypeMap())) {
  if (isLeafType(type) && type.constructor.name === "GraphQLScalarType" && !specifiedScalarTypes.includes(type)) {
    type.serialize = (value) => value;
  }
}

// A fixed seed, so that every run sends the same queries.
let state = 20240301;
const random = (below) => {
  state = (Math.imul(state, 1103515245) + 12345) & 0x7fffffff;
  return (state >> 8) % below;
};

// The data has whole objects at these places of the schema, and the first page of lists.
const WIDE = `{
  tickets(first: 4) {
    nodes {
      __typename id vendor vendorId subject status statusMemo priority dueAt isOverdue createdAt updatedAt
      contact { __typename id name company }
      category { __typename id vendor vendorId name level parent { __typename id name level } }
      handler { __typename id vendor vendorId name email groups { __typename id name } }
      creator { __typename id name }
      sponsor { __typename id vendor name }
      terminationCode { __typename id name status }
    }
    edges { __typename cursor node { __typename id subject } }
    pageInfo { __typename hasNextPage hasPreviousPage startCursor endCursor }
    totalCount __typename
  }
  serviceRecords(first: 4) {
    nodes {
      __typename id vendor vendorId channel status createdAt durationSeconds problem isResolved
      rating { __typename score comment }
      handler { __typename id name }
      contact { __typename id name }
      remoteSession { __typename clientId hasChat fileCount }
    }
    edges { __typename cursor node { __typename id vendor } }
    pageInfo { __typename hasNextPage hasPreviousPage startCursor endCursor }
    totalCount __typename
  }
  sponsors { __typename id vendor vendorId name description }
  terminationCodes { __typename id vendor vendorId name status }
  __typename
}`;

const wide = await ask(WIDE);
if (wide.status !== 200 || wide.body.errors) {
  console.log(`the wide question: ${wide.status} ${JSON.stringify(wide.body.errors)}`);
  process.exit(1);
}
const held = wide.body.data;
const ids = held.tickets.nodes.map((ticket) => ticket.id);
held.node = ({ id }) => find(id);
held.ticket = ({ id }) => find(id);
held.nodes = ({ ids }) => {
  if (ids.length > 100) throw new Error("too many ids");
  return ids.map((id) => {
    try {
      return find(id);
    } catch (error) {
      return error;
    }
  });
};
for (const list of [held.tickets, held.serviceRecords]) {
  list.edges.forEach((edge, index) => (edge.node = list.nodes[index]));
}

/** The gateway's error for a malformed id: the reference returns the same one. */
function find(id) {
  const found = [...held.tickets.nodes, ...held.sponsors].find((object) => object.id === id);
  if (found === undefined) throw new Error("no such id");
  return found;
}

/** The same response from both, or, for an invalid document, an error from both. */
async function compare(query, variables = {}) {
  compared += 1;
  const document = parse(query);
  const faults = validate(schema, document);
  const { status, body } = await ask(query, variables);

  if (faults.length > 0) {
    if (status !== 400 || "data" in body) failures.push(`is not valid (${faults[0].message}), and ran: ${query}`);
    return;
  }
  const expected = await execute({ schema, document, rootValue: held, variableValues: variables });
  if (expected.data === undefined) {
    if (status !== 400 || "data" in body) failures.push(`${expected.errors[0].message}, and ran: ${query}`);
    return;
  }
  const paths = (errors) => JSON.stringify((errors ?? []).map((error) => error.path).sort());
  const [wanted, got] = [JSON.stringify(expected.data), JSON.stringify(body.data)];
  if (wanted !== got || paths(expected.errors) !== paths(body.errors)) {
    failures.push(`${query} ${JSON.stringify(variables)}\n  referee: ${wanted} ${paths(expected.errors)}\n  gateway: ${got} ${paths(body.errors)} ${JSON.stringify(body.errors ?? [])}`);
  }
}

/** A selection of the data, with aliases, fragments, directives and repeated fields. */
function selection(type, sample, depth) {
  const fields = type.getFields();
  const known = Object.keys(sample).filter((name) => name in fields);
  const parts = [];
  for (let count = 1 + random(5); count > 0; count -= 1) {
    const name = known[random(known.length)];
    const inner = getNamedType(fields[name].type);
    let value = sample[name];
    while (Array.isArray(value)) value = value.find((item) => item !== null);
    if (isCompositeType(inner) && (depth === 0 || value === null || value === undefined)) continue;

    const alias = random(4) === 0 ? `a${random(3)}${name}: ` : "";
    const directive = ["", "", "", " @include(if: true)", " @skip(if: $no)", " @include(if: $yes)", " @skip(if: $yes)"][random(7)];
    const inside = isCompositeType(inner) ? ` ${selection(inner, value, depth - 1)}` : "";
    const field = `${alias}${name}${directive}${inside}`;
    const wrapped = [
      field,
      field,
      field,
      `... { ${field} }`,
      `... on ${type.name} { ${field} }`,
      type.getInterfaces?.().length > 0 ? `... on Node { id __typename ... on ${type.name} { ${field} } }` : field,
    ][random(6)];
    parts.push(wrapped);
  }
  if (parts.length === 0 || random(4) === 0) parts.push("__typename");
  return `{ ${parts.join(" ")} }`;
}

const variables = "($no: Boolean! = false, $yes: Boolean = true)";
const used = "v: __typename @skip(if: $no) @include(if: $yes)";
for (let round = 0; round < 60; round += 1) {
  const tickets = schema.getType("TicketConnection");
  const records = schema.getType("ServiceRecordConnection");
  const sponsor = schema.getType("Sponsor");
  const inside = [
    `tickets(first: 4) ${selection(tickets, held.tickets, 3)}`,
    `serviceRecords(first: 4) ${selection(records, held.serviceRecords, 3)}`,
    `sponsors ${selection(sponsor, held.sponsors[0], 1)}`,
  ];
  const first = random(3);
  await compare(`query Q${variables} { ${inside[first]} ${used} r: ${inside[(first + 1 + random(2)) % 3]} }`, random(2) === 0 ? {} : { no: random(2) === 0, yes: random(2) === 0 });
}

const one = `query($id: ID!, $with: Boolean = false, $ids: [ID!]! = [])`;
for (const [query, given] of [
  // Order of keys, merged fields, and nested fragments.
  ["{ b: __typename a: sponsors { id } __typename a: sponsors { name id } }", {}],
  ["{ tickets(first: 4) { nodes { id } } ...T } fragment T on Query { tickets(first: 4) { nodes { handler { id } } totalCount } }", {}],
  ["{ ...A ...B } fragment A on Query { sponsors { ...S } } fragment B on Query { sponsors { vendorId ...S } } fragment S on Sponsor { name }", {}],
  ["{ tickets(first: 4) { edges { node { handler { groups { name } } } node { handler { name groups { id } } } } } }", {}],
  ["{ sponsors { ... on Node { id } ... on Sponsor { name } ... @include(if: false) { vendor } } }", {}],
  ["{ sponsors { ...N @skip(if: true) id } } fragment N on Node { __typename }", {}],
  // An object through an interface.
  [`${one} { node(id: $id) { __typename id ... on Ticket { subject handler { name } } ... on Sponsor { name } } nodes(ids: $ids) { id } t: __typename @include(if: $with) }`, { id: ids[0], ids }],
  [`${one} { node(id: $id) { ...N } nodes(ids: $ids) { ...N } t: __typename @include(if: $with) } fragment N on Node { ... on Ticket { id category { parent { name } } } }`, { id: ids[1], with: true, ids: ids[2] }],
  // A field that fails is null, and in a list of nullable items only its item.
  [`query($id: ID!) { sponsors { id } ticket(id: $id) { id subject } node(id: $id) { id } }`, { id: "nothing" }],
  [`query($ids: [ID!]!) { nodes(ids: $ids) { id ... on Ticket { status } } sponsors { id } }`, { ids: [ids[0], "nothing", ids[1]] }],
  // A non-null field that fails nulls its parent.
  [`query($ids: [ID!]!) { sponsors { id } nodes(ids: $ids) { id } }`, { ids: Array(101).fill(ids[0]) }],
  // Invalid or missing variables.
  [`query($id: ID!) { ticket(id: $id) { id } }`, {}],
  [`query($id: ID!) { ticket(id: $id) { id } }`, { id: null }],
  [`query($id: ID!) { ticket(id: $id) { id } }`, { id: ["a", "b"] }],
  [`query($yes: Boolean!) { __typename @skip(if: $yes) }`, { yes: "true" }],
  [`query($yes: Boolean!) { sponsors @skip(if: $yes) { id } }`, { yes: true }],
  [`query($ids: [ID!]!) { nodes(ids: $ids) { id } }`, { ids: [null] }],
  // Null instead of a default where null is not allowed.
  [`query($id: ID = "a") { sponsors { id } ticket(id: $id) { id } }`, { id: null }],
  [`query($id: ID = "a") { sponsors { id } ...Q } fragment Q on Query { t: ticket(id: $id) { id } }`, { id: null }],
  [`query($id: String = "a") { __type(name: $id) { name } sponsors { id } }`, { id: null }],
  [`query($ids: [ID!] = []) { sponsors { id } nodes(ids: $ids) { id } }`, { ids: null }],
  [`query($id: ID = "a") { sponsors { id } nodes(ids: ["b", $id]) { id } }`, { id: null }],
  [`query($id: ID = "a") { sponsors { id } ticket(id: $id) @skip(if: true) { id } }`, { id: null }],
  // Invalid documents.
  ["{ nothing }", {}],
  ["{ sponsors }", {}],
  ["{ sponsors { id { a } } }", {}],
  ["{ sponsors { ...F } }", {}],
  ["{ __typename } fragment F on Sponsor { id }", {}],
  ["{ sponsors { ... on Ticket { id } } }", {}],
  ["{ sponsors { a: id a: name } }", {}],
  ["{ ticket(id: 1) { id } ticket(id: 2) { id } }", {}],
  ["{ ticket { id } }", {}],
  ["{ ticket(id: 1, id: 1) { id } }", {}],
  ["{ ticket(id: 1, no: 1) { id } }", {}],
  ["{ ticket(id: true) { id } }", {}],
  ["{ tickets(first: 1.5) { totalCount } }", {}],
  ["{ tickets(first: 99999999999) { totalCount } }", {}],
  ["{ tickets(filter: { statuses: [\"CLOSED\"] }) { totalCount } }", {}],
  ["{ tickets(filter: { statuses: [NOTHING] }) { totalCount } }", {}],
  ["{ tickets(filter: { nothing: 1 }) { totalCount } }", {}],
  ["{ tickets(filter: 5) { totalCount } }", {}],
  ["{ tickets(filter: { search: \"a\", search: \"b\" }) { totalCount } }", {}],
  ["query($a: TicketFilter = { search: \"a\", search: \"a\" }) { tickets(filter: $a) { totalCount } }", {}],
  ["{ __typename @skip(if: true, if: true) }", {}],
  ["{ __typename @nothing }", {}],
  ["{ __typename @skip }", {}],
  ["{ __typename @skip(if: true) @skip(if: true) }", {}],
  ["query($a: Int) { __typename }", {}],
  ["query($a: Int, $a: Int) { tickets(first: $a) { totalCount } }", {}],
  ["query($a: Ticket) { __typename }", {}],
  ["query($a: Int = \"a\") { tickets(first: $a) { totalCount } }", {}],
  ["query($a: Int) { ticket(id: $a) { id } }", {}],
  ["{ tickets(first: $a) { totalCount } }", {}],
  ["mutation { createTicket { ticket { id } } }", {}],
  ["mutation { createTicket(input: {}) { ticket { id } } }", {}],
  ["query A { __typename } query A { __typename }", {}],
  ["{ __typename } query A { __typename }", {}],
  ["{ ...A } fragment A on Query { ...B } fragment B on Query { ...A }", {}],
  ["{ ...A } fragment A on Query { __typename } fragment A on Query { __typename }", {}],
  ["{ ...A } fragment A on Nothing { __typename }", {}],
  ["{ ...A } fragment A on DateTime { __typename }", {}],
  ["{ nothing @ifdef }", {}],
]) {
  await compare(query, given);
}

for (const failure of failures) console.log(failure);
console.log(`${compared - failures.length} of ${compared} answers are the referee's`);
process.exitCode = failures.length === 0 ? 0 : 1;
