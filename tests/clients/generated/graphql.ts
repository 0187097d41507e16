/* eslint-disable */
import type { TypedDocumentNode as DocumentNode } from '@graphql-typed-document-node/core';
export type Maybe<T> = T | null;
export type InputMaybe<T> = Maybe<T>;
export type Exact<T extends { [key: string]: unknown }> = { [K in keyof T]: T[K] };
export type MakeOptional<T, K extends keyof T> = Omit<T, K> & { [SubKey in K]?: Maybe<T[SubKey]> };
export type MakeMaybe<T, K extends keyof T> = Omit<T, K> & { [SubKey in K]: Maybe<T[SubKey]> };
export type MakeEmpty<T extends { [key: string]: unknown }, K extends keyof T> = { [_ in K]?: never };
export type Incremental<T> = T | { [P in keyof T]?: P extends ' $fragmentName' | '__typename' ? T[P] : never };
/** All built-in and custom scalars, mapped to their actual values */
export type Scalars = {
  ID: { input: string; output: string; }
  String: { input: string; output: string; }
  Boolean: { input: boolean; output: boolean; }
  Int: { input: number; output: number; }
  Float: { input: number; output: number; }
  /** A calendar day, YYYY-MM-DD. */
  Date: { input: string; output: string; }
  /** An instant, RFC 3339 with an offset (2024-03-01T09:31:00+08:00). Vendor local times are read in the vendor's configured zone. */
  DateTime: { input: string; output: string; }
  /** An exact decimal number, as a string. Its scale is kept: "234.00". */
  Decimal: { input: string; output: string; }
};

/** A kind of problem: a FirstLine category (level 1) or subcategory (level 2), or a Bangwo8 problem type (levels 1 to 3). */
export type Category = Node & {
  __typename?: 'Category';
  /** The categories one level down. Empty where there are none. */
  children?: Maybe<Array<Category>>;
  /** What it stands for. */
  description?: Maybe<Scalars['String']['output']>;
  /** Unique over all types and vendors, and always written the same way. */
  id: Scalars['ID']['output'];
  /** 1 for the top level. */
  level: Scalars['Int']['output'];
  /** Its name. Null where the vendor does not list it any more. */
  name?: Maybe<Scalars['String']['output']>;
  /** The category one level up. Null at the top. */
  parent?: Maybe<Category>;
  /** The vendor that it is of. */
  vendor: Vendor;
  /** The vendor's own id, which is unique among the vendor's categories of the same level. */
  vendorId: Scalars['String']['output'];
};

/** Categories of every vendor asked. Bounded by nature, so not a connection. */
export type CategoryList = {
  __typename?: 'CategoryList';
  /** The categories, in each vendor's own order. */
  nodes: Array<Category>;
  /** How each configured vendor took part. When one failed, its part is missing here and `errors` stays empty. */
  sources: Array<SourceStatus>;
};

/** One message of a service record. */
export type ChatMessage = Node & {
  __typename?: 'ChatMessage';
  /** Unique over all types and vendors. */
  id: Scalars['ID']['output'];
  /** Whether it is part of a survey on the service. */
  isSurvey: Scalars['Boolean']['output'];
  /** What it consists of. */
  kind: ChatMessageKind;
  /** The vendor's own type of message. */
  rawType?: Maybe<Scalars['String']['output']>;
  /** Who sent it. */
  sender: ChatSender;
  /** When it was sent. Null where the vendor does not tell. */
  sentAt?: Maybe<Scalars['DateTime']['output']>;
  /** The service record that it was said in. Null when that is gone. */
  serviceRecord?: Maybe<ServiceRecord>;
  /** The text, without markup; of a picture or file, what the vendor tells of it. */
  text?: Maybe<Scalars['String']['output']>;
};

/** One page of a service record's messages. */
export type ChatMessageConnection = {
  __typename?: 'ChatMessageConnection';
  /** The page's objects, each with the cursor that leads on from it. */
  edges: Array<ChatMessageEdge>;
  /** The page's objects alone. */
  nodes: Array<ChatMessage>;
  /** Where the page lies in the list. */
  pageInfo: PageInfo;
  /**
   * How many objects the whole list has, over all vendors asked. Null where a vendor failed or tells no total, or
   * where a filter was applied by the gateway, not by the vendor; a total of zero is always exact.
   */
  totalCount?: Maybe<Scalars['Int']['output']>;
};

/** A message in its transcript. */
export type ChatMessageEdge = {
  __typename?: 'ChatMessageEdge';
  /** Opaque: as `after`, it asks for what follows this object, with the same field and filter. */
  cursor: Scalars['String']['output'];
  /** The object itself. */
  node: ChatMessage;
};

/** What a message consists of. */
export enum ChatMessageKind {
  /** A file of another kind. */
  File = 'FILE',
  /** A picture. */
  Image = 'IMAGE',
  /** Something else: `rawType` has the vendor's name for it. */
  Other = 'OTHER',
  /** Words. */
  Text = 'TEXT'
}

/** In which role somebody takes part in a chat. */
export enum ChatRole {
  /** Somebody who serves customers. */
  Agent = 'AGENT',
  /** A program that answers customers. */
  Bot = 'BOT',
  /** The customer. */
  Customer = 'CUSTOMER',
  /** The vendor's system. */
  System = 'SYSTEM',
  /** A vendor code that this gateway does not know. */
  Unknown = 'UNKNOWN'
}

/** Who sent a message. */
export type ChatSender = {
  __typename?: 'ChatSender';
  /** The agent. Null unless exactly one employee of the vendor bears the sender's name. */
  employee?: Maybe<Employee>;
  /** The sender's name, where the vendor tells it. */
  name?: Maybe<Scalars['String']['output']>;
  /** In which role. */
  role: ChatRole;
};

/** The circuit breaker of a vendor. */
export enum CircuitState {
  /** Calls go through. */
  Closed = 'CLOSED',
  /** A trial call decides whether calls go through again. */
  HalfOpen = 'HALF_OPEN',
  /** Too many calls failed: for a while none is made. */
  Open = 'OPEN'
}

/** The customer. Fields marked PII are masked unless the caller may read personal data. */
export type Contact = {
  __typename?: 'Contact';
  /** PII: their birth date, as the vendor writes it. */
  birthDate?: Maybe<Scalars['String']['output']>;
  /** The company that they act for. */
  company?: Maybe<Scalars['String']['output']>;
  /** PII: phone, e-mail or another way to reach them. */
  contactMethod?: Maybe<Scalars['String']['output']>;
  /** Unique over all types and vendors. Null for an anonymous visitor. */
  id?: Maybe<Scalars['ID']['output']>;
  /** PII: the number of their identity document. */
  identityNo?: Maybe<Scalars['String']['output']>;
  /** PII: their number as a member. */
  membershipNo?: Maybe<Scalars['String']['output']>;
  /** The customer's name. */
  name?: Maybe<Scalars['String']['output']>;
};

