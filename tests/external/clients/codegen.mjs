// graphql-codegen's client preset: generates types from the running gateway and from schema.graphql, which must be equal, and
// checks a program against them. node codegen.mjs URL SCHEMA
import assert from "node:assert/strict";
import { mkdirSync, rmSync, writeFileSync } from "node:fs";
import { dirname } from "node:path";
import { generate } from "@graphql-codegen/cli";

const [url, schemaFile] = process.argv.slice(2);
const FOLDER = "generated/";

async function typesOf(schema) {
  const files = await generate(
    {
      schema,
      documents: ["urql.ts"],
      silent: true,
      errorsOnly: true,
      emitLegacyCommonJSImports: false,
      generates: {
        [FOLDER]: {
          preset: "client",
          config: {
            // A scalar that is not named here is an error.
            strictScalars: true,
            scalars: { Date: "string", DateTime: "string", Decimal: "string" },
            useTypeImports: true,
          },
        },
      },
    },
    false,
  );
  return Object.fromEntries(files.map(({ filename, content }) => [filename, content]));
}

const ofGateway = await typesOf(url);
const ofFile = await typesOf(schemaFile);
assert.deepEqual(ofGateway, ofFile);
assert.match(ofGateway[`${FOLDER}graphql.ts`], /export type ServiceRecord = Node & \{/);

rmSync(FOLDER, { recursive: true, force: true });
for (const [name, content] of Object.entries(ofGateway)) {
  mkdirSync(dirname(name), { recursive: true });
  writeFileSync(name, content);
}
console.log(`generated: ${Object.keys(ofGateway).length} files, the same from the gateway and from the file`);
