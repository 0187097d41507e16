/** What a message consists of. */
export var ChatMessageKind;
(function (ChatMessageKind) {
    /** A file of another kind. */
    ChatMessageKind["File"] = "FILE";
    /** A picture. */
    ChatMessageKind["Image"] = "IMAGE";
    /** Something else: `rawType` has the vendor's name for it. */
    ChatMessageKind["Other"] = "OTHER";
    /** Words. */
    ChatMessageKind["Text"] = "TEXT";
})(ChatMessageKind || (ChatMessageKind = {}));
/** In which role somebody takes part in a chat. */
export var ChatRole;
(function (ChatRole) {
    /** Somebody who serves customers. */
    ChatRole["Agent"] = "AGENT";
    /** A program that answers customers. */
    ChatRole["Bot"] = "BOT";
    /** The customer. */
    ChatRole["Customer"] = "CUSTOMER";
    /** The vendor's system. */
    ChatRole["System"] = "SYSTEM";
    /** A vendor code that this gateway does not know. */
    ChatRole["Unknown"] = "UNKNOWN";
})(ChatRole || (ChatRole = {}));
/** The circuit breaker of a vendor. */
export var CircuitState;
(function (CircuitState) {
    /** Calls go through. */
    CircuitState["Closed"] = "CLOSED";
    /** A trial call decides whether calls go through again. */
    CircuitState["HalfOpen"] = "HALF_OPEN";
    /** Too many calls failed: for a while none is made. */
    CircuitState["Open"] = "OPEN";
})(CircuitState || (CircuitState = {}));
/** How far a payment has come. */
export var PaymentStatus;
(function (PaymentStatus) {
    /** Taken from what the customer had paid before. */
    PaymentStatus["Deducted"] = "DEDUCTED";
    /** The payment failed. */
    PaymentStatus["Failed"] = "FAILED";
    /** The customer opened the page on which to pay. */
    PaymentStatus["PageOpened"] = "PAGE_OPENED";
    /** Paid by the customer. */
    PaymentStatus["Paid"] = "PAID";
    /** A vendor code that this gateway does not know. */
    PaymentStatus["Unknown"] = "UNKNOWN";
    /** Not paid yet. */
    PaymentStatus["Unpaid"] = "UNPAID";
})(PaymentStatus || (PaymentStatus = {}));
/** A rating in three steps. */
export var RatingScore;
(function (RatingScore) {
    /** The customer is not content. */
    RatingScore["Bad"] = "BAD";
    /** The customer is content. */
    RatingScore["Good"] = "GOOD";
    /** Neither good nor bad. */
    RatingScore["Neutral"] = "NEUTRAL";
    /** A vendor code that this gateway does not know. */
    RatingScore["Unknown"] = "UNKNOWN";
})(RatingScore || (RatingScore = {}));
/** How a customer and an agent talk. */
export var ServiceChannel;
(function (ServiceChannel) {
    /** E-mail. */
    ServiceChannel["Email"] = "EMAIL";
    /** Facebook Messenger. */
    ServiceChannel["Facebook"] = "FACEBOOK";
    /** Instagram. */
    ServiceChannel["Instagram"] = "INSTAGRAM";
    /** LINE. */
    ServiceChannel["Line"] = "LINE";
    /** Chat on a web page. */
    ServiceChannel["Livechat"] = "LIVECHAT";
    /** Telephone. */
    ServiceChannel["Phone"] = "PHONE";
    /** The agent looks at the customer's computer, or controls it. */
    ServiceChannel["RemoteAssistance"] = "REMOTE_ASSISTANCE";
    /** Text messages. */
    ServiceChannel["Sms"] = "SMS";
    /** Telegram. */
    ServiceChannel["Telegram"] = "TELEGRAM";
    /** A vendor code that this gateway does not know. */
    ServiceChannel["Unknown"] = "UNKNOWN";
    /** Viber. */
    ServiceChannel["Viber"] = "VIBER";
    /** WeChat. */
    ServiceChannel["Wechat"] = "WECHAT";
    /** WhatsApp. */
    ServiceChannel["Whatsapp"] = "WHATSAPP";
})(ServiceChannel || (ServiceChannel = {}));
/** How far a service has come. */
export var ServiceRecordStatus;
(function (ServiceRecordStatus) {
    /** All is done. */
    ServiceRecordStatus["Completed"] = "COMPLETED";
    /** The service goes on longer than was planned. */
    ServiceRecordStatus["Extended"] = "EXTENDED";
    /** The vendor counts it as no service. */
    ServiceRecordStatus["Invalid"] = "INVALID";
    /** The customer is being served. */
    ServiceRecordStatus["InService"] = "IN_SERVICE";
    /** The service rests for a while. */
    ServiceRecordStatus["OnHold"] = "ON_HOLD";
    /** A vendor code that this gateway does not know. */
    ServiceRecordStatus["Unknown"] = "UNKNOWN";
    /** The customer waits for somebody. */
    ServiceRecordStatus["Waiting"] = "WAITING";
    /** Service has ended, the agent's after-call work has not (FirstLine). */
    ServiceRecordStatus["WrapUp"] = "WRAP_UP";
})(ServiceRecordStatus || (ServiceRecordStatus = {}));
/** Where a vendor's part of an answer came from. */
export var SourceState;
(function (SourceState) {
    /** Read from the vendor a short while ago. */
    SourceState["Cached"] = "CACHED";
    /** The vendor failed and nothing of it is held: its part is missing. */
    SourceState["Failed"] = "FAILED";
    /** Read from the vendor for this answer. */
    SourceState["Fresh"] = "FRESH";
    /** Nothing of this vendor was asked for. */
    SourceState["Skipped"] = "SKIPPED";
    /** The vendor failed; what it said last is served instead. */
    SourceState["Stale"] = "STALE";
})(SourceState || (SourceState = {}));
/** How urgent a ticket is. */
export var TicketPriority;
(function (TicketPriority) {
    /** Before others. */
    TicketPriority["High"] = "HIGH";
    /** It can wait. */
    TicketPriority["Low"] = "LOW";
    /** As usual. */
    TicketPriority["Medium"] = "MEDIUM";
    /** A vendor code that this gateway does not know. Not good as an input. */
    TicketPriority["Unknown"] = "UNKNOWN";
    /** At once. */
    TicketPriority["Urgent"] = "URGENT";
})(TicketPriority || (TicketPriority = {}));
/** How far a ticket has come. */
export var TicketStatus;
(function (TicketStatus) {
    /** Nothing more will be done. */
    TicketStatus["Closed"] = "CLOSED";
    /** Somebody works on it. */
    TicketStatus["InProgress"] = "IN_PROGRESS";
    /** Nobody has begun with it. */
    TicketStatus["Pending"] = "PENDING";
    /** The customer has what they asked for. */
    TicketStatus["Resolved"] = "RESOLVED";
    /** A vendor code that this gateway does not know. Not good as an input. */
    TicketStatus["Unknown"] = "UNKNOWN";
})(TicketStatus || (TicketStatus = {}));
/** The kind of a fault in a write. */
export var UserErrorCode;
(function (UserErrorCode) {
    /** The field can't have this value. */
    UserErrorCode["Invalid"] = "INVALID";
    /** The object can't be changed any more. */
    UserErrorCode["Locked"] = "LOCKED";
    /** The vendor has no such object. */
    UserErrorCode["NotFound"] = "NOT_FOUND";
    /** The object's vendor has no such operation. */
    UserErrorCode["UnsupportedByVendor"] = "UNSUPPORTED_BY_VENDOR";
})(UserErrorCode || (UserErrorCode = {}));
/** A customer-service vendor behind the gateway. */
export var Vendor;
(function (Vendor) {
    /** Bangwo8: remote-assistance sessions, support agents and problem types. */
    Vendor["Bangwo8"] = "BANGWO8";
    /** FirstLine: interact-collections, tickets, employees and their directories. */
    Vendor["Firstline"] = "FIRSTLINE";
})(Vendor || (Vendor = {}));
/** The kind of a vendor's failure. */
export var VendorErrorCode;
(function (VendorErrorCode) {
    /** An answer of a shape that the gateway does not know. */
    VendorErrorCode["BadResponse"] = "BAD_RESPONSE";
    /** The vendor failed too often and is left alone for a while. Retryable. */
    VendorErrorCode["CircuitOpen"] = "CIRCUIT_OPEN";
    /** The vendor does not let the gateway's account do this. */
    VendorErrorCode["Forbidden"] = "FORBIDDEN";
    /** The vendor has no such object. Not in use: such an object is null, and where it can't be, the code is REJECTED. */
    VendorErrorCode["NotFound"] = "NOT_FOUND";
    /** The vendor asks for fewer calls. Retryable. */
    VendorErrorCode["RateLimited"] = "RATE_LIMITED";
    /** The vendor refused the call. */
    VendorErrorCode["Rejected"] = "REJECTED";
    /** The vendor failed while answering. Retryable. */
    VendorErrorCode["ServerError"] = "SERVER_ERROR";
    /** No answer before the deadline. Retryable. */
    VendorErrorCode["Timeout"] = "TIMEOUT";
    /** The vendor does not accept the gateway's credentials. */
    VendorErrorCode["Unauthenticated"] = "UNAUTHENTICATED";
    /** No connection, or it broke off. Retryable. */
    VendorErrorCode["Unreachable"] = "UNREACHABLE";
})(VendorErrorCode || (VendorErrorCode = {}));
/** Whether a vendor's calls have been succeeding. */
export var VendorState;
(function (VendorState) {
    /** Some of its calls fail. */
    VendorState["Degraded"] = "DEGRADED";
    /** Its calls fail. */
    VendorState["Down"] = "DOWN";
    /** It has not been called yet. */
    VendorState["Unknown"] = "UNKNOWN";
    /** Its calls succeed. */
    VendorState["Up"] = "UP";
})(VendorState || (VendorState = {}));
export const OpenTicketsDocument = { "kind": "Document", "definitions": [{ "kind": "OperationDefinition", "operation": "query", "name": { "kind": "Name", "value": "OpenTickets" }, "variableDefinitions": [{ "kind": "VariableDefinition", "variable": { "kind": "Variable", "name": { "kind": "Name", "value": "filter" } }, "type": { "kind": "NamedType", "name": { "kind": "Name", "value": "TicketFilter" } } }], "selectionSet": { "kind": "SelectionSet", "selections": [{ "kind": "Field", "name": { "kind": "Name", "value": "tickets" }, "arguments": [{ "kind": "Argument", "name": { "kind": "Name", "value": "first" }, "value": { "kind": "IntValue", "value": "3" } }, { "kind": "Argument", "name": { "kind": "Name", "value": "filter" }, "value": { "kind": "Variable", "name": { "kind": "Name", "value": "filter" } } }], "selectionSet": { "kind": "SelectionSet", "selections": [{ "kind": "Field", "name": { "kind": "Name", "value": "nodes" }, "selectionSet": { "kind": "SelectionSet", "selections": [{ "kind": "Field", "name": { "kind": "Name", "value": "id" } }, { "kind": "Field", "name": { "kind": "Name", "value": "status" } }, { "kind": "Field", "name": { "kind": "Name", "value": "statusMemo" } }, { "kind": "Field", "name": { "kind": "Name", "value": "handler" }, "selectionSet": { "kind": "SelectionSet", "selections": [{ "kind": "Field", "name": { "kind": "Name", "value": "name" } }] } }] } }, { "kind": "Field", "name": { "kind": "Name", "value": "totalCount" } }] } }] } }] };
export const NoteDocument = { "kind": "Document", "definitions": [{ "kind": "OperationDefinition", "operation": "mutation", "name": { "kind": "Name", "value": "Note" }, "variableDefinitions": [{ "kind": "VariableDefinition", "variable": { "kind": "Variable", "name": { "kind": "Name", "value": "input" } }, "type": { "kind": "NonNullType", "type": { "kind": "NamedType", "name": { "kind": "Name", "value": "UpdateTicketInput" } } } }], "selectionSet": { "kind": "SelectionSet", "selections": [{ "kind": "Field", "name": { "kind": "Name", "value": "updateTicket" }, "arguments": [{ "kind": "Argument", "name": { "kind": "Name", "value": "input" }, "value": { "kind": "Variable", "name": { "kind": "Name", "value": "input" } } }], "selectionSet": { "kind": "SelectionSet", "selections": [{ "kind": "Field", "name": { "kind": "Name", "value": "ticket" }, "selectionSet": { "kind": "SelectionSet", "selections": [{ "kind": "Field", "name": { "kind": "Name", "value": "id" } }, { "kind": "Field", "name": { "kind": "Name", "value": "statusMemo" } }] } }, { "kind": "Field", "name": { "kind": "Name", "value": "userErrors" }, "selectionSet": { "kind": "SelectionSet", "selections": [{ "kind": "Field", "name": { "kind": "Name", "value": "code" } }, { "kind": "Field", "name": { "kind": "Name", "value": "message" } }] } }] } }] } }] };