/** A new ticket. A field that is omitted or null is left to the vendor. */
export type CreateTicketInput = {
  /** The category's id; a top-level category is INVALID. */
  categoryId?: InputMaybe<Scalars['ID']['input']>;
  /** The customer's id. */
  contactId?: InputMaybe<Scalars['ID']['input']>;
  /** What the customer asks for. Not blank. */
  content: Scalars['String']['input'];
  /** By when it is to be resolved. */
  dueAt?: InputMaybe<Scalars['DateTime']['input']>;
  /** The id of the employee who is to resolve it. */
  handlerId?: InputMaybe<Scalars['ID']['input']>;
  /** The same key, sent again, answers with the ticket that the first one made. 1 to 200 characters. */
  idempotencyKey?: InputMaybe<Scalars['String']['input']>;
  /** How urgent it is. UNKNOWN is INVALID. */
  priority?: InputMaybe<TicketPriority>;
  /** The sponsor's id. */
  sponsorId?: InputMaybe<Scalars['ID']['input']>;
  /** How far it has come. UNKNOWN is INVALID. */
  status?: InputMaybe<TicketStatus>;
  /** A note on the status. */
  statusMemo?: InputMaybe<Scalars['String']['input']>;
  /** What it is about, in a line. Not blank. */
  subject: Scalars['String']['input'];
  /** The id of the reason for its status. */
  terminationCodeId?: InputMaybe<Scalars['ID']['input']>;
};

/** What making a ticket came to. */
export type CreateTicketPayload = {
  __typename?: 'CreateTicketPayload';
  /** The new ticket. Null where there are user errors. */
  ticket?: Maybe<Ticket>;
  /** What the caller can put right. Empty where the ticket was made. */
  userErrors: Array<UserError>;
};

/** A field that the desk itself defined. */
export type CustomField = {
  __typename?: 'CustomField';
  /** The field's key at the vendor: what `updateServiceRecord` takes. */
  key: Scalars['String']['output'];
  /** Its values: one for most fields, none where it is not filled in. */
  values: Array<Scalars['String']['output']>;
};

/** The new content of one custom field. Exactly one of value and values. */
export type CustomFieldInput = {
  /** The field's key, as `customFields { key }` of a service record has it. */
  key: Scalars['String']['input'];
  /** The value of a field that has one. */
  value?: InputMaybe<Scalars['String']['input']>;
  /** The values of a field that may have many; [] clears it. */
  values?: InputMaybe<Array<Scalars['String']['input']>>;
};

/** How many service records one vendor has of one day. */
export type DailyCount = {
  __typename?: 'DailyCount';
  /** How many service records it has of this day. */
  count: Scalars['Int']['output'];
  /** The day, in the vendor's own zone. */
  date: Scalars['Date']['output'];
  /** The vendor. */
  vendor: Vendor;
};

/** The ticket to delete. */
export type DeleteTicketInput = {
  /** The ticket's id. */
  id: Scalars['ID']['input'];
};

/** What deleting a ticket came to. */
export type DeleteTicketPayload = {
  __typename?: 'DeleteTicketPayload';
  /** The id of the ticket that is gone. Null where there are user errors. */
  deletedId?: Maybe<Scalars['ID']['output']>;
  /** What the caller can put right. Empty where the ticket was deleted. */
  userErrors: Array<UserError>;
};

/**
 * Somebody who serves customers: a FirstLine employee or a Bangwo8 support agent. One whom the vendor's directory does not list
 * any more has an id alone.
 */
export type Employee = Node & {
  __typename?: 'Employee';
  /** When their account was made. */
  createdAt?: Maybe<Scalars['DateTime']['output']>;
  /** Their department. */
  department?: Maybe<Scalars['String']['output']>;
  /** Their e-mail address at work. */
  email?: Maybe<Scalars['String']['output']>;
  /** The number that their employer gave them. */
  employeeNo?: Maybe<Scalars['String']['output']>;
  /** Their telephone extension. */
  extension?: Maybe<Scalars['String']['output']>;
  /** The groups that they belong to. */
  groups?: Maybe<Array<EmployeeGroup>>;
  /** Unique over all types and vendors, and always written the same way. */
  id: Scalars['ID']['output'];
  /** Whether their account is in use. */
  isActive?: Maybe<Scalars['Boolean']['output']>;
  /** Whether they administrate the desk. */
  isAdmin?: Maybe<Scalars['Boolean']['output']>;
  /** What they are, in their employer's words. */
  jobTitle?: Maybe<Scalars['String']['output']>;
  /** PII: their mobile number, masked unless the caller may read personal data. */
  mobile?: Maybe<Scalars['String']['output']>;
  /** The name that customers see. */
  name?: Maybe<Scalars['String']['output']>;
  /** The address of their picture. */
  photoUrl?: Maybe<Scalars['String']['output']>;
  /** The service records that they handled, newest first. */
  serviceRecords?: Maybe<ServiceRecordConnection>;
  /** The tickets that they handle, newest first. */
  tickets?: Maybe<TicketConnection>;
  /** When their account was changed last. */
  updatedAt?: Maybe<Scalars['DateTime']['output']>;
  /** The vendor whose directory lists them. */
  vendor: Vendor;
  /** The vendor's own id. */
  vendorId: Scalars['String']['output'];
};


/**
 * Somebody who serves customers: a FirstLine employee or a Bangwo8 support agent. One whom the vendor's directory does not list
 * any more has an id alone.
 */
export type EmployeeServiceRecordsArgs = {
  after?: InputMaybe<Scalars['String']['input']>;
  first?: InputMaybe<Scalars['Int']['input']>;
  from?: InputMaybe<Scalars['DateTime']['input']>;
  to?: InputMaybe<Scalars['DateTime']['input']>;
};


/**
 * Somebody who serves customers: a FirstLine employee or a Bangwo8 support agent. One whom the vendor's directory does not list
 * any more has an id alone.
 */
export type EmployeeTicketsArgs = {
  after?: InputMaybe<Scalars['String']['input']>;
  first?: InputMaybe<Scalars['Int']['input']>;
  statuses?: InputMaybe<Array<TicketStatus>>;
};

/** One page of employees. */
export type EmployeeConnection = {
  __typename?: 'EmployeeConnection';
  /** The page's objects, each with the cursor that leads on from it. */
  edges: Array<EmployeeEdge>;
  /** The page's objects alone. */
  nodes: Array<Employee>;
  /** Where the page lies in the list. */
  pageInfo: PageInfo;
  /** How each configured vendor took part. When one failed, its part is missing here and `errors` stays empty. */
  sources: Array<SourceStatus>;
  /**
   * How many objects the whole list has, over all vendors asked. Null where a vendor failed or tells no total, or
   * where a filter was applied by the gateway, not by the vendor; a total of zero is always exact.
   */
  totalCount?: Maybe<Scalars['Int']['output']>;
};

