use std::{ffi::OsString, num::NonZeroU32};

use super::{Config, ConfigError, settings::SETTINGS, settings_table};
use crate::{
    domain::ListOrder,
    http::{GraphiqlPage, auth::AuthSettings},
    repository::CacheMode,
    schema::Introspection,
    telemetry::LogFormat,
    upstream::{
        bangwo8::Bangwo8Credentials,
        firstline::{ArrayStyle, EndBound, FirstLineCredentials, UpdateMethod},
    },
};
use secrecy::ExposeSecret;

pub(super) const SECRET: &str = "s3cr3t-value";

pub(super) fn variables(pairs: &[(&str, &str)]) -> Vec<(OsString, OsString)> {
    pairs
        .iter()
        .map(|(name, value)| (OsString::from(name), OsString::from(value)))
        .collect()
}

pub(super) fn from_environment(pairs: &[(&str, &str)]) -> Result<Config, ConfigError> {
    Config::from_sources(None, variables(pairs))
}

/// The one line of a error.
pub(super) fn error_of(file: Option<&str>, pairs: &[(&str, &str)]) -> String {
    let line = match Config::from_sources(file, variables(pairs)) {
        Ok(config) => match config.require_vendor() {
            Ok(()) => panic!("the settings were taken"),
            Err(error) => error.to_string(),
        },
        Err(error) => error.to_string(),
    };
    assert!(!line.contains('\n'), "{line}");
    assert!(!line.contains(SECRET), "{line}");
    line
}

#[track_caller]
pub(super) fn assert_rejected(pairs: &[(&str, &str)], parts: &[&str]) {
    let line = error_of(None, pairs);
    for part in parts {
        assert!(line.contains(part), "{part:?} is not in {line:?}");
    }
}

#[track_caller]
pub(super) fn assert_file_rejected(file: &str, parts: &[&str]) {
    let line = error_of(Some(file), &[]);
    for part in parts {
        assert!(line.contains(part), "{part:?} is not in {line:?}");
    }
}

#[test]
fn defaults_are_as_the_table_says() {
    let config = from_environment(&[]).expect("the defaults are right");

    assert_eq!(config.listen.to_string(), "127.0.0.1:4000");
    assert_eq!(config.log.format, LogFormat::Text);
    assert!(config.log.filter.is_none());
    assert_eq!(config.http.graphiql, GraphiqlPage::Served);
    assert_eq!(config.engine.request_timeout.as_millis(), 30_000);
    assert_eq!(config.engine.document.max_complexity, 20_000);
    assert_eq!(config.schema.introspection, Introspection::Enabled);
    assert_eq!(config.cache.mode, CacheMode::Enabled);
    assert_eq!(config.cache.max_bytes, 268_435_456);
    assert_eq!(config.limits.max_page_size, 100);
    assert!(config.firstline.is_none());
    assert!(config.bangwo8.is_none());
}

#[test]
fn the_environment_overrides_the_file_and_the_file_the_defaults() {
    let file = "
        listen = '127.0.0.1:4001'
        log.format = 'json'

        [cache]
        enabled = false
        list_ttl_ms = 7
        entity_ttl_ms = 8
    ";
    let config = Config::from_sources(
        Some(file),
        variables(&[
            ("deskgraph_Listen", "[::1]:4002"),
            ("DESKGRAPH_CACHE__LIST_TTL_MS", " 9 "),
        ]),
    )
    .expect("the settings are right");

    assert_eq!(config.listen.to_string(), "[::1]:4002");
    assert_eq!(config.log.format, LogFormat::Json);
    assert_eq!(config.cache.mode, CacheMode::Disabled);
    assert_eq!(config.cache.list_ttl.as_millis(), 9);
    assert_eq!(config.cache.entity_ttl.as_millis(), 8);
    assert_eq!(config.cache.directory_ttl.as_millis(), 300_000);
}

