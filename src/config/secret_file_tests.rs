use std::{env, fs, path::PathBuf};

use secrecy::ExposeSecret;

use super::{
    Config,
    settings::SETTINGS,
    tests::{SECRET, assert_file_rejected, assert_rejected, error_of, from_environment, variables},
};
use crate::{http::auth::AuthSettings, upstream::firstline::FirstLineCredentials};

/// A file of the test's own, which is removed on drop.
struct SecretFile(PathBuf);

impl SecretFile {
    fn write(name: &str, content: impl AsRef<[u8]>) -> Self {
        let name = format!("deskgraph-{}-{name}", std::process::id());
        let path = env::temp_dir().join(name);
        fs::write(&path, content).expect("the folder for temporary files can be written to");
        Self(path)
    }

    fn path(&self) -> &str {
        self.0.to_str().expect("the folder is named in UTF-8")
    }
}

impl Drop for SecretFile {
    fn drop(&mut self) {
        // A file that remains is a temporary one.
        let _ = fs::remove_file(&self.0);
    }
}

fn firstline_password(config: Config) -> String {
    let firstline = config.firstline.expect("FirstLine is configured");
    match firstline.credentials {
        FirstLineCredentials::Login { password, .. } => password.expose_secret().to_owned(),
        FirstLineCredentials::Token(_) => panic!("a login was set"),
    }
}

const FIRSTLINE_LOGIN: &str = "
    [firstline]
    base_url = 'https://firstline.example'
    username = 'gateway'
";

#[test]
fn a_secret_comes_from_a_file_without_the_newline_at_its_end() {
    for (name, content, secret) in [
        ("plain", " a b ", " a b "),
        ("newline", "a b\n", "a b"),
        ("windows", "a b\r\n", "a b"),
    ] {
        let file = SecretFile::write(name, content);
        let by_variable = Config::from_sources(
            Some(FIRSTLINE_LOGIN),
            variables(&[("DESKGRAPH_FIRSTLINE__PASSWORD_FILE", file.path())]),
        );
        let password = firstline_password(by_variable.expect("the settings are right"));
        assert_eq!(password, secret);

        let settings = format!("{FIRSTLINE_LOGIN}password_file = '{}'", file.path());
        let by_file = Config::from_sources(Some(&settings), []);
        let password = firstline_password(by_file.expect("the settings are right"));
        assert_eq!(password, secret);
    }
}

#[test]
fn every_secret_setting_and_no_other_has_a_file() {
    let secrets: Vec<String> = SETTINGS
        .iter()
        .filter(|setting| setting.kind.is_secret())
        .map(|setting| setting.variable())
        .collect();
    let expected = [
        "PHOTOS__SIGNING_KEY",
        "FIRSTLINE__TOKEN",
        "FIRSTLINE__PASSWORD",
        "BANGWO8__PASSWORD",
        "BANGWO8__CLIENT_SECRET",
        "AUTH__API_KEYS",
    ];
    assert_eq!(secrets, expected.map(|name| format!("DESKGRAPH_{name}")));

    for setting in SETTINGS {
        let variable = setting.variable();
        let file = format!("{variable}_FILE");
        let missing = [(file.as_str(), "/nowhere/secret")];
        let rejected = Config::from_sources(None, variables(&missing));
        let line = rejected.err().expect("no file is there").to_string();
        if setting.kind.is_secret() {
            assert!(
                line.starts_with(&format!("{file} must be the path of a file")),
                "{line}"
            );
        } else {
            assert!(
                line.contains("only secrets") && line.contains(&variable),
                "{line}"
            );
        }
    }
    assert_file_rejected(
        "[firstline]\nusername_file = '/run/secrets/name'",
        &["firstline.username_file in the file", "only secrets"],
    );
}

#[test]
fn api_keys_come_from_a_file() {
    let keys = r#"[{"name": "desk", "key": "a-long-random-key", "scopes": ["read"]}]"#;
    let file = SecretFile::write("keys", format!("{keys}\n"));
    let config = from_environment(&[
        ("DESKGRAPH_AUTH__MODE", "api_key"),
        ("DESKGRAPH_AUTH__API_KEYS_FILE", file.path()),
    ]);
    match config.expect("the settings are right").http.auth {
        AuthSettings::ApiKeys(keys) => assert_eq!(keys[0].name, "desk"),
        _ => panic!("keys were set"),
    }

    for (name, content, part) in [
        (
            "no-json",
            SECRET.to_owned(),
            "must be the path of a file that holds a JSON array",
        ),
        ("no-scope", keys.replace("read", SECRET), "entry 1"),
    ] {
        let file = SecretFile::write(name, content);
        assert_rejected(
            &[("DESKGRAPH_AUTH__API_KEYS_FILE", file.path())],
            &["DESKGRAPH_AUTH__API_KEYS_FILE", part],
        );
    }
}

#[test]
fn a_secret_and_its_file_are_an_error_wherever_they_are_set() {
    let file = SecretFile::write("both", "a-password");
    let both = [
        "DESKGRAPH_FIRSTLINE__PASSWORD",
        "DESKGRAPH_FIRSTLINE__PASSWORD_FILE",
        "set one",
    ];
    assert_rejected(
        &[
            ("DESKGRAPH_FIRSTLINE__PASSWORD", SECRET),
            ("DESKGRAPH_FIRSTLINE__PASSWORD_FILE", file.path()),
        ],
        &both,
    );
    let in_the_file = format!("{FIRSTLINE_LOGIN}password = '{SECRET}'");
    let path = [("DESKGRAPH_FIRSTLINE__PASSWORD_FILE", file.path())];
    let line = error_of(Some(&in_the_file), &path);
    assert!(both.iter().all(|part| line.contains(part)), "{line}");
}

#[test]
fn the_file_of_a_secret_must_hold_a_line_of_text() {
    for (name, content) in [
        ("empty", b"".as_slice()),
        ("newline-only", b"\n"),
        ("two-lines", b"s3cr3t-value\n\n"),
        ("not-utf-8", b"\xff\xfe"),
    ] {
        let file = SecretFile::write(name, content);
        assert_rejected(
            &[("DESKGRAPH_FIRSTLINE__PASSWORD_FILE", file.path())],
            &["DESKGRAPH_FIRSTLINE__PASSWORD_FILE must be the path of a file"],
        );
    }
    // The secret itself, where its path belongs.
    assert_rejected(
        &[("DESKGRAPH_FIRSTLINE__PASSWORD_FILE", SECRET)],
        &["can be read"],
    );
    assert_file_rejected(
        "[firstline]\npassword_file = 7",
        &["DESKGRAPH_FIRSTLINE__PASSWORD_FILE (firstline.password_file in the file)"],
    );
}