/** An employee in their list. */
export type EmployeeEdge = {
  __typename?: 'EmployeeEdge';
  /** Opaque: as `after`, it asks for what follows this object, with the same field and filter. */
  cursor: Scalars['String']['output'];
  /** The object itself. */
  node: Employee;
};

/** Narrows a list of employees. Null filters nothing, an empty list matches nothing. */
export type EmployeeFilter = {
  /** Only employees whose name, number or e-mail address holds this text. */
  search?: InputMaybe<Scalars['String']['input']>;
  /** Only employees of these vendors. */
  vendors?: InputMaybe<Array<Vendor>>;
};

/** A group of employees. */
export type EmployeeGroup = {
  __typename?: 'EmployeeGroup';
  /** Unique over all types and vendors. */
  id: Scalars['ID']['output'];
  /** Its name. */
  name?: Maybe<Scalars['String']['output']>;
  /** Who leads it. */
  supervisor?: Maybe<Employee>;
};

/** An amount of money. */
export type Money = {
  __typename?: 'Money';
  /** The exact amount, in the vendor's number of decimals. */
  amount: Scalars['Decimal']['output'];
  /** The currency, ISO 4217: CNY. */
  currency: Scalars['String']['output'];
};

/**
 * The writes. What the caller can put right is a user error, with null in place of the object; all such faults of one input
 * come together. OUTCOME_UNKNOWN means that a write was sent whose answer never came: look before you send it again.
 */
export type Mutation = {
  __typename?: 'Mutation';
  /** Makes a ticket. */
  createTicket: CreateTicketPayload;
  /** Deletes a ticket. */
  deleteTicket: DeleteTicketPayload;
  /**
   * Changes a service record. FirstLine only, and only until its after-call work is completed. Omitted fields stay as they
   * are.
   */
  updateServiceRecord: UpdateServiceRecordPayload;
  /** Changes a ticket. Omitted fields stay as they are; null clears. */
  updateTicket: UpdateTicketPayload;
};


/**
 * The writes. What the caller can put right is a user error, with null in place of the object; all such faults of one input
 * come together. OUTCOME_UNKNOWN means that a write was sent whose answer never came: look before you send it again.
 */
export type MutationCreateTicketArgs = {
  input: CreateTicketInput;
};


/**
 * The writes. What the caller can put right is a user error, with null in place of the object; all such faults of one input
 * come together. OUTCOME_UNKNOWN means that a write was sent whose answer never came: look before you send it again.
 */
export type MutationDeleteTicketArgs = {
  input: DeleteTicketInput;
};


/**
 * The writes. What the caller can put right is a user error, with null in place of the object; all such faults of one input
 * come together. OUTCOME_UNKNOWN means that a write was sent whose answer never came: look before you send it again.
 */
export type MutationUpdateServiceRecordArgs = {
  input: UpdateServiceRecordInput;
};


/**
 * The writes. What the caller can put right is a user error, with null in place of the object; all such faults of one input
 * come together. OUTCOME_UNKNOWN means that a write was sent whose answer never came: look before you send it again.
 */
export type MutationUpdateTicketArgs = {
  input: UpdateTicketInput;
};

/** An object that can be fetched again by its globally unique id. Ids are `<vendor>:<Type>:<key>` and opaque to clients. */
export type Node = {
  /** Unique over all types and vendors, and always written the same way. */
  id: Scalars['ID']['output'];
};

/** Where a page lies in its list. */
export type PageInfo = {
  __typename?: 'PageInfo';
  /** The cursor to go on from. A page that the gateway's filter left without edges may have one too. */
  endCursor?: Maybe<Scalars['String']['output']>;
  /** Whether more follows: ask for it with `after: endCursor`. */
  hasNextPage: Scalars['Boolean']['output'];
  /** Whether something comes before this page. */
  hasPreviousPage: Scalars['Boolean']['output'];
  /** The cursor of the first edge. Null on a page without edges. */
  startCursor?: Maybe<Scalars['String']['output']>;
};

/** What a customer paid for a service. */
export type Payment = {
  __typename?: 'Payment';
  /** When it was paid. Null until it is. */
  paidAt?: Maybe<Scalars['DateTime']['output']>;
  /** The price. Null where the vendor tells none. */
  price?: Maybe<Money>;
  /** How far the payment has come. */
  status: PaymentStatus;
};

/** How far a payment has come. */
export enum PaymentStatus {
  /** Taken from what the customer had paid before. */
  Deducted = 'DEDUCTED',
  /** The payment failed. */
  Failed = 'FAILED',
  /** The customer opened the page on which to pay. */
  PageOpened = 'PAGE_OPENED',
  /** Paid by the customer. */
  Paid = 'PAID',
  /** A vendor code that this gateway does not know. */
  Unknown = 'UNKNOWN',
  /** Not paid yet. */
  Unpaid = 'UNPAID'
}

/**
 * The questions. A field that a vendor's failure reaches is null, with an entry in `errors`; a list over all vendors is data
 * as long as one of them answers, and its `sources` tells which did.
 */
export type Query = {
  __typename?: 'Query';
  /** Top-level categories; their children are reached through `children`. */
  categories?: Maybe<CategoryList>;
  /** One category of any level. Null where there is none of this id. */
  category?: Maybe<Category>;
  /** One employee, as the vendor's directory lists them. Null where it does not. */
  employee?: Maybe<Employee>;
  /** The vendors' directories of employees: by vendor, then by number, the smallest first. */
  employees?: Maybe<EmployeeConnection>;
  /** Any object by its id. Null where there is no such object; a malformed id is BAD_USER_INPUT. */
  node?: Maybe<Node>;
  /**
   * Many objects by their ids, in the order asked; null where there is no such object. One id that is malformed, or whose
   * object can't be read, nulls its own item alone.
   */
  nodes: Array<Maybe<Node>>;
  /** One service record. Null where there is none of this id. */
  serviceRecord?: Maybe<ServiceRecord>;
  /** Counts of service records by day and vendor for a dashboard, taken from the vendors' own totals. */
  serviceRecordStats?: Maybe<ServiceRecordStats>;
  /** Service records of every vendor, newest first. Stable while records arrive: no page repeats or skips one. */
  serviceRecords?: Maybe<ServiceRecordConnection>;
  /** The organisations that the desks serve. */
  sponsors?: Maybe<Array<Sponsor>>;
  /** The reasons that a ticket's status can be given. */
  terminationCodes?: Maybe<Array<TerminationCode>>;
  /** One ticket. Null where there is none of this id. */
  ticket?: Maybe<Ticket>;
  /**
   * Counts of tickets for a dashboard, taken from the vendors' own totals, never by reading whole lists where a total
   * serves.
   */
  ticketStats?: Maybe<TicketStats>;
  /** Tickets, newest first. */
  tickets?: Maybe<TicketConnection>;
  /** Each configured vendor, as the gateway sees it now. No vendor is called for it. */
  vendors: Array<VendorStatus>;
};


