//! The manifest of trusted documents: a JSON file, in either of the two formats that client tools write.

use std::collections::HashMap;

use serde::Deserialize;

use super::layers::{ConfigError, Layers, Result};

/// The format of Apollo's tools.
#[derive(Deserialize)]
struct ApolloManifest {
    format: String,
    version: u32,
    operations: Vec<ApolloOperation>,
}

#[derive(Deserialize)]
struct ApolloOperation {
    id: String,
    body: String,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum Manifest {
    Apollo(ApolloManifest),
    Plain(HashMap<String, String>),
}

/// The documents by their ids; none where no manifest is set.
pub(super) fn read(layers: &Layers) -> Result<HashMap<String, String>> {
    let key = "documents.manifest";
    let Some(path) = layers.text(key)? else {
        return Ok(HashMap::new());
    };
    let name = layers.name(key);
    let text = std::fs::read_to_string(&path)
        .map_err(|err| ConfigError::new(format!("{name}: the file {path} can't be read: {err}")))?;

    documents(&text).map_err(|error| ConfigError::new(format!("{name}: the file {path} {error}")))
}

fn documents(text: &str) -> std::result::Result<HashMap<String, String>, &'static str> {
    let manifest = serde_json::from_str(text).map_err(
        |_| "is not a manifest: it must be JSON, {hash: document} or apollo-persisted-query-manifest",
    )?;
    let documents: Vec<(String, String)> = match manifest {
        Manifest::Plain(documents) => documents.into_iter().collect(),
        Manifest::Apollo(manifest)
            if manifest.format != "apollo-persisted-query-manifest" || manifest.version != 1 =>
        {
            return Err("must be of the format apollo-persisted-query-manifest, version 1");
        }
        Manifest::Apollo(manifest) => {
            let operations = manifest.operations.into_iter();
            operations
                .map(|operation| (operation.id, operation.body))
                .collect()
        }
    };

    let mut by_id = HashMap::new();
    for (id, document) in documents {
        if id.is_empty() {
            return Err("has a document without an id");
        }
        if by_id.insert(id, document).is_some() {
            return Err("has two documents of the same id");
        }
    }
    match by_id.is_empty() {
        true => Err("holds no document"),
        false => Ok(by_id),
    }
}
