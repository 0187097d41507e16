//! The README keeps its word: its tables, its first query, its commands and its paths are as the project is.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::{Path, PathBuf},
};

use deskgraph::{
    config::{Config, settings_table},
    http::auth::AuthSettings,
    sandbox::SandboxOptions,
};
use serde_json::Value;

use crate::harness::{Desk, Wishes};

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).to_owned()
}

fn readme() -> String {
    fs::read_to_string(root().join("README.md")).expect("there is a README")
}

/// The text from this heading to the next of its rank.
fn section<'a>(readme: &'a str, heading: &str) -> &'a str {
    let marked = format!("\n{heading}\n");
    let (_, text) = readme
        .split_once(&marked)
        .unwrap_or_else(|| panic!("the README has no {heading}"));
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

/// What stands in the first column of a table's rows, without its marks.
fn first_column(text: &str) -> Vec<&str> {
    text.lines()
        .filter_map(|line| line.strip_prefix("| `"))
        .filter_map(|line| line.split('`').next())
        .collect()
}

#[test]
fn the_table_of_settings_is_the_programs_own() {
    let table = settings_table();
    assert!(
        readme().contains(&table),
        "the README lacks this table:\n{table}"
    );
}

#[test]
fn every_dependency_has_its_reason_and_no_other_is_named() {
    let manifest = fs::read_to_string(root().join("Cargo.toml")).expect("there is a manifest");
    let mut in_dependencies = false;
    let mut declared = BTreeSet::new();
    for line in manifest.lines() {
        if line.starts_with('[') {
            in_dependencies = matches!(line, "[dependencies]" | "[dev-dependencies]");
        } else if in_dependencies && let Some((name, _)) = line.split_once(" = ") {
            declared.insert(name);
        }
    }
    assert!(declared.len() > 20, "{declared:?}");

    let readme = readme();
    let section = section(&readme, "## Dependencies");
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
fn the_map_of_the_source_names_every_module_and_folder() {
    let mut there = BTreeSet::new();
    list_modules(&root().join("src"), "src", &mut there);

    let readme = readme();
    let named = first_column(section(&readme, "## The source"));
    let named: BTreeSet<String> = named.into_iter().map(str::to_owned).collect();
    assert_eq!(named, there);
}

/// The files of the crate's root, and every folder.
fn list_modules(folder: &Path, name: &str, found: &mut BTreeSet<String>) {
    for entry in fs::read_dir(folder).expect("a source folder is readable") {
        let path = entry.expect("a folder's entry is readable").path();
        let file = path
            .file_name()
            .expect("an entry has a name")
            .to_string_lossy()
            .into_owned();
        if path.is_dir() {
            let name = format!("{name}/{file}");
            list_modules(&path, &name, found);
            found.insert(format!("{name}/"));
        } else if name == "src" {
            found.insert(format!("{name}/{file}"));
        }
    }
}

#[tokio::test]
async fn the_first_query_gives_the_answer_that_is_printed() {
    let desk = Desk::open_with(Wishes {
        sandbox: SandboxOptions {
            now: Some(
                "2026-03-10T07:30:00Z"
                    .parse()
                    .expect("the constant is a timestamp"),
            ),
            ..SandboxOptions::default()
        },
        ..Wishes::default()
    })
    .await;
    let readme = readme();
    let first = section(&readme, "### A first query");
    let query = blocks(first, "graphql")[0];
    let printed = blocks(first, "json")[0];

    let data = desk.ask(query).await;

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
    let asks = commands.iter().find(|command| command.starts_with("curl "));
    let asks = asks.expect("a command asks the gateway");
    assert!(
        asks.contains(&format!("{{\"query\":\"{in_one_line}\"}}")),
        "{asks}"
    );
}

#[test]
fn the_file_of_settings_is_one_that_is_read() {
    let readme = readme();
    let section = section(&readme, "## Run it over your vendors");
    let file = blocks(section, "toml")[0];
    let mut variables = BTreeMap::new();
    for command in blocks(section, "sh") {
        for line in command
            .lines()
            .filter_map(|line| line.strip_prefix("export "))
        {
            let (name, value) = line.split_once('=').expect("a variable is given a value");
            // As in a shell, what is set later goes over what was set before.
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
async fn every_command_exists() {
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
    assert_eq!(commands.len(), 5, "{help}");

    let readme = readme();
    let table = first_column(section(&readme, "## Commands"));
    let listed: BTreeSet<&str> = table
        .iter()
        .filter_map(|row| row.split(' ').nth(1))
        .collect();
    assert_eq!(listed, commands);

    for line in blocks(&readme, "sh").into_iter().flat_map(str::lines) {
        let words: Vec<&str> = line.split(' ').collect();
        match words.as_slice() {
            ["cargo", "run", "--release", "--", command, ..]
            | ["target/release/deskgraph", command, ..] => {
                assert!(commands.contains(command), "{line}")
            }
            ["cargo", "build", "--release"] | ["curl" | "export", ..] => {}
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
            [script] => assert!(root().join(script).is_file(), "{line}"),
            _ => panic!("nobody checks `{line}`"),
        }
    }
}

#[test]
fn every_path_and_variable_exists() {
    let readme = readme();
    let mut prose = String::new();
    for (number, part) in readme.split("```").enumerate() {
        if number % 2 == 0 {
            prose.push_str(part);
        }
    }
    let marked: Vec<&str> = prose.split('`').skip(1).step_by(2).collect();

    let is_path = |text: &&&str| {
        [
            "src/",
            "tests/",
            "examples/",
            "scripts/",
            "playground/",
            "./scripts/",
            ".ci/",
        ]
        .iter()
        .any(|start| text.starts_with(start))
            || **text == "schema.graphql"
    };
    let paths: Vec<&&str> = marked.iter().filter(is_path).collect();
    assert!(paths.len() > 15, "{paths:?}");
    for path in paths {
        assert!(root().join(path).exists(), "{path}");
    }

    let table = settings_table();
    let sections = ["FIRSTLINE__", "BANGWO8__", "LIMITS__", "CACHE__", "AUTH__"];
    for name in marked {
        let name = name.trim_start_matches("DESKGRAPH_");
        if sections.iter().any(|section| name.starts_with(section)) {
            assert!(table.contains(&format!("| `DESKGRAPH_{name}` |")), "{name}");
        }
    }
}

/// The cells of the table's rows of which the first begins so.
fn rows<'a>(text: &'a str, start: &str) -> Vec<Vec<&'a str>> {
    text.lines()
        .filter_map(|line| line.strip_prefix("| ")?.strip_suffix(" |"))
        .filter(|row| row.starts_with(start))
        .map(|row| row.split(" | ").collect())
        .collect()
}

#[test]
fn the_benchmarks_figures_are_of_every_scenario_and_a_named_machine() {
    let readme = readme();
    let section = section(&readme, "## How fast it is");
    let (_, rest) = section
        .split_once("<!-- The benchmark writes from here -->")
        .expect("there is the first mark");
    let (figures, after) = rest
        .split_once("<!-- to here -->")
        .expect("there is the second mark");

    let machine = figures
        .lines()
        .find_map(|line| line.strip_prefix("Measured on ")?.split(',').next());
    let (threads, name) = machine
        .and_then(|machine| machine.split_once(" threads of "))
        .expect("the machine is named");
    assert!(threads.parse::<usize>().is_ok() && !name.is_empty());

    for scenario in 1..=6 {
        let rows = rows(figures, &format!("{scenario}: "));
        for clients in ["1", "16", "100"] {
            let rows: Vec<_> = rows.iter().filter(|row| row[1] == clients).collect();
            let [row] = rows[..] else {
                panic!("scenario {scenario} has {} rows of {clients}", rows.len());
            };
            let figures: Vec<f64> = row[1..]
                .iter()
                .filter_map(|cell| cell.parse().ok())
                .collect();
            assert_eq!(figures.len(), 8, "{row:?}");
            let (a_second, beside_baseline) = (figures[1], figures[7]);
            assert!(a_second > 0.0 && beside_baseline >= 0.0, "{row:?}");
        }
    }
    for records in ["10 records", "100 records", "1000 records"] {
        let walks = rows(figures, "a page walk");
        assert!(walks.iter().any(|row| row[1] == records), "{records}");
    }
    for threads in ["1", "2"] {
        let with_threads = rows(
            figures,
            &format!("scenario 3, gateway's threads: {threads}"),
        );
        for clients in ["1 client", "10 clients", "100 clients", "1000 clients"] {
            let is_there = with_threads.iter().any(|row| row[1] == clients);
            assert!(is_there, "{threads} threads, {clients}");
        }
    }

    let verdicts: Vec<&str> = figures
        .lines()
        .filter_map(|line| line.strip_suffix(" |")?.rsplit(" | ").next())
        .filter(|verdict| matches!(*verdict, "yes" | "no"))
        .collect();
    assert!(verdicts.len() > 15, "{verdicts:?}");
    let explained = after.lines().any(|line| {
        let line = line.trim();
        !line.is_empty() && !line.starts_with("<!--")
    });
    assert!(
        explained || !verdicts.contains(&"no"),
        "an aim is not met, and nobody says what was tried"
    );
}

#[test]
fn the_license_is_the_manifests() {
    let manifest = fs::read_to_string(root().join("Cargo.toml")).expect("there is a manifest");
    let readme = readme();
    let license = section(&readme, "## License").trim();
    assert!(
        manifest.contains(&format!("license = \"{license}\"")),
        "{license}"
    );
}