/**
 * The questions. A field that a vendor's failure reaches is null, with an entry in `errors`; a list over all vendors is data
 * as long as one of them answers, and its `sources` tells which did.
 */
export type QueryCategoriesArgs = {
  vendors?: InputMaybe<Array<Vendor>>;
};


/**
 * The questions. A field that a vendor's failure reaches is null, with an entry in `errors`; a list over all vendors is data
 * as long as one of them answers, and its `sources` tells which did.
 */
export type QueryCategoryArgs = {
  id: Scalars['ID']['input'];
};


/**
 * The questions. A field that a vendor's failure reaches is null, with an entry in `errors`; a list over all vendors is data
 * as long as one of them answers, and its `sources` tells which did.
 */
export type QueryEmployeeArgs = {
  id: Scalars['ID']['input'];
};


/**
 * The questions. A field that a vendor's failure reaches is null, with an entry in `errors`; a list over all vendors is data
 * as long as one of them answers, and its `sources` tells which did.
 */
export type QueryEmployeesArgs = {
  after?: InputMaybe<Scalars['String']['input']>;
  filter?: InputMaybe<EmployeeFilter>;
  first?: InputMaybe<Scalars['Int']['input']>;
};


/**
 * The questions. A field that a vendor's failure reaches is null, with an entry in `errors`; a list over all vendors is data
 * as long as one of them answers, and its `sources` tells which did.
 */
export type QueryNodeArgs = {
  id: Scalars['ID']['input'];
};


/**
 * The questions. A field that a vendor's failure reaches is null, with an entry in `errors`; a list over all vendors is data
 * as long as one of them answers, and its `sources` tells which did.
 */
export type QueryNodesArgs = {
  ids: Array<Scalars['ID']['input']>;
};


/**
 * The questions. A field that a vendor's failure reaches is null, with an entry in `errors`; a list over all vendors is data
 * as long as one of them answers, and its `sources` tells which did.
 */
export type QueryServiceRecordArgs = {
  id: Scalars['ID']['input'];
};


/**
 * The questions. A field that a vendor's failure reaches is null, with an entry in `errors`; a list over all vendors is data
 * as long as one of them answers, and its `sources` tells which did.
 */
export type QueryServiceRecordStatsArgs = {
  from: Scalars['Date']['input'];
  to: Scalars['Date']['input'];
  vendors?: InputMaybe<Array<Vendor>>;
};


/**
 * The questions. A field that a vendor's failure reaches is null, with an entry in `errors`; a list over all vendors is data
 * as long as one of them answers, and its `sources` tells which did.
 */
export type QueryServiceRecordsArgs = {
  after?: InputMaybe<Scalars['String']['input']>;
  filter?: InputMaybe<ServiceRecordFilter>;
  first?: InputMaybe<Scalars['Int']['input']>;
};


/**
 * The questions. A field that a vendor's failure reaches is null, with an entry in `errors`; a list over all vendors is data
 * as long as one of them answers, and its `sources` tells which did.
 */
export type QueryTerminationCodesArgs = {
  status?: InputMaybe<TicketStatus>;
};


/**
 * The questions. A field that a vendor's failure reaches is null, with an entry in `errors`; a list over all vendors is data
 * as long as one of them answers, and its `sources` tells which did.
 */
export type QueryTicketArgs = {
  id: Scalars['ID']['input'];
};


/**
 * The questions. A field that a vendor's failure reaches is null, with an entry in `errors`; a list over all vendors is data
 * as long as one of them answers, and its `sources` tells which did.
 */
export type QueryTicketStatsArgs = {
  filter?: InputMaybe<TicketFilter>;
};


/**
 * The questions. A field that a vendor's failure reaches is null, with an entry in `errors`; a list over all vendors is data
 * as long as one of them answers, and its `sources` tells which did.
 */
export type QueryTicketsArgs = {
  after?: InputMaybe<Scalars['String']['input']>;
  filter?: InputMaybe<TicketFilter>;
  first?: InputMaybe<Scalars['Int']['input']>;
};

/** What the customer thought of the service. */
export type Rating = {
  __typename?: 'Rating';
  /** In the customer's words. Null where they wrote none. */
  comment?: Maybe<Scalars['String']['output']>;
  /** The vendor's scale, brought to three steps. */
  score: RatingScore;
};

/** A rating in three steps. */
export enum RatingScore {
  /** The customer is not content. */
  Bad = 'BAD',
  /** The customer is content. */
  Good = 'GOOD',
  /** Neither good nor bad. */
  Neutral = 'NEUTRAL',
  /** A vendor code that this gateway does not know. */
  Unknown = 'UNKNOWN'
}

/** How a customer's computer was reached for remote assistance. */
export type RemoteSession = {
  __typename?: 'RemoteSession';
  /** The customer's nine-digit client id. */
  clientId?: Maybe<Scalars['String']['output']>;
  /** How many files were sent. */
  fileCount?: Maybe<Scalars['Int']['output']>;
  /** Whether the two of them chatted. */
  hasChat: Scalars['Boolean']['output'];
  /** Whether files were sent. */
  hasFileTransfer: Scalars['Boolean']['output'];
  /** Whether the agent controlled the computer. */
  hasRemoteControl: Scalars['Boolean']['output'];
  /** The name of the customer's computer. */
  host?: Maybe<Scalars['String']['output']>;
  /** The id of the service card that the session was paid by. */
  serviceCardId?: Maybe<Scalars['String']['output']>;
};

/** How a customer and an agent talk. */
export enum ServiceChannel {
  /** E-mail. */
  Email = 'EMAIL',
  /** Facebook Messenger. */
  Facebook = 'FACEBOOK',
  /** Instagram. */
  Instagram = 'INSTAGRAM',
  /** LINE. */
  Line = 'LINE',
  /** Chat on a web page. */
  Livechat = 'LIVECHAT',
  /** Telephone. */
  Phone = 'PHONE',
  /** The agent looks at the customer's computer, or controls it. */
  RemoteAssistance = 'REMOTE_ASSISTANCE',
  /** Text messages. */
  Sms = 'SMS',
  /** Telegram. */
  Telegram = 'TELEGRAM',
  /** A vendor code that this gateway does not know. */
  Unknown = 'UNKNOWN',
  /** Viber. */
  Viber = 'VIBER',
  /** WeChat. */
  Wechat = 'WECHAT',
  /** WhatsApp. */
  Whatsapp = 'WHATSAPP'
}

