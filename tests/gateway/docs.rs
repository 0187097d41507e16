//! The README and `docs/` match the project: their tables, queries, commands, paths and links.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::{Path, PathBuf},
};

use deskgraph::{
    config::{Config, settings_table},
    http::auth::AuthSettings,
    sandbox::SandboxOptions,
    schema,
};
use serde_json::Value;

use crate::harness::{Desk, DeskOptions};

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).to_owned()
}

fn text_of(document: &str) -> String {
    fs::read_to_string(root().join(document)).unwrap_or_else(|err| panic!("{document}: {err}"))
}

fn readme() -> String {
    text_of("README.md")
}

/// Every document for people, by its path from the root.
fn documents() -> Vec<(String, String)> {
    let mut paths: Vec<String> = [
        "README.md",
        "CONTRIBUTING.md",
        "CHANGELOG.md",
        "SECURITY.md",
    ]
    .map(str::to_owned)
    .into();
    for entry in fs::read_dir(root().join("docs")).expect("there are documents") {
        let name = entry.expect("a folder's entry is readable").file_name();
        paths.push(format!("docs/{}", name.to_string_lossy()));
    }
    paths.sort();
    let texts = paths.iter().map(|path| text_of(path)).collect::<Vec<_>>();
    paths.into_iter().zip(texts).collect()
}

/// The text from this heading to the next one of its level.
fn section<'a>(document: &'a str, heading: &str) -> &'a str {
    let marked = format!("\n{heading}\n");
    let (_, text) = document
        .split_once(&marked)
        .unwrap_or_else(|| panic!("there is no {heading}"));
    let rank = heading.split(' ').next().expect("a heading has a rank");
    text.split(&format!("\n{rank} "))
        .next()
        .expect("a text has a start")
}

/// The blocks of code in this language.
fn blocks<'a>(text: &'a str, language: &str) -> Vec<&'a str> {
    text.split(&format!("```{language}\n"))
        .skip(1)
        .map(|rest| rest.split("\n```").next().expect("a text has a start"))
        .collect()
}

/// The first column of a table, without backticks.
fn first_column(text: &str) -> Vec<&str> {
    text.lines()
        .filter_map(|line| line.strip_prefix("| `"))
        .filter_map(|line| line.split('`').next())
        .collect()
}

#[test]
fn the_table_of_settings_matches_the_program() {
    let table = settings_table();
    assert!(
        text_of("docs/CONFIGURATION.md").contains(&table),
        "docs/CONFIGURATION.md needs this table:\n{table}"
    );
}

#[test]
fn every_dependency_has_a_documented_reason_and_no_other_is_listed() {
    let manifest = fs::read_to_string(root().join("Cargo.toml")).expect("there is a manifest");
    let mut in_dependencies = false;
    let mut declared = BTreeSet::new();
    for line in manifest.lines() {
        if line.starts_with('[') {
            in_dependencies = matches!(
                line,
                "[dependencies]" | "[target.'cfg(unix)'.dependencies]" | "[dev-dependencies]"
            );
        } else if in_dependencies && let Some((name, _)) = line.split_once(" = ") {
            declared.insert(name);
        }
    }
    assert!(declared.len() > 20, "{declared:?}");

    let architecture = text_of("docs/ARCHITECTURE.md");
    let section = section(&architecture, "## Dependencies");
    let explained: Vec<&str> = first_column(section);
    assert_eq!(explained.iter().copied().collect::<BTreeSet<_>>(), declared);
    assert_eq!(explained.len(), declared.len(), "each once");
    let reasons = section.lines().filter(|line| line.starts_with("| `"));
    for row in reasons {
        let reason = row.split(" | ").nth(1).expect("a row has a reason");
        assert!(reason.len() > "JSON".len(), "{row}");
    }

    let pinned = manifest
        .lines()
        .find(|line| line.starts_with("async-graphql ="));
    assert!(pinned.is_some_and(|line| line.contains("\"=8.0.0-rc.5\"")));
    assert!(section.contains("`=8.0.0-rc.5`") && section.contains("async-graphql-axum is not"));
}

#[test]
fn the_map_of_the_source_names_every_module_of_the_crate() {
    let architecture = text_of("docs/ARCHITECTURE.md");
    let map = section(&architecture, "## Map of the source");
    for entry in fs::read_dir(root().join("src")).expect("the source folder is readable") {
        let path = entry.expect("a folder's entry is readable").path();
        let name = path.file_name().expect("an entry has a name");
        let slash = if path.is_dir() { "/" } else { "" };
        let row = format!("\n| `src/{}{slash}` |", name.to_string_lossy());
        assert!(map.contains(&row), "there is no row{row}");
    }
}

