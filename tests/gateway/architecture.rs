//! The crate's layers: which module may use which, read from the sources.

use std::{
    collections::BTreeSet,
    fs,
    iter::Peekable,
    path::{Path, PathBuf},
    str::FromStr,
};

use proc_macro2::{Delimiter, Group, TokenStream, TokenTree, token_stream};

/// The layers from the bottom up, and the layers that each may use. A module at the crate's root without a row is an error.
const LAYERS: &[(&str, &[&str])] = &[
    ("domain", &[]),
    ("error", &["domain"]),
    ("telemetry", &["error", "domain"]),
    ("context", &["domain"]),
    ("single_flight", &["context", "error", "domain"]),
    ("listing", &["error", "domain"]),
    ("shared", &["single_flight", "context", "error", "domain"]),
    (
        "upstream",
        &["single_flight", "context", "telemetry", "error", "domain"],
    ),
    (
        "repository",
        &[
            "listing",
            "shared",
            "upstream",
            "single_flight",
            "context",
            "telemetry",
            "error",
            "domain",
        ],
    ),
    ("schema", &["repository", "context", "error", "domain"]),
    (
        "engine",
        &[
            "schema",
            "repository",
            "single_flight",
            "context",
            "telemetry",
            "error",
            "domain",
        ],
    ),
    (
        "http",
        &[
            "engine",
            "schema",
            "repository",
            "single_flight",
            "context",
            "telemetry",
            "error",
            "domain",
        ],
    ),
    // It fills the settings structs, which belong to the layers.
    (
        "config",
        &[
            "http",
            "engine",
            "schema",
            "repository",
            "shared",
            "upstream",
            "telemetry",
            "error",
            "domain",
        ],
    ),
];

/// The frameworks, and where each may be used: the start of a path below `src`, or after a `*` its end.
const HOMES: &[(&str, &[&str])] = &[
    ("axum", &["http/"]),
    (
        "async_graphql",
        &["engine/", "schema/", "repository/batch.rs"],
    ),
    ("moka", &["engine/", "repository/"]),
    ("reqwest", &["upstream/", "http/auth"]),
    ("redis", &["shared/"]),
    ("serde", JSON),
    ("serde_json", JSON),
    ("deskgraph_sandbox", &["lib.rs", "demo.rs"]),
];

const JSON: &[&str] = &[
    "*/wire.rs",
    "upstream/wire/",
    "config",
    "http/",
    "engine/",
    "shared/",
    "listing/cursor.rs",
];

/// The tokens after `pub` of an item that is public without restriction, and not just a field.
const ITEMS: &[&str] = &[
    "async", "const", "enum", "fn", "mod", "static", "struct", "trait", "type", "use",
];

/// A source file: its path, and the names in its code. Comments and string literals are not code.
struct Source {
    /// The path below `src`, such as `http/auth/mod.rs`.
    file: String,
    /// Every path of names, such as `crate::domain::Vendor`, with imports split, and `self` and `super` resolved.
    paths: BTreeSet<String>,
    /// Every name and literal.
    words: BTreeSet<String>,
    /// Whether an item is public without restriction.
    has_public_item: bool,
}

impl Source {
    fn new(file: &str, code: &str) -> Self {
        let tokens = TokenStream::from_str(code)
            .unwrap_or_else(|err| panic!("{file} can't be taken apart: {err}"));
        let mut source = Self {
            file: file.to_owned(),
            paths: BTreeSet::new(),
            words: BTreeSet::new(),
            has_public_item: false,
        };
        let mut module = vec!["crate".to_owned()];
        let folders = file.trim_end_matches(".rs").split('/');
        module.extend(
            folders
                .filter(|name| !matches!(*name, "mod" | "lib" | "main"))
                .map(str::to_owned),
        );
        source.read(tokens, &module);
        source
    }

    /// Reads the code of this module.
    fn read(&mut self, tokens: TokenStream, module: &[String]) {
        let mut tokens = tokens.into_iter().peekable();
        while let Some(token) = tokens.next() {
            match token {
                TokenTree::Group(group) if is_comment(&group) => {}
                TokenTree::Group(group) => self.read(group.stream(), module),
                TokenTree::Literal(literal) => {
                    self.words.insert(literal.to_string());
                }
                TokenTree::Punct(_) => {}
                TokenTree::Ident(name) if name == "mod" => self.read_module(&mut tokens, module),
                TokenTree::Ident(name) => {
                    let is_item = matches!(tokens.peek(), Some(TokenTree::Ident(item))
                        if ITEMS.contains(&item.to_string().as_str()));
                    self.has_public_item |= name == "pub" && is_item;
                    self.read_path(vec![name.to_string()], &mut tokens, module);
                }
            }
        }
    }