/** One stay of a contact in one channel. */
export type ServiceLog = {
  __typename?: 'ServiceLog';
  /** Whether the gateway's account may listen to a recording. */
  canListen?: Maybe<Scalars['Boolean']['output']>;
  /** The channel. */
  channel: ServiceChannel;
  /** When the stay ended. */
  endedAt?: Maybe<Scalars['DateTime']['output']>;
  /** Unique over all types and vendors. */
  id: Scalars['ID']['output'];
  /** The vendor's own class name, for a channel that this gateway does not know. */
  providerType?: Maybe<Scalars['String']['output']>;
  /** When the customer began to wait. */
  queuedAt?: Maybe<Scalars['DateTime']['output']>;
  /** How long the customer was served, in seconds. */
  serviceSeconds?: Maybe<Scalars['Int']['output']>;
  /** When somebody began to serve the customer. */
  startedAt?: Maybe<Scalars['DateTime']['output']>;
  /** The vendor's own status code of the log; its codes are not documented. */
  statusCode?: Maybe<Scalars['Int']['output']>;
};

/**
 * One service to one customer: a FirstLine interact-collection or a Bangwo8 remote-assistance session. What the vendor has no
 * notion of is null or empty.
 */
export type ServiceRecord = Node & {
  __typename?: 'ServiceRecord';
  /** The vendor's bound_type; its codes are not documented. */
  boundType?: Maybe<Scalars['Int']['output']>;
  /** The most specific problem type, with its ancestors through `parent`. */
  category?: Maybe<Category>;
  /** How the customer came. */
  channel?: Maybe<ServiceChannel>;
  /** The customer. For an anonymous visitor, a Contact with the visitor's name alone. */
  contact?: Maybe<Contact>;
  /** When the vendor opened the record: lists are in its order. */
  createdAt?: Maybe<Scalars['DateTime']['output']>;
  /** The desk's own fields, as the agent filled them in. Empty where there are none. */
  customFields?: Maybe<Array<CustomField>>;
  /** How long the service took, in seconds. Null until it has ended. */
  durationSeconds?: Maybe<Scalars['Int']['output']>;
  /** When the service ended. */
  endedAt?: Maybe<Scalars['DateTime']['output']>;
  /** Who served the customer. */
  handler?: Maybe<Employee>;
  /** Unique over all types and vendors, and always written the same way. */
  id: Scalars['ID']['output'];
  /** Whether the customer's problem was solved, where somebody said so. */
  isResolved?: Maybe<Scalars['Boolean']['output']>;
  /** How the contact passed through the vendor's channels, oldest first. */
  logs?: Maybe<Array<ServiceLog>>;
  /** FirstLine: the agent's memo. */
  memo?: Maybe<Scalars['String']['output']>;
  /** What was said, oldest first. What cannot have chat has an empty connection. */
  messages?: Maybe<ChatMessageConnection>;
  /** What the customer paid for the service. Null where it costs nothing. */
  payment?: Maybe<Payment>;
  /** Bangwo8: the described problem. */
  problem?: Maybe<Scalars['String']['output']>;
  /** When the customer began to wait. */
  queuedAt?: Maybe<Scalars['DateTime']['output']>;
  /** What the customer thought of the service. Null until they say. */
  rating?: Maybe<Rating>;
  /** How the customer's computer was reached. Null unless this was a remote-assistance session. */
  remoteSession?: Maybe<RemoteSession>;
  /** What came of the service, of the desk's own list of results. */
  result?: Maybe<ServiceResult>;
  /** Bangwo8: the described solution. */
  solution?: Maybe<Scalars['String']['output']>;
  /** The organisation that the desk serves. */
  sponsor?: Maybe<Sponsor>;
  /** When somebody began to serve the customer. */
  startedAt?: Maybe<Scalars['DateTime']['output']>;
  /** How far the service has come. */
  status?: Maybe<ServiceRecordStatus>;
  /** What was summed up of the service. Null where the vendor holds none. */
  summary?: Maybe<ServiceSummary>;
  /** The vendor that holds it. */
  vendor: Vendor;
  /** The vendor's own id. */
  vendorId: Scalars['String']['output'];
  /** When the agent's after-call work was completed; from then on the record can't be changed. */
  wrapUpCompletedAt?: Maybe<Scalars['DateTime']['output']>;
};


/**
 * One service to one customer: a FirstLine interact-collection or a Bangwo8 remote-assistance session. What the vendor has no
 * notion of is null or empty.
 */
export type ServiceRecordMessagesArgs = {
  after?: InputMaybe<Scalars['String']['input']>;
  first?: InputMaybe<Scalars['Int']['input']>;
};

/** One page of service records. */
export type ServiceRecordConnection = {
  __typename?: 'ServiceRecordConnection';
  /** The page's objects, each with the cursor that leads on from it. */
  edges: Array<ServiceRecordEdge>;
  /** The page's objects alone. */
  nodes: Array<ServiceRecord>;
  /** Where the page lies in the list. */
  pageInfo: PageInfo;
  /** How each configured vendor took part. When one failed, its part is missing here and `errors` stays empty. */
  sources: Array<SourceStatus>;
  /**
   * How many objects the whole list has, over all vendors asked. Null where a vendor failed or tells no total, or
   * where a filter was applied by the gateway, not by the vendor; a total of zero is always exact.
   */
  totalCount?: Maybe<Scalars['Int']['output']>;
};

/** A service record in its list. */
export type ServiceRecordEdge = {
  __typename?: 'ServiceRecordEdge';
  /** Opaque: as `after`, it asks for what follows this object, with the same field and filter. */
  cursor: Scalars['String']['output'];
  /** The object itself. */
  node: ServiceRecord;
};

/** Narrows a list of service records. Null filters nothing, an empty list matches nothing. */
export type ServiceRecordFilter = {
  /** Only records whose status is COMPLETED, or, when false, is not. */
  completed?: InputMaybe<Scalars['Boolean']['input']>;
  /** Only records of this customer. FirstLine only. */
  contactId?: InputMaybe<Scalars['ID']['input']>;
  /** Only records created at this instant or later. */
  from?: InputMaybe<Scalars['DateTime']['input']>;
  /** Only records handled by an employee of this group. FirstLine only. */
  handlerGroupId?: InputMaybe<Scalars['ID']['input']>;
  /** Only records that this employee handled: an employee's global id, which selects that employee's vendor. */
  handlerId?: InputMaybe<Scalars['ID']['input']>;
  /** Only records created at this instant or earlier. */
  to?: InputMaybe<Scalars['DateTime']['input']>;
  /** Only records of these vendors. */
  vendors?: InputMaybe<Array<Vendor>>;
};

/** Counts of service records. Every day and every vendor asked is listed, zeros included; a failed vendor's are left out. */
export type ServiceRecordStats = {
  __typename?: 'ServiceRecordStats';
  /** How many at each vendor, over all days. */
  byVendor: Array<VendorCount>;
  /** How many on each day at each vendor. */
  daily: Array<DailyCount>;
  /** How each configured vendor took part. */
  sources: Array<SourceStatus>;
  /** How many over all days and vendors. Null where a vendor asked failed. */
  total?: Maybe<Scalars['Int']['output']>;
};

