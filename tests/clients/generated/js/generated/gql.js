/* eslint-disable */
import * as types from './graphql.js';
const documents = {
    "\n  query OpenTickets($filter: TicketFilter) {\n    tickets(first: 3, filter: $filter) {\n      nodes {\n        id\n        status\n        statusMemo\n        handler {\n          name\n        }\n      }\n      totalCount\n    }\n  }\n": types.OpenTicketsDocument,
    "\n  mutation Note($input: UpdateTicketInput!) {\n    updateTicket(input: $input) {\n      ticket {\n        id\n        statusMemo\n      }\n      userErrors {\n        code\n        message\n      }\n    }\n  }\n": types.NoteDocument,
};
export function graphql(source) {
    return documents[source] ?? {};
}