#[test]
fn both_vendors_are_read() {
    let file = "
        [firstline]
        base_url = 'https://firstline.example/prefix/'
        username = 'gateway'
        password = '007'
        update_method = 'post_override'
        array_style = 'comma'
        created_end = 'exclusive'
        list_order = 'oldest_first'
        max_retries = 0
    ";
    let config = Config::from_sources(
        Some(file),
        variables(&[
            ("DESKGRAPH_BANGWO8__BASE_URL", "http://[::1]:8080"),
            ("DESKGRAPH_BANGWO8__CLIENT_ID", "id"),
            ("DESKGRAPH_BANGWO8__CLIENT_SECRET", "true"),
            ("DESKGRAPH_BANGWO8__TIME_ZONE", "Asia/Tokyo"),
        ]),
    )
    .expect("the settings are right");

    let firstline = config.firstline.expect("FirstLine is configured");
    assert_eq!(
        firstline.client.base_url,
        "https://firstline.example/prefix/"
    );
    assert_eq!(firstline.client.max_retries, 0);
    assert_eq!(firstline.update_method, UpdateMethod::PostOverride);
    assert_eq!(firstline.array_style, ArrayStyle::Comma);
    assert_eq!(firstline.created_end, EndBound::Exclusive);
    assert_eq!(firstline.list_order, Some(ListOrder::OldestFirst));
    match firstline.credentials {
        FirstLineCredentials::Login { password, .. } => {
            assert_eq!(password.expose_secret(), "007");
        }
        FirstLineCredentials::Token(_) => panic!("a login was set"),
    }

    let bangwo8 = config.bangwo8.expect("Bangwo8 is configured");
    assert_eq!(bangwo8.find_max_calls, 10);
    assert_eq!(bangwo8.list_order, None);
    match bangwo8.credentials {
        Bangwo8Credentials::ClientCredentials { client_secret, .. } => {
            assert_eq!(client_secret.expose_secret(), "true");
        }
        Bangwo8Credentials::Basic { .. } => panic!("client credentials were set"),
    }
}

#[test]
fn empty_variables_and_those_of_other_programs_are_ignored() {
    let config = from_environment(&[
        ("DESKGRAPH_LISTEN", ""),
        ("DESKGRAPH_FIRSTLINE__BASE_URL", ""),
        ("PATH", "/bin"),
    ]);

    assert!(config.is_ok_and(|config| config.firstline.is_none()));
}

#[test]
fn an_unknown_variable_is_rejected_with_the_nearest_name() {
    assert_rejected(
        &[("DESKGRAPH_FIRSTLINE__BASEURL", SECRET)],
        &[
            "DESKGRAPH_FIRSTLINE__BASEURL",
            "DESKGRAPH_FIRSTLINE__BASE_URL",
        ],
    );
    assert_rejected(
        &[("DESKGRAPH_LIMITS_MAX_DEPTH", "3")],
        &["DESKGRAPH_LIMITS_MAX_DEPTH", "DESKGRAPH_LIMITS__MAX_DEPTH"],
    );
    assert_rejected(&[("DESKGRAPH_A\nB", "3")], &["DESKGRAPH_A?B"]);
}

#[test]
fn a_variable_that_is_set_in_two_letter_cases_is_rejected() {
    assert_rejected(
        &[
            ("DESKGRAPH_LISTEN", "127.0.0.1:1"),
            ("deskgraph_listen", "127.0.0.1:2"),
        ],
        &["DESKGRAPH_LISTEN", "twice"],
    );
}

#[test]
fn an_unknown_key_of_the_file_is_rejected_with_the_nearest_name() {
    assert_file_rejected(
        "[firstline]\ntokn = 's3cr3t-value'",
        &["firstline.tokn", "firstline.token"],
    );
    assert_file_rejected(
        "[firstlin]\ntoken = 's3cr3t-value'",
        &["firstlin in the file"],
    );
    assert_file_rejected("cache = true", &["cache", "table"]);
}

#[test]
fn invalid_toml_is_rejected_by_its_place_alone() {
    assert_file_rejected("[firstline]\ntoken = s3cr3t-value", &["not TOML", "line 2"]);
}

#[test]
fn an_invalid_value_is_rejected() {
    for (name, value, expected) in [
        ("DESKGRAPH_LISTEN", "4000", "IP address"),
        ("DESKGRAPH_LISTEN", "localhost", "IP address"),
        ("DESKGRAPH_LIMITS__MAX_DEPTH", "0", "from 1 to 30"),
        ("DESKGRAPH_LIMITS__MAX_DEPTH", "-1", "from 1 to 30"),
        ("DESKGRAPH_LIMITS__MAX_DEPTH", "ten", "from 1 to 30"),
        ("DESKGRAPH_LIMITS__MAX_DEPTH", "1.5", "from 1 to 30"),
        (
            "DESKGRAPH_FIRSTLINE__LIST_PAGE_SIZE",
            "501",
            "from 1 to 500",
        ),
        ("DESKGRAPH_CACHE__ENABLED", "yes", "true or false"),
        ("DESKGRAPH_LOG__FORMAT", "xml", "`text` or `json`"),
        (
            "DESKGRAPH_FIRSTLINE__UPDATE_METHOD",
            "patch",
            "`auto`, `put` or `post_override`",
        ),
        ("DESKGRAPH_BANGWO8__TIME_ZONE", "Asia/Atlantis", "time zone"),
        ("DESKGRAPH_BANGWO8__LIST_ORDER", "newest", "newest_first"),
        (
            "DESKGRAPH_FIRSTLINE__TOKEN",
            "s3cr3t-value\n",
            "control characters",
        ),
        (
            "DESKGRAPH_AUTH__MODE",
            "basic",
            "`none`, `api_key` or `jwt`",
        ),
    ] {
        assert_rejected(&[(name, value)], &[name, "must be", expected]);
    }
}