/** How far a service has come. */
export enum ServiceRecordStatus {
  /** All is done. */
  Completed = 'COMPLETED',
  /** The service goes on longer than was planned. */
  Extended = 'EXTENDED',
  /** The vendor counts it as no service. */
  Invalid = 'INVALID',
  /** The customer is being served. */
  InService = 'IN_SERVICE',
  /** The service rests for a while. */
  OnHold = 'ON_HOLD',
  /** A vendor code that this gateway does not know. */
  Unknown = 'UNKNOWN',
  /** The customer waits for somebody. */
  Waiting = 'WAITING',
  /** Service has ended, the agent's after-call work has not (FirstLine). */
  WrapUp = 'WRAP_UP'
}

/** What came of a service, of the desk's own list of results. */
export type ServiceResult = {
  __typename?: 'ServiceResult';
  /** What it stands for. */
  description?: Maybe<Scalars['String']['output']>;
  /** Unique over all types and vendors. */
  id: Scalars['ID']['output'];
  /** Its name. Null where the vendor tells the number alone. */
  name?: Maybe<Scalars['String']['output']>;
};

/** A service summed up by a template of the desk's. */
export type ServiceSummary = {
  __typename?: 'ServiceSummary';
  /** The template's fields, in its order. */
  fields: Array<CustomField>;
  /** The template's name. */
  template?: Maybe<Scalars['String']['output']>;
};

/** Where a vendor's part of an answer came from. */
export enum SourceState {
  /** Read from the vendor a short while ago. */
  Cached = 'CACHED',
  /** The vendor failed and nothing of it is held: its part is missing. */
  Failed = 'FAILED',
  /** Read from the vendor for this answer. */
  Fresh = 'FRESH',
  /** Nothing of this vendor was asked for. */
  Skipped = 'SKIPPED',
  /** The vendor failed; what it said last is served instead. */
  Stale = 'STALE'
}

/** How one vendor took part in a federated answer. */
export type SourceStatus = {
  __typename?: 'SourceStatus';
  /** What went wrong, when the state is STALE or FAILED. */
  error?: Maybe<VendorError>;
  /** When the data was read from the vendor. Null where there is none. */
  fetchedAt?: Maybe<Scalars['DateTime']['output']>;
  /** Where its part of the answer came from. */
  state: SourceState;
  /** How many objects this vendor has in the list. Null where it failed or the gateway filtered its list. */
  totalCount?: Maybe<Scalars['Int']['output']>;
  /** The vendor. */
  vendor: Vendor;
};

/** An organisation that a desk serves. */
export type Sponsor = Node & {
  __typename?: 'Sponsor';
  /** What the desk notes of it. */
  description?: Maybe<Scalars['String']['output']>;
  /** Unique over all types and vendors, and always written the same way. */
  id: Scalars['ID']['output'];
  /** Its name. Null where the vendor does not list it any more. */
  name?: Maybe<Scalars['String']['output']>;
  /** The vendor that it is of. */
  vendor: Vendor;
  /** The vendor's own id. */
  vendorId: Scalars['String']['output'];
};

/** A reason for a ticket's status, of the desk's own list of reasons. */
export type TerminationCode = Node & {
  __typename?: 'TerminationCode';
  /** What it stands for. */
  description?: Maybe<Scalars['String']['output']>;
  /** Unique over all types and vendors, and always written the same way. */
  id: Scalars['ID']['output'];
  /** Its name. Null where the vendor does not list it any more. */
  name?: Maybe<Scalars['String']['output']>;
  /** The status that it is a reason for. */
  status: TicketStatus;
  /** The vendor that it is of. */
  vendor: Vendor;
  /** The vendor's own id. */
  vendorId: Scalars['String']['output'];
};

/** A request of a customer that outlives one service. */
export type Ticket = Node & {
  __typename?: 'Ticket';
  /** The most specific category: the subcategory where there is one. */
  category?: Maybe<Category>;
  /** The customer. */
  contact?: Maybe<Contact>;
  /** What the customer asks for. */
  content?: Maybe<Scalars['String']['output']>;
  /** When it was made. */
  createdAt?: Maybe<Scalars['DateTime']['output']>;
  /** Who made it. Null where the vendor does not tell. */
  creator?: Maybe<Employee>;
  /** By when it is to be resolved. */
  dueAt?: Maybe<Scalars['DateTime']['output']>;
  /** Who is to resolve it. */
  handler?: Maybe<Employee>;
  /** Unique over all types and vendors, and always written the same way. */
  id: Scalars['ID']['output'];
  /** Past due and neither resolved nor closed. */
  isOverdue: Scalars['Boolean']['output'];
  /** How urgent it is. */
  priority: TicketPriority;
  /** The services to the customer that this ticket is about. Null where the vendor does not tell. */
  serviceRecords?: Maybe<Array<ServiceRecord>>;
  /** The organisation that the desk serves. */
  sponsor?: Maybe<Sponsor>;
  /** How far it has come. */
  status: TicketStatus;
  /** What an agent noted on the status. */
  statusMemo?: Maybe<Scalars['String']['output']>;
  /** What it is about, in a line. */
  subject?: Maybe<Scalars['String']['output']>;
  /** Why it is in its status, of the desk's own list of reasons. */
  terminationCode?: Maybe<TerminationCode>;
  /** When it was changed last. */
  updatedAt?: Maybe<Scalars['DateTime']['output']>;
  /** The vendor that holds it. */
  vendor: Vendor;
  /** The vendor's own id. */
  vendorId: Scalars['String']['output'];
};

/** One page of tickets. */
export type TicketConnection = {
  __typename?: 'TicketConnection';
  /** The page's objects, each with the cursor that leads on from it. */
  edges: Array<TicketEdge>;
  /** The page's objects alone. */
  nodes: Array<Ticket>;
  /** Where the page lies in the list. */
  pageInfo: PageInfo;
  /** How each configured vendor took part. When one failed, its part is missing here and `errors` stays empty. */
  sources: Array<SourceStatus>;
  /**
   * How many objects the whole list has, over all vendors asked. Null where a vendor failed or tells no total, or
   * where a filter was applied by the gateway, not by the vendor; a total of zero is always exact.
   */
  totalCount?: Maybe<Scalars['Int']['output']>;
};

/** A ticket in its list. */
export type TicketEdge = {
  __typename?: 'TicketEdge';
  /** Opaque: as `after`, it asks for what follows this object, with the same field and filter. */
  cursor: Scalars['String']['output'];
  /** The object itself. */
  node: Ticket;
};

