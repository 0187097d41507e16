// The playground: GraphiQL over this gateway, with the example queries in its tabs and a place for the caller's key.
import "graphiql/setup-workers/vite";
import "graphiql/style.css";
import "./style.css";

import { createGraphiQLFetcher } from "@graphiql/toolkit";
import { GraphiQL } from "graphiql";
import { Kind, parse } from "graphql";
import { useMemo, useState } from "react";
import { createRoot } from "react-dom/client";

const EXAMPLES_SHOWN = 5;
const KEY = "deskgraph:key";

// What a comment names as variables stands ready in the variables' editor.
const files = import.meta.glob("../examples/queries/*.graphql", { query: "?raw", import: "default", eager: true });
const examples = Object.keys(files)
  .sort()
  .slice(0, EXAMPLES_SHOWN)
  .map((path) => ({ query: files[path], variables: /^# variables: (.*)$/m.exec(files[path])?.[1] }));

// Queries, their variables and the key may hold what is personal or secret: they go when the browser's tab is closed.
const storage = window.sessionStorage;

// GraphiQL learns the name of the operation a moment after a tab is opened; who runs the query sooner would send the name
// of the tab before. The only operation of a document needs no telling.
function operationNameOf({ query, operationName }) {
  try {
    const operations = parse(query).definitions.filter(({ kind }) => kind === Kind.OPERATION_DEFINITION);
    return operations.length === 1 ? operations[0].name?.value : operationName;
  } catch {
    return operationName;
  }
}

function fetcherWith(key) {
  const fetcher = createGraphiQLFetcher({
    url: "/graphql",
    enableIncrementalDelivery: false,
    headers: key ? { authorization: `Bearer ${key}` } : {},
  });
  return (request, options) => fetcher({ ...request, operationName: operationNameOf(request) }, options);
}

function Playground() {
  const [key, setKey] = useState(storage.getItem(KEY) ?? "");
  const fetcher = useMemo(() => fetcherWith(key), [key]);

  const takeKey = (text) => {
    const taken = text.trim();
    storage.setItem(KEY, taken);
    setKey(taken);
  };

  return (
    <>
      <KeyBar value={key} onTaken={takeKey} />
      <GraphiQL
        fetcher={fetcher}
        storage={storage}
        defaultTabs={examples}
        visiblePlugin="Documentation Explorer"
        shouldPersistHeaders={false}
        showPersistHeadersSettings={false}
      >
        <GraphiQL.Logo>{" "}</GraphiQL.Logo>
      </GraphiQL>
    </>
  );
}

// The key is taken by Enter or on leaving the field, not with every letter: each new one asks for the schema anew.
function KeyBar({ value, onTaken }) {
  const submit = (event) => {
    event.preventDefault();
    onTaken(event.currentTarget.elements.key.value);
  };

  return (
    <header className="bar">
      <h1>
        <a href="/">deskgraph</a> playground
      </h1>
      <form onSubmit={submit}>
        <label htmlFor="key">API key or token</label>
        <input
          id="key"
          name="key"
          type="password"
          autoComplete="off"
          spellCheck={false}
          defaultValue={value}
          placeholder="where the gateway asks for one"
          title="Sent as Authorization: Bearer, and forgotten when this tab is closed"
          onBlur={(event) => onTaken(event.currentTarget.value)}
        />
      </form>
    </header>
  );
}

createRoot(document.getElementById("playground")).render(<Playground />);