#[test]
fn a_value_of_the_file_is_rejected_by_both_names() {
    assert_file_rejected(
        "limits.max_depth = 99",
        &[
            "DESKGRAPH_LIMITS__MAX_DEPTH",
            "limits.max_depth in the file",
            "from 1 to 30",
        ],
    );
    assert_file_rejected("[firstline]\npassword = 7", &["firstline.password", "text"]);
    assert_file_rejected("cache.enabled = 1", &["cache.enabled", "true or false"]);
}

#[test]
fn a_base_url_is_an_address_and_nothing_more() {
    for url in [
        "firstline.example",
        "ftp://firstline.example",
        "https://",
        "https://user:s3cr3t-value@firstline.example",
        "https://firstline.example/?token=s3cr3t-value",
        "https://firstline.example/#part",
        "https://firstline.example:0",
        "https://firstline.example:99999",
        "https://[::1",
        "https://first line.example",
    ] {
        assert_rejected(
            &[("DESKGRAPH_FIRSTLINE__BASE_URL", url)],
            &["DESKGRAPH_FIRSTLINE__BASE_URL", "http or https"],
        );
    }
}

#[test]
fn a_vendor_needs_complete_credentials_of_one_kind() {
    let firstline = ("DESKGRAPH_FIRSTLINE__BASE_URL", "https://firstline.example");
    let bangwo8 = ("DESKGRAPH_BANGWO8__BASE_URL", "https://bangwo8.example");

    assert_rejected(&[firstline], &["FIRSTLINE__TOKEN", "FIRSTLINE__USERNAME"]);
    assert_rejected(
        &[firstline, ("DESKGRAPH_FIRSTLINE__USERNAME", "a")],
        &["USERNAME needs DESKGRAPH_FIRSTLINE__PASSWORD"],
    );
    assert_rejected(
        &[firstline, ("DESKGRAPH_FIRSTLINE__PASSWORD", SECRET)],
        &["PASSWORD needs DESKGRAPH_FIRSTLINE__USERNAME"],
    );
    assert_rejected(
        &[
            firstline,
            ("DESKGRAPH_FIRSTLINE__TOKEN", SECRET),
            ("DESKGRAPH_FIRSTLINE__USERNAME", "a"),
        ],
        &["DESKGRAPH_FIRSTLINE__TOKEN", "two kinds"],
    );
    assert_rejected(&[bangwo8], &["BANGWO8__ACCOUNT", "BANGWO8__CLIENT_ID"]);
    assert_rejected(
        &[bangwo8, ("DESKGRAPH_BANGWO8__ACCOUNT", "a")],
        &["ACCOUNT needs DESKGRAPH_BANGWO8__PASSWORD"],
    );
    assert_rejected(
        &[bangwo8, ("DESKGRAPH_BANGWO8__PASSWORD", SECRET)],
        &["PASSWORD needs DESKGRAPH_BANGWO8__ACCOUNT"],
    );
    assert_rejected(
        &[bangwo8, ("DESKGRAPH_BANGWO8__CLIENT_ID", "a")],
        &["CLIENT_ID needs DESKGRAPH_BANGWO8__CLIENT_SECRET"],
    );
    assert_rejected(
        &[bangwo8, ("DESKGRAPH_BANGWO8__CLIENT_SECRET", SECRET)],
        &["CLIENT_SECRET needs DESKGRAPH_BANGWO8__CLIENT_ID"],
    );
    assert_rejected(
        &[
            bangwo8,
            ("DESKGRAPH_BANGWO8__ACCOUNT", "a"),
            ("DESKGRAPH_BANGWO8__PASSWORD", SECRET),
            ("DESKGRAPH_BANGWO8__CLIENT_ID", "a"),
        ],
        &["two kinds"],
    );
}