/** Narrows a list of tickets. Null filters nothing, an empty list matches nothing. */
export type TicketFilter = {
  /** Only tickets of this customer. */
  contactId?: InputMaybe<Scalars['ID']['input']>;
  /** Only tickets made at this instant or later. */
  createdFrom?: InputMaybe<Scalars['DateTime']['input']>;
  /** Only tickets made at this instant or earlier. */
  createdTo?: InputMaybe<Scalars['DateTime']['input']>;
  /** Only tickets that one of these employees made. */
  creatorIds?: InputMaybe<Array<Scalars['ID']['input']>>;
  /** Only tickets due at this instant or later. */
  dueFrom?: InputMaybe<Scalars['DateTime']['input']>;
  /** Only tickets due at this instant or earlier. */
  dueTo?: InputMaybe<Scalars['DateTime']['input']>;
  /** Only tickets that one of these employees is to resolve. */
  handlerIds?: InputMaybe<Array<Scalars['ID']['input']>>;
  /** Only tickets that the vendor finds by this text. */
  search?: InputMaybe<Scalars['String']['input']>;
  /** Only tickets of this sponsor. */
  sponsorId?: InputMaybe<Scalars['ID']['input']>;
  /** Only tickets in these statuses. UNKNOWN is BAD_USER_INPUT. */
  statuses?: InputMaybe<Array<TicketStatus>>;
  /** Only tickets whose status has one of these reasons. */
  terminationCodeIds?: InputMaybe<Array<Scalars['ID']['input']>>;
  /** Only tickets of these vendors. */
  vendors?: InputMaybe<Array<Vendor>>;
};

/** How urgent a ticket is. */
export enum TicketPriority {
  /** Before others. */
  High = 'HIGH',
  /** It can wait. */
  Low = 'LOW',
  /** As usual. */
  Medium = 'MEDIUM',
  /** A vendor code that this gateway does not know. Not good as an input. */
  Unknown = 'UNKNOWN',
  /** At once. */
  Urgent = 'URGENT'
}

/** Counts of tickets. Every status but UNKNOWN is listed, zeros included. */
export type TicketStats = {
  __typename?: 'TicketStats';
  /** How many of them are in each status. */
  byStatus: Array<TicketStatusCount>;
  /** How many of them are past due and neither resolved nor closed. */
  overdue: Scalars['Int']['output'];
  /** How many tickets the filter admits. */
  total: Scalars['Int']['output'];
};

/** How far a ticket has come. */
export enum TicketStatus {
  /** Nothing more will be done. */
  Closed = 'CLOSED',
  /** Somebody works on it. */
  InProgress = 'IN_PROGRESS',
  /** Nobody has begun with it. */
  Pending = 'PENDING',
  /** The customer has what they asked for. */
  Resolved = 'RESOLVED',
  /** A vendor code that this gateway does not know. Not good as an input. */
  Unknown = 'UNKNOWN'
}

/** How many tickets are in one status. */
export type TicketStatusCount = {
  __typename?: 'TicketStatusCount';
  /** How many tickets are in it. */
  count: Scalars['Int']['output'];
  /** The status. */
  status: TicketStatus;
};

/** Changes to a service record, at least one. Omitted fields stay as they are. */
export type UpdateServiceRecordInput = {
  /** The custom fields to change, each once; those that are not named stay as they are. Null and [] change none. */
  customFields?: InputMaybe<Array<CustomFieldInput>>;
  /** The record's id. */
  id: Scalars['ID']['input'];
  /** The agent's memo. At most 600 characters; null clears it. */
  memo?: InputMaybe<Scalars['String']['input']>;
};

/** What changing a service record came to. */
export type UpdateServiceRecordPayload = {
  __typename?: 'UpdateServiceRecordPayload';
  /**
   * The record as it is now. Null where there are user errors, and with an error where it was changed but could not be read
   * again.
   */
  serviceRecord?: Maybe<ServiceRecord>;
  /** What the caller can put right. Empty where the record was changed. */
  userErrors: Array<UserError>;
};

/** Changes to a ticket, at least one. Omitted fields stay as they are; null clears, where a field can be empty. */
export type UpdateTicketInput = {
  /** The category's id; a top-level category is INVALID. */
  categoryId?: InputMaybe<Scalars['ID']['input']>;
  /** The customer's id. */
  contactId?: InputMaybe<Scalars['ID']['input']>;
  /** What the customer asks for. Neither blank nor null. */
  content?: InputMaybe<Scalars['String']['input']>;
  /** By when it is to be resolved. */
  dueAt?: InputMaybe<Scalars['DateTime']['input']>;
  /** The id of the employee who is to resolve it. */
  handlerId?: InputMaybe<Scalars['ID']['input']>;
  /** The ticket's id. */
  id: Scalars['ID']['input'];
  /** How urgent it is. Neither UNKNOWN nor null. */
  priority?: InputMaybe<TicketPriority>;
  /** The sponsor's id. */
  sponsorId?: InputMaybe<Scalars['ID']['input']>;
  /** How far it has come. Neither UNKNOWN nor null. */
  status?: InputMaybe<TicketStatus>;
  /** A note on the status. */
  statusMemo?: InputMaybe<Scalars['String']['input']>;
  /** What it is about, in a line. Neither blank nor null. */
  subject?: InputMaybe<Scalars['String']['input']>;
  /** The id of the reason for its status. */
  terminationCodeId?: InputMaybe<Scalars['ID']['input']>;
};

/** What changing a ticket came to. */
export type UpdateTicketPayload = {
  __typename?: 'UpdateTicketPayload';
  /** The ticket as it is now. Null where there are user errors. */
  ticket?: Maybe<Ticket>;
  /** What the caller can put right. Empty where the ticket was changed. */
  userErrors: Array<UserError>;
};

/** Something that the caller can put right. Failures of the vendor or of the gateway are GraphQL errors instead. */
export type UserError = {
  __typename?: 'UserError';
  /** The kind of fault. */
  code: UserErrorCode;
  /**
   * The path of the input field, e.g. ["input", "subject"]; an element of a list by its index, from "0". Null where the
   * fault is of no one field.
   */
  field?: Maybe<Array<Scalars['String']['output']>>;
  /** One sentence for people; it may change. */
  message: Scalars['String']['output'];
};

/** The kind of a fault in a write. */
export enum UserErrorCode {
  /** The field can't have this value. */
  Invalid = 'INVALID',
  /** The object can't be changed any more. */
  Locked = 'LOCKED',
  /** The vendor has no such object. */
  NotFound = 'NOT_FOUND',
  /** The object's vendor has no such operation. */
  UnsupportedByVendor = 'UNSUPPORTED_BY_VENDOR'
}

/** A customer-service vendor behind the gateway. */
export enum Vendor {
  /** Bangwo8: remote-assistance sessions, support agents and problem types. */
  Bangwo8 = 'BANGWO8',
  /** FirstLine: interact-collections, tickets, employees and their directories. */
  Firstline = 'FIRSTLINE'
}