#[tokio::test]
async fn the_first_query_returns_the_printed_response() {
    let desk = Desk::open_with(DeskOptions {
        sandbox: SandboxOptions {
            now: Some(
                "2026-03-10T07:30:00Z"
                    .parse()
                    .expect("the constant is a timestamp"),
            ),
            ..SandboxOptions::default()
        },
        ..DeskOptions::default()
    })
    .await;
    let readme = readme();
    let first = section(&readme, "### A first query");
    let query = blocks(first, "graphql")[0];
    let printed = blocks(first, "json")[0];

    let data = desk.execute(query).await;

    let answer = serde_json::json!({ "data": data });
    let pretty = serde_json::to_string_pretty(&answer).expect("it is JSON");
    let printed: Value = serde_json::from_str(printed).unwrap_or_default();
    assert_eq!(printed, answer, "the answer is\n{pretty}");
}

#[test]
fn the_query_of_the_first_command_is_the_first_query() {
    let readme = readme();
    let query = blocks(section(&readme, "### A first query"), "graphql")[0];
    let in_one_line = query.split_whitespace().collect::<Vec<_>>().join(" ");

    let commands = blocks(&readme, "sh");
    let curl = commands.iter().find(|command| command.starts_with("curl "));
    let curl = curl.expect("a command sends a query to the gateway");
    assert!(
        curl.contains(&format!("{{\"query\":\"{in_one_line}\"}}")),
        "{curl}"
    );
}

#[test]
fn the_settings_file_of_the_readme_is_valid() {
    let readme = readme();
    let section = section(&readme, "## Point it at your vendors");
    let file = blocks(section, "toml")[0];
    let mut variables = BTreeMap::new();
    for command in blocks(section, "sh") {
        for line in command
            .lines()
            .filter_map(|line| line.strip_prefix("export "))
        {
            let (name, value) = line.split_once('=').expect("a variable is given a value");
            // As in a shell, a later value replaces an earlier one.
            variables.insert(name.into(), value.trim_matches('\'').into());
        }
    }
    assert_eq!(variables.len(), 8);

    let config = Config::from_sources(Some(file), variables).expect("the settings are right");
    assert!(config.firstline.is_some() && config.bangwo8.is_some());
    assert_eq!(config.listen.to_string(), "0.0.0.0:4000");
    assert!(matches!(config.http.auth, AuthSettings::Tokens(_)));
}

#[tokio::test]
async fn every_documented_command_exists() {
    let help = tokio::process::Command::new(env!("CARGO_BIN_EXE_deskgraph"))
        .arg("--help")
        .output()
        .await
        .expect("the program can be run");
    let help = String::from_utf8(help.stdout).expect("the help is text");
    let commands: BTreeSet<&str> = help
        .lines()
        .skip_while(|line| *line != "Commands:")
        .skip(1)
        .take_while(|line| !line.is_empty())
        .filter_map(|line| line.split_whitespace().next())
        .filter(|command| *command != "help")
        .collect();
    assert_eq!(commands.len(), 6, "{help}");

    let operations = text_of("docs/OPERATIONS.md");
    let table = first_column(section(&operations, "## Commands"));
    let listed: BTreeSet<&str> = table
        .iter()
        .filter_map(|row| row.split(' ').nth(1))
        .collect();
    assert_eq!(listed, commands);

    let documents = documents();
    let lines = documents
        .iter()
        .flat_map(|(_, text)| blocks(text, "sh"))
        .flat_map(str::lines);
    for line in lines {
        let words: Vec<&str> = line.split(' ').collect();
        match words.as_slice() {
            ["cargo", "run", "--release", "--", command, ..]
            | ["target/release/deskgraph", command, ..] => {
                assert!(commands.contains(command), "{line}")
            }
            ["cargo", "test"] | ["curl" | "export", ..] => {}
            ["cargo", "build", "--release", "--no-default-features"] => {
                assert!(text_of("Cargo.toml").contains("\ndefault = [\"sandbox\"]\n"))
            }
            ["cargo", "bench", "--bench", bench] => {
                let benches = root().join("benches");
                let is_there = benches.join(format!("{bench}.rs")).is_file()
                    || benches.join(bench).join("main.rs").is_file();
                assert!(is_there, "{line}")
            }
            ["cargo", "run", "--release", "--example", example] => {
                let source = root().join("examples").join(format!("{example}.rs"));
                assert!(source.is_file(), "{line}")
            }
            [script, options @ ..] => {
                let script = fs::read_to_string(root().join(script));
                let script = script.unwrap_or_else(|_| panic!("`{line}` is not checked"));
                for option in options {
                    assert!(script.contains(option), "{line}");
                }
            }
            [] => {}
        }
    }
}

