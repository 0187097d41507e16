//! The crate's layers: who may use whom, read from the sources.

use std::{
    collections::BTreeSet,
    fs,
    path::{Path, PathBuf},
};

/// A source file, by its path below `src`, and its code without comments.
struct Source {
    path: String,
    code: String,
}

impl Source {
    /// The layer: the first folder, or the file's name.
    fn layer(&self) -> &str {
        let first = self.path.split('/').next().unwrap_or(&self.path);
        first.strip_suffix(".rs").unwrap_or(first)
    }

    fn is_test(&self) -> bool {
        ["tests.rs", "/hostile.rs", "/stage.rs", "/simulated.rs"]
            .iter()
            .any(|name| self.path.ends_with(name))
    }
}

fn sources() -> Vec<Source> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut files = Vec::new();
    collect(&root, &mut files);
    files
        .into_iter()
        .map(|file| {
            let text = fs::read_to_string(&file).expect("a source file is readable");
            let path = file.strip_prefix(&root).expect("the file lies below src");
            let without_comments = text.lines().map(|line| match line.trim_start() {
                comment if comment.starts_with("//") => "",
                _ => line,
            });
            Source {
                path: path.to_string_lossy().replace('\\', "/"),
                code: without_comments.collect::<Vec<_>>().join("\n"),
            }
        })
        .collect()
}

fn collect(folder: &Path, files: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).expect("a source folder is readable") {
        let path = entry.expect("a folder's entry is readable").path();
        if path.is_dir() {
            collect(&path, files);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            files.push(path);
        }
    }
}

/// The modules of the crate's root that a file names by `crate::`, in `use` trees too.
fn layers_named(code: &str) -> BTreeSet<String> {
    let mut named = BTreeSet::new();
    for (at, _) in code.match_indices("crate::") {
        let rest = &code[at + "crate::".len()..];
        match rest.strip_prefix('{') {
            Some(tree) => named.extend(first_segments(tree)),
            None => named.extend(identifier(rest)),
        }
    }
    named
}

/// The first segment of each branch of a `use` tree, up to its closing brace.
fn first_segments(tree: &str) -> Vec<String> {
    let mut depth = 0;
    let mut starts = true;
    let mut segments = Vec::new();
    for (at, character) in tree.char_indices() {
        match character {
            '{' => depth += 1,
            '}' if depth == 0 => break,
            '}' => depth -= 1,
            ',' if depth == 0 => starts = true,
            _ if starts && (character.is_alphabetic() || character == '_') => {
                segments.extend(identifier(&tree[at..]));
                starts = false;
            }
            _ => {}
        }
    }
    segments
}

fn identifier(text: &str) -> Option<String> {
    let end = text
        .find(|character: char| !character.is_alphanumeric() && character != '_')
        .unwrap_or(text.len());
    (end > 0).then(|| text[..end].to_owned())
}

/// Whether the code names a crate: `name::` with no identifier or path before it.
fn names_crate(code: &str, name: &str) -> bool {
    let path = format!("{name}::");
    code.match_indices(&path).any(|(at, _)| {
        let before = code[..at].chars().next_back();
        !before.is_some_and(|character| character.is_alphanumeric() || "_:".contains(character))
    })
}

/// What every layer may name. Each of these may name those after it.
const LEAVES: [&str; 4] = ["single_flight", "context", "error", "domain"];

