// Apollo Client with its normalized cache: relayStylePagination merges pages, introspection gives the types of an interface,
// and the payload of a mutation updates every view of the object. node apollo.mjs URL
import assert from "node:assert/strict";
import { ApolloClient, HttpLink, InMemoryCache, gql } from "@apollo/client/core";
import { relayStylePagination } from "@apollo/client/utilities";
import { filter, firstValueFrom } from "rxjs";

const [url] = process.argv.slice(2);

async function possibleTypesOf(url) {
  const query = "{ __schema { types { kind name possibleTypes { name } } } }";
  const headers = { "content-type": "application/json" };
  const response = await fetch(url, { method: "POST", headers, body: JSON.stringify({ query }) });
  const { data } = await response.json();
  const abstract = data.__schema.types.filter(({ kind }) => kind === "INTERFACE" || kind === "UNION");
  return Object.fromEntries(abstract.map(({ name, possibleTypes }) => [name, possibleTypes.map((type) => type.name)]));
}

const client = new ApolloClient({
  link: new HttpLink({ uri: url }),
  cache: new InMemoryCache({
    possibleTypes: await possibleTypesOf(url),
    typePolicies: {
      Query: {
        fields: {
          serviceRecords: relayStylePagination(["filter"]),
          tickets: relayStylePagination(["filter"]),
        },
      },
    },
  }),
});

/** The data of a watched query once it is complete. */
const complete = (watched) => firstValueFrom(watched.pipe(filter(({ dataState }) => dataState === "complete")));

const RECORDS = gql`
  query Records($first: Int!, $after: String) {
    serviceRecords(first: $first, after: $after) {
      edges {
        cursor
        node {
          id
          vendor
          createdAt
        }
      }
      pageInfo {
        hasNextPage
        hasPreviousPage
        startCursor
        endCursor
      }
    }
  }
`;

// Five pages of ten are the fifty newest, each once, in the order of one page of fifty.
const records = client.watchQuery({ query: RECORDS, variables: { first: 10 } });
// A list on a screen: Apollo drops a query without a subscriber.
const onScreen = records.subscribe(() => {});
let { serviceRecords } = (await complete(records)).data;
while (serviceRecords.edges.length < 50) {
  const { endCursor, hasNextPage } = serviceRecords.pageInfo;
  assert.equal(hasNextPage, true);
  const length = serviceRecords.edges.length + 10;
  const longer = firstValueFrom(records.pipe(filter(({ data }) => data?.serviceRecords?.edges.length === length)));
  await records.fetchMore({ variables: { after: endCursor } });
  ({ serviceRecords } = (await longer).data);
}
onScreen.unsubscribe();
const joined = serviceRecords.edges.map(({ node }) => node.id);
const whole = await client.query({ query: RECORDS, variables: { first: 50 }, fetchPolicy: "no-cache" });
assert.deepEqual(joined, whole.data.serviceRecords.edges.map(({ node }) => node.id));
assert.equal(new Set(joined).size, 50);
console.log("paged: 50 service records in 5 pages");

const TICKETS = gql`
  query Tickets {
    tickets(first: 5) {
      edges {
        cursor
        node {
          id
          subject
        }
      }
      pageInfo {
        hasNextPage
        endCursor
      }
    }
  }
`;
const tickets = client.watchQuery({ query: TICKETS });
const shown = [];
const watching = tickets.subscribe(({ data }) => data?.tickets && shown.push(data.tickets.edges[0].node.subject));
const { id, subject } = (await complete(tickets)).data.tickets.edges[0].node;

const updated = await client.mutate({
  mutation: gql`
    mutation Rename($input: UpdateTicketInput!) {
      updateTicket(input: $input) {
        ticket {
          id
          subject
        }
        userErrors {
          message
        }
      }
    }
  `,
  variables: { input: { id, subject: "Seen in every place" } },
});
assert.deepEqual(updated.data.updateTicket.userErrors, []);

// The list that was read before has the update, by the object's id and without a further request.
assert.equal(tickets.getCurrentResult().data.tickets.edges[0].node.subject, "Seen in every place");
assert.equal(shown.at(-1), "Seen in every place");
assert.notEqual(subject, "Seen in every place");
watching.unsubscribe();
const kept = client.cache.readFragment({ id: `Ticket:${id}`, fragment: gql`fragment Kept on Ticket { subject }` });
assert.equal(kept.subject, "Seen in every place");

// So does the gateway, in a new request by the interface that every object has.
const NODE = gql`
  query Again($id: ID!) {
    node(id: $id) {
      ...Shared
      ... on Ticket {
        subject
      }
    }
  }
  fragment Shared on Node {
    id
  }
`;
const again = await client.query({ query: NODE, variables: { id }, fetchPolicy: "network-only" });
assert.equal(again.data.node.subject, "Seen in every place");
assert.equal(again.data.node.id, id);
console.log("updated: a ticket, in the list, in the cache and at the gateway");