/// The texts between backticks, outside of code blocks.
fn marked(text: &str) -> Vec<&str> {
    let prose = text.split("```").step_by(2);
    prose
        .flat_map(|prose| prose.split('`').skip(1).step_by(2))
        .collect()
}

#[test]
fn every_documented_path_and_variable_exists() {
    let folders = [
        "src/",
        "sandbox/",
        "tests/",
        "examples/",
        "benches/",
        "scripts/",
        "playground/",
        "docs/",
        ".ci/",
    ];
    let table = settings_table();
    let sections = [
        "FIRSTLINE__",
        "BANGWO8__",
        "LIMITS__",
        "CACHE__",
        "AUTH__",
        "CORS__",
        "DOCUMENTS__",
        "INTROSPECTION__",
        "LOG__",
        "PAGES__",
    ];
    let (mut paths, mut variables) = (0, 0);
    for (document, text) in documents() {
        for name in marked(&text) {
            let path = name.trim_start_matches("./");
            let path = path.split_whitespace().next().unwrap_or_default();
            if folders.iter().any(|folder| path.starts_with(folder)) {
                assert!(root().join(path).exists(), "{document}: {path}");
                paths += 1;
            }
            let name = name.split(['=', ' ']).next().unwrap_or_default();
            let name = name.trim_start_matches("DESKGRAPH_");
            if sections.iter().any(|section| name.starts_with(section)) {
                let has_row = |name| table.contains(&format!("| `DESKGRAPH_{name}` |"));
                // A secret may be in a file.
                let secret = name.strip_suffix("_FILE");
                assert!(
                    has_row(name) || secret.is_some_and(has_row),
                    "{document}: {name}"
                );
                variables += 1;
            }
        }
    }
    assert!(paths > 60 && variables > 100, "{paths} {variables}");
}

#[test]
fn every_link_between_documents_leads_to_a_file_and_a_heading() {
    let mut links = 0;
    for (document, text) in documents() {
        let folder = root().join(&document);
        let folder = folder.parent().expect("a file is in a folder");
        for link in text
            .split("](")
            .skip(1)
            .filter_map(|rest| rest.split(')').next())
        {
            if link.starts_with("https://") {
                continue;
            }
            let (file, heading) = link.split_once('#').unwrap_or((link, ""));
            let target = match file {
                "" => text.clone(),
                file => fs::read_to_string(folder.join(file))
                    .unwrap_or_else(|_| panic!("{document} links to {link}")),
            };
            let has_heading = target.lines().any(|line| {
                let title = line.trim_start_matches('#');
                line.starts_with('#') && title.trim().to_lowercase().replace(' ', "-") == heading
            });
            assert!(heading.is_empty() || has_heading, "{document}: {link}");
            links += 1;
        }
    }
    assert!(links > 20, "{links}");
}

#[test]
fn the_tables_of_codes_match_the_program() {
    let schema = schema::sdl();
    let errors = text_of("docs/ERRORS.md");
    let source = text_of("src/error.rs");
    let codes: BTreeSet<&str> = source
        .lines()
        .filter_map(|line| {
            line.trim()
                .strip_prefix("ErrorCode::")?
                .split_once(" => \"")
        })
        .filter_map(|(_, code)| code.split('"').next())
        .collect();
    assert!(codes.contains("INTERNAL"), "{codes:?}");
    let documented = first_column(section(&errors, "## Codes in `errors`"));
    assert_eq!(documented.into_iter().collect::<BTreeSet<_>>(), codes);

    for (heading, name) in [
        ("## `vendorCode`", "VendorErrorCode"),
        ("## Lists over both vendors", "SourceState"),
        ("## `userErrors`", "UserErrorCode"),
    ] {
        let (_, definition) = schema
            .split_once(&format!("enum {name} {{\n"))
            .expect("the schema has this enum");
        let values = definition.split('}').next().expect("a text has a start");
        let values: BTreeSet<&str> = values
            .lines()
            .map(str::trim)
            .filter(|line| !line.is_empty() && !line.starts_with('"'))
            .collect();
        let documented: BTreeSet<&str> = first_column(section(&errors, heading))
            .into_iter()
            .collect();
        assert_eq!(documented, values, "{name}");
    }
}

#[test]
fn the_readme_is_short() {
    let lines = readme().lines().count();
    assert!(lines <= 250, "{lines} lines: the rest belongs to docs/");
}

#[test]
fn the_license_matches_the_manifest_and_its_texts_exist() {
    let manifest = text_of("Cargo.toml");
    let readme = readme();
    let license = section(&readme, "## License").trim();
    assert!(
        manifest.contains(&format!("license = \"{license}\"")),
        "{license}"
    );
    assert!(text_of("LICENSE-MIT").contains("the deskgraph authors"));
    assert!(text_of("LICENSE-APACHE").contains("Version 2.0, January 2004"));
}