    /// After `mod`: the names in an inline module are relative to it.
    fn read_module(&mut self, tokens: &mut Peekable<token_stream::IntoIter>, module: &[String]) {
        let Some(TokenTree::Ident(name)) = tokens.next() else {
            return;
        };
        if let Some(TokenTree::Group(body)) = tokens.peek() {
            let mut inner = module.to_vec();
            inner.push(name.to_string());
            self.read(body.stream(), &inner);
            tokens.next();
        }
    }

    /// The rest of a path, with the branches of an import of several names.
    fn read_path(
        &mut self,
        mut path: Vec<String>,
        tokens: &mut Peekable<token_stream::IntoIter>,
        module: &[String],
    ) {
        self.words.extend(path.last().cloned());
        while is_path_separator(tokens) {
            match tokens.peek() {
                Some(TokenTree::Ident(name)) => {
                    self.words.insert(name.to_string());
                    path.push(name.to_string());
                    tokens.next();
                }
                Some(TokenTree::Group(branches)) if branches.delimiter() == Delimiter::Brace => {
                    let mut branches = branches.stream().into_iter().peekable();
                    tokens.next();
                    while let Some(branch) = branches.next() {
                        match branch {
                            // The alias of the previous branch.
                            TokenTree::Ident(keyword) if keyword == "as" => drop(branches.next()),
                            TokenTree::Ident(name) => {
                                let branch = [path.clone(), vec![name.to_string()]].concat();
                                self.read_path(branch, &mut branches, module);
                            }
                            _ => {}
                        }
                    }
                    break;
                }
                _ => break,
            }
        }
        self.paths.insert(absolute(path, module).join("::"));
    }

    /// The layer: the first folder, or the name of the file.
    fn layer(&self) -> &str {
        let first = self.file.split('/').next().unwrap_or(&self.file);
        first.trim_end_matches(".rs")
    }

    /// The command line and the composition root may use everything.
    fn is_root(&self) -> bool {
        matches!(
            self.layer(),
            "lib"
                | "reload"
                | "vendors"
                | "main"
                | "demo"
                | "health_check"
                | "service_manager"
                | "signals"
        )
    }

    fn is_test(&self) -> bool {
        ["tests.rs", "simulated.rs"]
            .iter()
            .any(|name| self.file.ends_with(name))
            || self.file.contains("/tests/")
            || self.file.contains("/test_support/")
    }

    /// The first name after this path, for each path that starts with it.
    fn names_after(&self, start: &str) -> BTreeSet<&str> {
        let start = format!("{start}::");
        self.paths
            .iter()
            .filter_map(|path| path.strip_prefix(&start))
            .filter_map(|rest| rest.split("::").next())
            .collect()
    }

    fn names_crate(&self, name: &str) -> bool {
        let is_within = !self.names_after(name).is_empty();
        is_within || self.paths.contains(name)
    }
}

/// A doc comment as the compiler sees it: the attribute `doc`.
fn is_comment(group: &Group) -> bool {
    let first = group.stream().into_iter().next();
    group.delimiter() == Delimiter::Bracket
        && matches!(first, Some(TokenTree::Ident(name)) if name == "doc")
}

/// Consumes `::` if it comes next.
fn is_path_separator(tokens: &mut Peekable<token_stream::IntoIter>) -> bool {
    let mut ahead = tokens.clone();
    for _ in 0..2 {
        match ahead.next() {
            Some(TokenTree::Punct(mark)) if mark.as_char() == ':' => {}
            _ => return false,
        }
    }
    *tokens = ahead;
    true
}