#[test]
fn serving_no_vendor_is_rejected() {
    assert_rejected(
        &[],
        &[
            "DESKGRAPH_FIRSTLINE__BASE_URL",
            "DESKGRAPH_BANGWO8__BASE_URL",
        ],
    );
}

#[test]
fn without_authentication_the_gateway_listens_on_loopback_alone() {
    for address in [
        "0.0.0.0:4000",
        "[::]:4000",
        "192.168.0.1:4000",
        "[::ffff:192.168.0.1]:4000",
        "[::ffff:0.0.0.0]:4000",
        "[fe80::1]:4000",
    ] {
        assert_rejected(
            &[("DESKGRAPH_LISTEN", address)],
            &["DESKGRAPH_AUTH__MODE", "DESKGRAPH_LISTEN", "loopback"],
        );
    }
    for address in ["127.1.2.3:4000", "[::1]:4000", "[::ffff:127.0.0.1]:4000"] {
        assert!(from_environment(&[("DESKGRAPH_LISTEN", address)]).is_ok());
    }
}

#[test]
fn api_keys_are_read_from_json_and_from_the_file() {
    let json = r#"[{"name": "a", "key": "a-long-random-key", "scopes": ["read", "pii"]}]"#;
    let file = "
        listen = '0.0.0.0:4000'
        [auth]
        mode = 'api_key'
        [[auth.api_keys]]
        name = 'b'
        sha256 = '2c26b46b68ffc68ff99b453c1d30413413422d706483bfa0f98a5e886266e7ae'
        scopes = ['write']
    ";

    let named = |config: Result<Config, ConfigError>| match config.map(|config| config.http.auth) {
        Ok(AuthSettings::ApiKeys(keys)) => keys.into_iter().map(|key| key.name).collect(),
        _ => Vec::new(),
    };
    assert_eq!(named(Config::from_sources(Some(file), [])), ["b"]);
    let over = variables(&[("DESKGRAPH_AUTH__API_KEYS", json)]);
    assert_eq!(named(Config::from_sources(Some(file), over)), ["a"]);
    let shortest = json.replace("a-long-random-key", "16-characters-ok");
    let over = variables(&[("DESKGRAPH_AUTH__API_KEYS", &shortest)]);
    assert_eq!(named(Config::from_sources(Some(file), over)), ["a"]);
}

