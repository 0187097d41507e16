// urql with generated types: a query has the type of its response, and a mutation refetches what it changed.
import assert from "node:assert/strict";
import { Client, cacheExchange, fetchExchange } from "@urql/core";
import { graphql } from "./generated/index.js";
import { TicketStatus } from "./generated/graphql.js";

const url = process.argv[2];
assert.ok(url);
const client = new Client({ url, exchanges: [cacheExchange, fetchExchange] });

const OpenTickets = graphql(`
  query OpenTickets($filter: TicketFilter) {
    tickets(first: 3, filter: $filter) {
      nodes {
        id
        status
        statusMemo
        handler {
          name
        }
      }
      totalCount
    }
  }
`);
const Note = graphql(`
  mutation Note($input: UpdateTicketInput!) {
    updateTicket(input: $input) {
      ticket {
        id
        statusMemo
      }
      userErrors {
        code
        message
      }
    }
  }
`);

const memos: (string | null | undefined)[] = [];
const filter = { statuses: [TicketStatus.Pending, TicketStatus.InProgress] };
const seen = new Promise<string>((resolve, reject) => {
  let isNoted = false;
  client.query(OpenTickets, { filter }).subscribe(({ data, error }) => {
    if (error) return reject(error);
    const ticket = data?.tickets?.nodes[0];
    if (!ticket) return reject(new Error("there is no open ticket"));

    // @ts-expect-error A field that was not selected does not exist.
    assert.equal(ticket.subject, undefined);
    const handler: string | null | undefined = ticket.handler?.name;
    assert.notEqual(handler, "");
    memos.push(ticket.statusMemo);
    if (memos.at(-1) === "Noted by urql") return resolve(ticket.id);
    if (isNoted) return;
    isNoted = true;
    note(ticket.id).catch(reject);
  });
});

async function note(id: string): Promise<void> {
  const { data, error } = await client.mutation(Note, { input: { id, statusMemo: "Noted by urql" } }).toPromise();
  assert.equal(error, undefined);
  assert.deepEqual(data?.updateTicket?.userErrors, []);
  assert.equal(data?.updateTicket?.ticket?.statusMemo, "Noted by urql");
}

await seen;
assert.notEqual(memos[0], "Noted by urql");
console.log("urql: a note that was written was read back");