fn allowed(layer: &str) -> Vec<&str> {
    let and_leaves = |layers: &[&'static str]| [layers, &LEAVES[..]].concat();
    match layer {
        "http" => and_leaves(&["engine", "schema", "repository"]),
        "engine" => and_leaves(&["schema", "repository"]),
        "schema" => and_leaves(&["repository"]),
        "repository" => and_leaves(&["upstream"]),
        "upstream" => and_leaves(&[]),
        "telemetry" => vec!["error", "domain"],
        // It fills the settings structs, which each layer defines for itself.
        "config" => and_leaves(&[
            "http",
            "engine",
            "schema",
            "repository",
            "upstream",
            "telemetry",
        ]),
        _ => {
            let own = LEAVES.iter().position(|leaf| *leaf == layer);
            own.map_or(Vec::new(), |own| LEAVES[own + 1..].to_vec())
        }
    }
}

#[test]
fn a_layer_names_only_the_layers_below_it() {
    for source in sources() {
        let layer = source.layer();
        if matches!(layer, "lib" | "main") {
            continue;
        }
        for named in layers_named(&source.code) {
            let is_own = named == layer;
            assert!(
                is_own || allowed(layer).contains(&named.as_str()),
                "src/{} names crate::{named}",
                source.path
            );
        }
    }
}

#[test]
fn the_domain_is_plain_data() {
    for source in sources() {
        if source.layer() != "domain" {
            continue;
        }
        for name in ["Mutex", "RwLock", "Atomic", "OnceLock", "async fn", "tokio"] {
            assert!(
                !source.code.contains(name),
                "src/{} names {name}",
                source.path
            );
        }
    }
}

#[test]
fn no_vendor_names_the_other() {
    for source in sources().iter().filter(|source| !source.is_test()) {
        let forbidden: &[&str] = if source.path.starts_with("upstream/firstline") {
            &["bangwo8", "Bangwo8"]
        } else if source.path.starts_with("upstream/bangwo8") {
            &["firstline", "FirstLine"]
        } else {
            &[]
        };
        for name in forbidden {
            assert!(
                !source.code.contains(name),
                "src/{} names {name}",
                source.path
            );
        }
    }
}

#[test]
fn nothing_above_upstream_names_a_vendor_but_through_the_domain() {
    for source in sources() {
        let is_above = matches!(source.layer(), "http" | "schema" | "repository");
        if !is_above || source.is_test() {
            continue;
        }
        let code = source
            .code
            .replace("Vendor::FirstLine", "")
            .replace("Vendor::Bangwo8", "");
        for name in ["upstream::firstline", "upstream::bangwo8"] {
            assert!(!code.contains(name), "src/{} names {name}", source.path);
        }
    }
}

#[test]
fn wire_types_stay_in_their_folder() {
    for source in sources() {
        let is_vendor = source.path.starts_with("upstream/");
        assert!(
            is_vendor || source.layer() == "sandbox" || !source.code.contains("wire::"),
            "src/{} names a wire type",
            source.path
        );
        if source.path.ends_with("wire.rs") && is_vendor {
            let public = source.code.lines().find(|line| {
                ["pub struct", "pub enum", "pub fn"]
                    .iter()
                    .any(|item| line.trim_start().starts_with(item))
            });
            assert_eq!(
                public, None,
                "src/{} shows a wire type outside",
                source.path
            );
        }
    }
}

#[test]
fn each_framework_stays_in_its_layer() {
    let is_home = |krate: &str, path: &str| {
        let within = |folders: &[&str]| folders.iter().any(|folder| path.starts_with(folder));
        match krate {
            "axum" => within(&["http/", "sandbox/"]),
            "async_graphql" => within(&["engine/", "schema/", "repository/batch.rs"]),
            "moka" => within(&["repository/", "engine/"]),
            "reqwest" => within(&["upstream/", "http/auth"]),
            "serde" | "serde_json" => {
                path.ends_with("wire.rs")
                    || within(&[
                        "config",
                        "sandbox/",
                        "http/",
                        "engine/",
                        "repository/cursor.rs",
                        "upstream/client",
                    ])
            }
            _ => true,
        }
    };
    for source in sources() {
        if matches!(source.layer(), "lib" | "main") || source.is_test() {
            continue;
        }
        for krate in [
            "axum",
            "async_graphql",
            "moka",
            "reqwest",
            "serde",
            "serde_json",
        ] {
            assert!(
                !names_crate(&source.code, krate) || is_home(krate, &source.path),
                "src/{} names {krate}",
                source.path
            );
        }
    }
}

#[test]
fn the_checks_see_what_they_look_for() {
    let code =
        "use crate::{domain::{Vendor, Told}, error::Result};\nlet x = crate::upstream::call();";
    let named: Vec<_> = layers_named(code).into_iter().collect();
    assert_eq!(named, ["domain", "error", "upstream"]);
    assert!(names_crate("let a = moka::sync::Cache::new();", "moka"));
    assert!(!names_crate("let a = super::moka::Cache::new();", "moka"));
}