#[test]
fn an_invalid_api_key_is_rejected_by_its_entry() {
    let digest = "f".repeat(64);
    // Of the value itself.
    let its_digest = "f0a8ed5ab15b0b5a731303a0045ff51c30abb25c3aad0b1011a79b7cb9aadb31";
    for (keys, expected) in [
        (r#"{"name": "s3cr3t-value"}"#.to_owned(), "JSON array"),
        ("[s3cr3t-value".to_owned(), "JSON array"),
        (r#"["s3cr3t-value"]"#.to_owned(), "entry 1 must be an object"),
        (
            r#"[{"name": "a", "key": "s3cr3t-value-0001", "scopes": ["read"], "role": 1}]"#.to_owned(),
            "no other fields",
        ),
        (
            r#"[{"name": "a", "key": "s3cr3t-value-0001", "scopes": ["admin"]}]"#.to_owned(),
            "no other scopes",
        ),
        (r#"[{"name": "a", "key": "s3cr3t-value-0001", "scopes": []}]"#.to_owned(), "at least one scope"),
        (r#"[{"name": "a", "key": "s3cr3t-value-0001"}]"#.to_owned(), "at least one scope"),
        (r#"[{"name": "", "key": "s3cr3t-value-0001", "scopes": ["read"]}]"#.to_owned(), "name"),
        (r#"[{"key": "s3cr3t-value-0001", "scopes": ["read"]}]"#.to_owned(), "name"),
        (r#"[{"name": "a", "scopes": ["read"]}]"#.to_owned(), "exactly one"),
        (r#"[{"name": "a", "key": "", "scopes": ["read"]}]"#.to_owned(), "visible ASCII"),
        (r#"[{"name": "a", "key": "15-s3cr3t-value", "scopes": ["read"]}]"#.to_owned(), "at least 16"),
        (r#"[{"name": "a", "key": "16 s3cr3t-values", "scopes": ["read"]}]"#.to_owned(), "visible ASCII"),
        (r#"[{"name": "a", "sha256": "s3cr3t-value", "scopes": ["read"]}]"#.to_owned(), "64"),
        (
            format!(r#"[{{"name": "a", "key": "s3cr3t-value-0001", "sha256": "{digest}", "scopes": ["read"]}}]"#),
            "exactly one",
        ),
        (
            r#"[{"name": "a", "key": "another-random-key", "scopes": ["read"]}, {"name": "a", "key": "s3cr3t-value-0001", "scopes": ["read"]}]"#
                .to_owned(),
            "entry 2 must have a name of its own",
        ),
        (
            r#"[{"name": "a", "key": "s3cr3t-value-0001", "scopes": ["read"]}, {"name": "b", "key": "s3cr3t-value-0001", "scopes": ["write"]}]"#
                .to_owned(),
            "entry 2 must have a key of its own",
        ),
        (
            format!(r#"[{{"name": "a", "key": "s3cr3t-value-0001", "scopes": ["read"]}}, {{"name": "b", "sha256": "{its_digest}", "scopes": ["read"]}}]"#),
            "entry 2 must have a key of its own",
        ),
    ] {
        assert_rejected(
            &[("DESKGRAPH_AUTH__API_KEYS", &keys)],
            &["DESKGRAPH_AUTH__API_KEYS", expected],
        );
    }
}

#[test]
fn a_mode_needs_its_settings() {
    assert_rejected(
        &[("DESKGRAPH_AUTH__MODE", "api_key")],
        &["DESKGRAPH_AUTH__MODE", "DESKGRAPH_AUTH__API_KEYS"],
    );
    assert_rejected(
        &[
            ("DESKGRAPH_AUTH__MODE", "api_key"),
            ("DESKGRAPH_AUTH__API_KEYS", "[]"),
        ],
        &["DESKGRAPH_AUTH__API_KEYS"],
    );

    let mut given = vec![("DESKGRAPH_AUTH__MODE", "jwt")];
    for (name, value) in [
        ("DESKGRAPH_AUTH__JWKS_URL", "https://issuer.example/keys"),
        ("DESKGRAPH_AUTH__ISSUER", "https://issuer.example"),
        ("DESKGRAPH_AUTH__AUDIENCE", "deskgraph"),
    ] {
        assert_rejected(&given, &["DESKGRAPH_AUTH__MODE", name]);
        given.push((name, value));
    }
    // Whoever bears a token is known, wherever they come from.
    given.push(("DESKGRAPH_LISTEN", "0.0.0.0:4000"));
    match from_environment(&given).map(|config| config.http.auth) {
        Ok(AuthSettings::Tokens(tokens)) => {
            assert_eq!(tokens.jwks_url, "https://issuer.example/keys");
            assert_eq!(tokens.issuer, "https://issuer.example");
            assert_eq!(tokens.audience, "deskgraph");
        }
        _ => panic!("tokens were set"),
    }
}

#[test]
fn the_jwks_url_needs_tls_or_loopback() {
    let jwks_url = "DESKGRAPH_AUTH__JWKS_URL";
    for url in [
        "https://issuer.example/keys",
        "http://127.0.0.1:8080/keys",
        "http://[::1]/keys",
        "http://localhost:8080/keys",
    ] {
        assert!(from_environment(&[(jwks_url, url)]).is_ok(), "{url}");
    }
    for url in [
        "http://issuer.example/keys",
        "http://10.0.0.1/keys",
        "http://localhost.example/keys",
        "http://127.0.0.1.example/keys",
        "file:///keys",
    ] {
        assert_rejected(&[(jwks_url, url)], &[jwks_url, "must be an https address"]);
    }
}

#[test]
fn origins_are_read_from_json_from_text_and_from_the_file() {
    let origins =
        |config: Result<Config, ConfigError>| config.map(|config| config.http.cors_origins);
    let both = ["https://desk.example", "http://localhost:3000"].map(str::to_owned);

    let name = "DESKGRAPH_CORS__ORIGINS";
    let text = "https://desk.example, http://localhost:3000";
    assert_eq!(
        origins(from_environment(&[(name, text)])),
        Ok(both.to_vec())
    );
    let json = r#"["https://desk.example", "http://localhost:3000"]"#;
    assert_eq!(
        origins(from_environment(&[(name, json)])),
        Ok(both.to_vec())
    );
    let file = format!("cors.origins = {json}");
    assert_eq!(
        origins(Config::from_sources(Some(&file), [])),
        Ok(both.to_vec())
    );
    assert_eq!(origins(from_environment(&[])), Ok(Vec::new()));
}

#[test]
fn an_origin_that_browsers_do_not_send_is_rejected() {
    let name = "DESKGRAPH_CORS__ORIGINS";
    for origins in [
        "*",
        "null",
        "https://*.example",
        "desk.example",
        "https://desk.example/",
        "https://desk.example/path",
        "https://desk.example:443",
        "http://desk.example:80",
        "https://Desk.example",
        "HTTPS://desk.example",
        "https://s3cr3t-value@desk.example",
        "https://desk.example https://other.example",
        "https://desk.example,",
        "[\"https://desk.example\"",
        "[7]",
        "file://",
    ] {
        assert_rejected(&[(name, origins)], &[name, "must be origins"]);
    }
    assert_file_rejected("cors.origins = 7", &[name, "must be origins"]);
}

#[test]
fn host_names_are_lowercased_and_anything_else_is_rejected() {
    let name = "DESKGRAPH_AUTH__ALLOWED_HOSTS";
    let hosts = |text: &str| {
        let config = from_environment(&[(name, text)]);
        config.map(|config| config.http.allowed_hosts)
    };
    let both = ["desk.example", "gateway"].map(str::to_owned);
    assert_eq!(hosts("Desk.example, gateway"), Ok(both.to_vec()));
    assert_eq!(hosts(r#"["desk.example", "gateway"]"#), Ok(both.to_vec()));
    assert_eq!(hosts(""), Ok(Vec::new()));

    for wrong in [
        "*",
        "*.desk.example",
        ".desk.example",
        "desk..example",
        "desk.example:4000",
        "https://desk.example",
        "desk.example/",
        "desk.example,",
        "[7]",
    ] {
        assert_rejected(&[(name, wrong)], &[name, "must be names of hosts"]);
    }
}

#[test]
fn no_limit_of_requests_is_set_by_default() {
    let name = "DESKGRAPH_LIMITS__REQUESTS_PER_MINUTE";
    let limit = |pairs: &[(&str, &str)]| {
        let config = from_environment(pairs).expect("the settings are right");
        config.http.requests_per_minute.map(NonZeroU32::get)
    };

    assert_eq!(limit(&[]), None);
    assert_eq!(limit(&[(name, "0")]), None);
    assert_eq!(limit(&[(name, "1")]), Some(1));
    assert_eq!(limit(&[(name, "1000000")]), Some(1_000_000));
    assert_rejected(&[(name, "1000001")], &[name, "from 0 to 1000000"]);
}

#[test]
fn every_default_is_valid() {
    assert!(from_environment(&[]).is_ok());

    for setting in SETTINGS {
        let default = setting.default.unwrap_or_default();
        let variable = setting.variable();
        assert!(
            from_environment(&[(&variable, default)]).is_ok(),
            "{variable}"
        );
    }
}

#[test]
fn every_setting_is_read() {
    // A control character is in nothing's bounds, so that a setting which nobody reads is found.
    for setting in SETTINGS {
        assert_rejected(
            &[(&setting.variable(), "\u{1}")],
            &[&setting.variable(), "must be"],
        );
    }
}

#[test]
fn the_table_has_a_line_for_every_setting() {
    let table = settings_table();

    assert_eq!(table.lines().count(), SETTINGS.len() + 2);
    assert!(table.contains("| `DESKGRAPH_LISTEN` | `127.0.0.1:4000` |"));
    for line in table.lines().skip(2) {
        assert_eq!(line.matches(" | ").count(), 2, "{line}");
    }
}

#[test]
fn variables_that_kubernetes_makes_for_services_are_ignored() {
    for name in [
        "SERVICE_HOST",
        "SERVICE_PORT",
        "SERVICE_PORT_HTTP",
        "PORT",
        "PORT_4000_TCP",
        "PORT_4000_TCP_ADDR",
        "VALKEY_SERVICE_HOST",
        "VALKEY_SERVICE_PORT_REDIS",
        "VALKEY_PORT",
        "VALKEY_PORT_6379_TCP_PROTO",
    ] {
        let variable = format!("DESKGRAPH_{name}");
        let config = from_environment(&[(variable.as_str(), "tcp://10.0.0.1:4000")]);
        assert!(config.is_ok(), "{name}");
    }
    for name in [
        "CACHE__PORT",
        "CACHE__PORT_1",
        "CACHE__SERVICE_HOST",
        "PORTAL",
        "SERVICE_NAME",
    ] {
        let variable = format!("DESKGRAPH_{name}");
        assert_rejected(
            &[(variable.as_str(), "1")],
            &[&variable, "is not a setting"],
        );
    }
}
