// How many of forty requests whose body is refused get a status, for each of these statuses.
const [url] = process.argv.slice(2);
const kinds = [
  [401, "/graphql", {}],
  [413, "/graphql", { "x-api-key": "a-key-of-a-page-0001" }],
  [404, "/nothing", {}],
];
const body = JSON.stringify({ query: "a".repeat(3_000_000) });
for (const [status, path, headers] of kinds) {
  let got = 0;
  for (let time = 0; time < 40; time += 1) {
    try {
      const response = await fetch(url + path, {
        method: "POST",
        headers: { "content-type": "application/json", ...headers },
        body,
      });
      await response.text();
      got += response.status === status ? 1 : 0;
    } catch (error) {
      console.error(error.cause ?? error);
    }
  }
  console.log(`${status}: ${got} of 40`);
}