/// A path from the crate's root, for paths that start at the root, at this module or at one above it.
fn absolute(path: Vec<String>, module: &[String]) -> Vec<String> {
    let mut base = match path.first().map(String::as_str) {
        Some("self" | "super") => module.to_vec(),
        _ => return path,
    };
    let mut names = path.into_iter().peekable();
    while let Some(up) = names.next_if(|name| name == "self" || name == "super") {
        if up == "super" {
            base.pop();
        }
    }
    base.extend(names);
    base
}

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn sources() -> Vec<Source> {
    let root = root().join("src");
    let mut files = Vec::new();
    collect(&root, &mut files);
    files
        .into_iter()
        .map(|file| {
            let code = fs::read_to_string(&file).expect("a source file is readable");
            let file = file.strip_prefix(&root).expect("the file lies below src");
            Source::new(&file.to_string_lossy().replace('\\', "/"), &code)
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

/// The folders of the vendors: those with a vendor's JSON types.
fn vendors(sources: &[Source]) -> BTreeSet<String> {
    sources
        .iter()
        .filter_map(|source| {
            let folder = source.file.strip_prefix("upstream/")?;
            folder.strip_suffix("/wire.rs").map(str::to_owned)
        })
        .collect()
}

/// Each use of a layer that is not below.
fn layer_violations(sources: &[Source]) -> Vec<String> {
    let mut violations = Vec::new();
    for source in sources.iter().filter(|source| !source.is_root()) {
        let layer = source.layer();
        let Some((_, below)) = LAYERS.iter().find(|(name, _)| *name == layer) else {
            violations.push(format!("{} is in no layer of the table", source.file));
            continue;
        };
        for named in source.names_after("crate") {
            if named != layer && !below.contains(&named) {
                violations.push(format!("{} names crate::{named}", source.file));
            }
        }
    }
    violations
}

/// Each vendor's folder that uses another vendor, and each file above the vendors that uses a vendor's folder.
fn vendor_violations(sources: &[Source]) -> Vec<String> {
    let vendors = vendors(sources);
    let mut violations = Vec::new();
    for source in sources.iter().filter(|source| !source.is_root()) {
        for vendor in &vendors {
            let is_own = source.file.starts_with(&format!("upstream/{vendor}/"));
            let is_anothers = source.file.starts_with("upstream/")
                && !is_own
                && vendors
                    .iter()
                    .any(|other| source.file.starts_with(&format!("upstream/{other}/")));
            let names_it = source
                .words
                .iter()
                .any(|word| word.to_lowercase().contains(vendor));
            if is_anothers && !source.is_test() && names_it {
                violations.push(format!("{} names {vendor}", source.file));
            }

            let names_its_folder = source
                .names_after("crate::upstream")
                .contains(vendor.as_str());
            let is_above = !matches!(source.layer(), "upstream" | "config");
            if is_above && names_its_folder {
                violations.push(format!("{} names upstream::{vendor}", source.file));
            }
        }
    }
    violations
}

/// Each use of a vendor's JSON types outside its folder, and each public path to them.
fn wire_violations(sources: &[Source]) -> Vec<String> {
    let mut violations = Vec::new();
    for source in sources {
        let in_upstream = source.layer() == "upstream";
        for path in &source.paths {
            let names: Vec<&str> = path.split("::").collect();
            let is_foreign = match names.as_slice() {
                ["crate", "upstream", "wire", ..] => !in_upstream,
                ["crate", "upstream", vendor, "wire", ..] => {
                    !source.file.starts_with(&format!("upstream/{vendor}/"))
                }
                [.., "wire", _] => !in_upstream,
                _ => false,
            };
            if is_foreign {
                violations.push(format!("{} names {path}", source.file));
            }
        }
        if in_upstream && source.file.ends_with("wire.rs") && source.has_public_item {
            violations.push(format!("{} shows a type of the vendor's JSON", source.file));
        }
    }
    violations
}

/// Each use of a framework outside its layer.
fn framework_violations(sources: &[Source]) -> Vec<String> {
    let mut violations = Vec::new();
    for source in sources.iter().filter(|source| !source.is_test()) {
        for (framework, homes) in HOMES {
            let is_home = homes.iter().any(|home| match home.strip_prefix('*') {
                Some(end) => source.file.ends_with(end) || source.file == end.trim_matches('/'),
                None => source.file.starts_with(home),
            });
            if !is_home && !source.is_root() && source.names_crate(framework) {
                violations.push(format!("{} names {framework}", source.file));
            }
        }
    }
    violations
}

const NONE: &[String] = &[];

#[test]
fn a_layer_uses_only_layers_below_it() {
    assert_eq!(layer_violations(&sources()), NONE);
}

#[test]
fn no_vendor_uses_another_and_no_upper_layer_uses_its_folder() {
    assert_eq!(vendor_violations(&sources()), NONE);
}

#[test]
fn a_vendors_json_stays_in_its_folder() {
    assert_eq!(wire_violations(&sources()), NONE);
}

#[test]
fn each_framework_stays_in_its_layer() {
    assert_eq!(framework_violations(&sources()), NONE);
}

#[test]
fn each_vendor_is_in_the_composition_root_and_the_sandbox() {
    let sources = sources();
    let composition_root = sources.iter().find(|source| source.file == "vendors.rs");
    let composition_root = composition_root.expect("there is a list of vendors");
    let vendors = vendors(&sources);
    assert!(vendors.len() >= 2, "{vendors:?}");
    for vendor in vendors {
        assert!(
            composition_root
                .names_after("crate::upstream")
                .contains(vendor.as_str()),
            "vendors.rs does not name {vendor}"
        );
        let sandbox = root().join("sandbox/src").join(&vendor);
        assert!(sandbox.is_dir(), "{} is missing", sandbox.display());
    }
}

/// Two vendors, so that one can use the other.
fn with_vendors(file: &str, code: &str) -> Vec<Source> {
    vec![
        Source::new(
            "upstream/northdesk/wire.rs",
            "pub(super) struct Row { pub id: i64 }",
        ),
        Source::new(
            "upstream/southdesk/wire.rs",
            "pub(in crate::upstream) struct Row;",
        ),
        Source::new(file, code),
    ]
}

#[test]
fn a_use_of_an_upper_or_neighbouring_layer_is_found() {
    for (file, code, layer) in [
        ("domain/id.rs", "use crate::error::Error;", "error"),
        (
            "schema/ticket.rs",
            "use crate::{domain::Id, http::Page};",
            "http",
        ),
        (
            "schema/ticket.rs",
            "use crate::{error::{Error, Kind}, upstream::{firstline::{wire}}};",
            "upstream",
        ),
        (
            "listing/merge.rs",
            "fn f() { let x = crate::upstream::call(1); }",
            "upstream",
        ),
        (
            "upstream/client.rs",
            "fn f() { format!(\"{}\", crate::schema::NAME); }",
            "schema",
        ),
        (
            "repository/cache.rs",
            "use super::super::engine::Plan;",
            "engine",
        ),
        (
            "repository/mod.rs",
            "mod tests { use super::super::http::Front; }",
            "http",
        ),
        (
            "error.rs",
            "pub use self::super::config as settings;",
            "config",
        ),
    ] {
        let found = layer_violations(&[Source::new(file, code)]);
        assert_eq!(found, [format!("{file} names crate::{layer}")], "{code}");
    }
    let stray = layer_violations(&[Source::new("helpers/text.rs", "")]);
    assert_eq!(stray, ["helpers/text.rs is in no layer of the table"]);

    let fine = "// crate::http\nuse crate::{domain::{Id, Vendor as V}, repository::Shared};\nconst A: &str = \"crate::http::\";\n\
        mod tests { use super::*; use super::super::arguments::First; }";
    assert_eq!(
        layer_violations(&[Source::new("schema/ticket.rs", fine)]),
        NONE
    );
}

#[test]
fn a_use_of_another_vendor_is_found() {
    for (file, code, found) in [
        (
            "upstream/northdesk/mod.rs",
            "use super::southdesk::Login;",
            "names southdesk",
        ),
        (
            "upstream/northdesk/mapping/id.rs",
            "const A: Vendor = Vendor::SouthDesk;",
            "names southdesk",
        ),
        (
            "upstream/southdesk/auth.rs",
            "const A: &str = \"Northdesk\";",
            "names northdesk",
        ),
        (
            "schema/ticket.rs",
            "use crate::upstream::northdesk::Northdesk;",
            "names upstream::northdesk",
        ),
    ] {
        let violations = vendor_violations(&with_vendors(file, code));
        assert_eq!(violations, [format!("{file} {found}")], "{code}");
    }
    let fine = with_vendors(
        "upstream/northdesk/mod.rs",
        "use super::{northdesk::Login, client};",
    );
    assert_eq!(vendor_violations(&fine), NONE);
}

#[test]
fn a_use_of_a_vendors_json_outside_its_folder_is_found() {
    for (file, code, path) in [
        (
            "repository/ticket.rs",
            "use crate::upstream::{northdesk::{wire::Row}};",
            "crate::upstream::northdesk::wire::Row",
        ),
        (
            "upstream/southdesk/mod.rs",
            "use super::northdesk::wire::Row;",
            "crate::upstream::northdesk::wire::Row",
        ),
        ("schema/ticket.rs", "fn f(row: wire::Row) {}", "wire::Row"),
    ] {
        let violations = wire_violations(&with_vendors(file, code));
        assert_eq!(violations, [format!("{file} names {path}")], "{code}");
    }
    let open = wire_violations(&[Source::new("upstream/northdesk/wire.rs", "pub struct Row;")]);
    assert_eq!(open.len(), 1, "{open:?}");
    let fine = with_vendors(
        "upstream/northdesk/mapping/id.rs",
        "use super::super::wire::Row;",
    );
    assert_eq!(wire_violations(&fine), NONE);
}

#[test]
fn a_framework_outside_its_layer_is_found() {
    for (file, code, framework) in [
        (
            "schema/query.rs",
            "use axum::{Router, extract::State};",
            "axum",
        ),
        (
            "domain/id.rs",
            "fn f() { let a = ::moka::sync::Cache::new(1); }",
            "moka",
        ),
        (
            "repository/cache.rs",
            "#[derive(serde::Serialize)] struct A;",
            "serde",
        ),
        ("http/mod.rs", "use redis;", "redis"),
        (
            "repository/mod.rs",
            "use deskgraph_sandbox::Sandbox;",
            "deskgraph_sandbox",
        ),
    ] {
        let found = framework_violations(&[Source::new(file, code)]);
        assert_eq!(found, [format!("{file} names {framework}")], "{code}");
    }
    let fine = "// axum::Router\nuse super::axum::Own; const A: &str = \"axum::\";";
    assert_eq!(
        framework_violations(&[Source::new("schema/query.rs", fine)]),
        NONE
    );
}