/** How many service records one vendor has. */
export type VendorCount = {
  __typename?: 'VendorCount';
  /** How many service records it has. */
  count: Scalars['Int']['output'];
  /** The vendor. */
  vendor: Vendor;
};

/** What went wrong with a vendor. It tells no more than a client can act on. */
export type VendorError = {
  __typename?: 'VendorError';
  /** The kind of failure. */
  code: VendorErrorCode;
  /** One sentence for people; it may change. */
  message: Scalars['String']['output'];
  /** In how many seconds the vendor wants to be asked again, where it says so. */
  retryAfterSeconds?: Maybe<Scalars['Int']['output']>;
  /** Whether the same question may succeed later. */
  retryable: Scalars['Boolean']['output'];
};

/** The kind of a vendor's failure. */
export enum VendorErrorCode {
  /** An answer of a shape that the gateway does not know. */
  BadResponse = 'BAD_RESPONSE',
  /** The vendor failed too often and is left alone for a while. Retryable. */
  CircuitOpen = 'CIRCUIT_OPEN',
  /** The vendor does not let the gateway's account do this. */
  Forbidden = 'FORBIDDEN',
  /** The vendor has no such object. Not in use: such an object is null, and where it can't be, the code is REJECTED. */
  NotFound = 'NOT_FOUND',
  /** The vendor asks for fewer calls. Retryable. */
  RateLimited = 'RATE_LIMITED',
  /** The vendor refused the call. */
  Rejected = 'REJECTED',
  /** The vendor failed while answering. Retryable. */
  ServerError = 'SERVER_ERROR',
  /** No answer before the deadline. Retryable. */
  Timeout = 'TIMEOUT',
  /** The vendor does not accept the gateway's credentials. */
  Unauthenticated = 'UNAUTHENTICATED',
  /** No connection, or it broke off. Retryable. */
  Unreachable = 'UNREACHABLE'
}

/** Whether a vendor's calls have been succeeding. */
export enum VendorState {
  /** Some of its calls fail. */
  Degraded = 'DEGRADED',
  /** Its calls fail. */
  Down = 'DOWN',
  /** It has not been called yet. */
  Unknown = 'UNKNOWN',
  /** Its calls succeed. */
  Up = 'UP'
}

/** One vendor as the gateway sees it now, from real traffic. */
export type VendorStatus = {
  __typename?: 'VendorStatus';
  /** Whether the gateway calls it at all. */
  circuit: CircuitState;
  /** Its last failure. Null when it has not failed since the gateway started. */
  lastError?: Maybe<VendorError>;
  /** When a call to it succeeded last. Null when none has since the gateway started. */
  lastSuccessAt?: Maybe<Scalars['DateTime']['output']>;
  /** Whether its calls have been succeeding. */
  state: VendorState;
  /** The vendor. */
  vendor: Vendor;
};

export type OpenTicketsQueryVariables = Exact<{
  filter?: InputMaybe<TicketFilter>;
}>;


export type OpenTicketsQuery = { __typename?: 'Query', tickets?: { __typename?: 'TicketConnection', totalCount?: number | null, nodes: Array<{ __typename?: 'Ticket', id: string, status: TicketStatus, statusMemo?: string | null, handler?: { __typename?: 'Employee', name?: string | null } | null }> } | null };

export type NoteMutationVariables = Exact<{
  input: UpdateTicketInput;
}>;


export type NoteMutation = { __typename?: 'Mutation', updateTicket: { __typename?: 'UpdateTicketPayload', ticket?: { __typename?: 'Ticket', id: string, statusMemo?: string | null } | null, userErrors: Array<{ __typename?: 'UserError', code: UserErrorCode, message: string }> } };


export const OpenTicketsDocument = {"kind":"Document","definitions":[{"kind":"OperationDefinition","operation":"query","name":{"kind":"Name","value":"OpenTickets"},"variableDefinitions":[{"kind":"VariableDefinition","variable":{"kind":"Variable","name":{"kind":"Name","value":"filter"}},"type":{"kind":"NamedType","name":{"kind":"Name","value":"TicketFilter"}}}],"selectionSet":{"kind":"SelectionSet","selections":[{"kind":"Field","name":{"kind":"Name","value":"tickets"},"arguments":[{"kind":"Argument","name":{"kind":"Name","value":"first"},"value":{"kind":"IntValue","value":"3"}},{"kind":"Argument","name":{"kind":"Name","value":"filter"},"value":{"kind":"Variable","name":{"kind":"Name","value":"filter"}}}],"selectionSet":{"kind":"SelectionSet","selections":[{"kind":"Field","name":{"kind":"Name","value":"nodes"},"selectionSet":{"kind":"SelectionSet","selections":[{"kind":"Field","name":{"kind":"Name","value":"id"}},{"kind":"Field","name":{"kind":"Name","value":"status"}},{"kind":"Field","name":{"kind":"Name","value":"statusMemo"}},{"kind":"Field","name":{"kind":"Name","value":"handler"},"selectionSet":{"kind":"SelectionSet","selections":[{"kind":"Field","name":{"kind":"Name","value":"name"}}]}}]}},{"kind":"Field","name":{"kind":"Name","value":"totalCount"}}]}}]}}]} as unknown as DocumentNode<OpenTicketsQuery, OpenTicketsQueryVariables>;
export const NoteDocument = {"kind":"Document","definitions":[{"kind":"OperationDefinition","operation":"mutation","name":{"kind":"Name","value":"Note"},"variableDefinitions":[{"kind":"VariableDefinition","variable":{"kind":"Variable","name":{"kind":"Name","value":"input"}},"type":{"kind":"NonNullType","type":{"kind":"NamedType","name":{"kind":"Name","value":"UpdateTicketInput"}}}}],"selectionSet":{"kind":"SelectionSet","selections":[{"kind":"Field","name":{"kind":"Name","value":"updateTicket"},"arguments":[{"kind":"Argument","name":{"kind":"Name","value":"input"},"value":{"kind":"Variable","name":{"kind":"Name","value":"input"}}}],"selectionSet":{"kind":"SelectionSet","selections":[{"kind":"Field","name":{"kind":"Name","value":"ticket"},"selectionSet":{"kind":"SelectionSet","selections":[{"kind":"Field","name":{"kind":"Name","value":"id"}},{"kind":"Field","name":{"kind":"Name","value":"statusMemo"}}]}},{"kind":"Field","name":{"kind":"Name","value":"userErrors"},"selectionSet":{"kind":"SelectionSet","selections":[{"kind":"Field","name":{"kind":"Name","value":"code"}},{"kind":"Field","name":{"kind":"Name","value":"message"}}]}}]}}]}}]} as unknown as DocumentNode<NoteMutation, NoteMutationVariables>;