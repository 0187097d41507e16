//! A gateway over sandbox vendors, and how the tests call it.

use std::{ffi::OsString, future::Future, time::Duration};

use deskgraph::{
    Running, StartOptions, VendorChecks,
    config::Config,
    repository::CreateSettings,
    sandbox::{Sandbox, SandboxOptions, credentials},
    start_with,
};
use serde_json::{Value, json};
use tokio::time::{interval, timeout};

/// Each wait of a test is shorter than this.
const WAIT_LIMIT: Duration = Duration::from_secs(60);

/// Tests count the calls to the vendors, and decide themselves which is the first.
fn options_without_checks() -> StartOptions {
    StartOptions {
        vendor_checks: VendorChecks::None,
        ..StartOptions::default()
    }
}

/// Waits for this future, with a limit.
pub(crate) async fn in_time<T>(what: &str, awaited: impl Future<Output = T>) -> T {
    timeout(WAIT_LIMIT, awaited)
        .await
        .unwrap_or_else(|_| panic!("not in time: {what}"))
}

/// Waits, with a limit, until a condition that can only be polled holds, such as the state of a process.
pub(crate) async fn until(what: &str, mut holds: impl AsyncFnMut() -> bool) {
    in_time(what, async {
        let mut looks = interval(Duration::from_millis(5));
        while !holds().await {
            looks.tick().await;
        }
    })
    .await;
}

/// One gateway over its own two sandbox vendors.
pub(crate) struct Desk {
    pub(crate) sandbox: Sandbox,
    gateway: Running,
    client: reqwest::Client,
}

/// How a test's gateway and sandbox differ from the defaults.
#[derive(Default)]
pub(crate) struct DeskOptions {
    pub(crate) sandbox: SandboxOptions,
    /// Settings by their environment variable, without the prefix: `("LIMITS__MAX_BATCH", "2")`. An empty value unsets one.
    pub(crate) settings: Vec<(&'static str, String)>,
    pub(crate) creates: CreateSettings,
}

impl DeskOptions {
    pub(crate) fn set(mut self, setting: &'static str, value: impl ToString) -> Self {
        self.settings.push((setting, value.to_string()));
        self
    }

    /// Leaves a vendor unconfigured.
    pub(crate) fn without(self, vendor: &str) -> Self {
        match vendor {
            "FIRSTLINE" => self
                .set("FIRSTLINE__BASE_URL", "")
                .set("FIRSTLINE__USERNAME", "")
                .set("FIRSTLINE__PASSWORD", ""),
            _ => self
                .set("BANGWO8__BASE_URL", "")
                .set("BANGWO8__ACCOUNT", "")
                .set("BANGWO8__PASSWORD", ""),
        }
    }
}

impl Desk {
    pub(crate) async fn open() -> Self {
        Self::open_with(DeskOptions::default()).await
    }

    pub(crate) async fn open_with(options: DeskOptions) -> Self {
        let sandbox = Sandbox::start(options.sandbox)
            .await
            .expect("the sandbox finds free ports");
        let mut settings = vec![
            ("LISTEN", "127.0.0.1:0".to_owned()),
            ("FIRSTLINE__BASE_URL", sandbox.firstline_url()),
            (
                "FIRSTLINE__USERNAME",
                credentials::FIRSTLINE_USERNAME.to_owned(),
            ),
            (
                "FIRSTLINE__PASSWORD",
                credentials::FIRSTLINE_PASSWORD.to_owned(),
            ),
            ("BANGWO8__BASE_URL", sandbox.bangwo8_url()),
            ("BANGWO8__ACCOUNT", credentials::BANGWO8_ACCOUNT.to_owned()),
            (
                "BANGWO8__PASSWORD",
                credentials::BANGWO8_PASSWORD.to_owned(),
            ),
        ];
        for (name, value) in options.settings {
            settings.retain(|(known, _)| *known != name);
            settings.push((name, value));
        }
        let variables = settings
            .into_iter()
            .filter(|(_, value)| !value.is_empty())
            .map(|(name, value)| {
                (
                    OsString::from(format!("DESKGRAPH_{name}")),
                    OsString::from(value),
                )
            });

        let mut config =
            Config::from_sources(None, variables).expect("the test's settings are right");
        config.creates = options.creates;
        let gateway = start_with(config, options_without_checks())
            .await
            .expect("the gateway starts");
        let client = reqwest::Client::builder()
            .timeout(Duration::from_secs(60))
            .no_proxy()
            .build()
            .expect("a client without options builds");
        Self {
            sandbox,
            gateway,
            client,
        }
    }

    pub(crate) fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.gateway.address)
    }

    pub(crate) fn metrics_address(&self) -> std::net::SocketAddr {
        let address = self.gateway.metrics_address;
        address.expect("the test sets METRICS__LISTEN")
    }

    /// The page of metrics; the test sets METRICS__LISTEN.
    pub(crate) async fn metrics(&self) -> String {
        let address = self.metrics_address();
        let response = self
            .client
            .get(format!("http://{address}/metrics"))
            .send()
            .await
            .expect("the page responds");
        response.text().await.expect("the page is text")
    }

    pub(crate) fn client(&self) -> &reqwest::Client {
        &self.client
    }

    /// The status and the response to a request body, in the media type whose status reports errors.
    pub(crate) async fn post(&self, body: &Value) -> (u16, Value) {
        let response = self
            .client
            .post(self.url("/graphql"))
            .header("accept", "application/graphql-response+json")
            .json(body)
            .send()
            .await
            .expect("the gateway responds");
        let status = response.status().as_u16();
        (status, response.json().await.expect("the response is JSON"))
    }

    /// The whole response to a query: `data`, and `errors` if there are any.
    pub(crate) async fn answer(&self, query: &str, variables: Value) -> Value {
        let response = self
            .client
            .post(self.url("/graphql"))
            .json(&json!({ "query": query, "variables": variables }))
            .send()
            .await
            .expect("the gateway responds");
        response.json().await.expect("the response is JSON")
    }

    /// The data of a query that must have no errors.
    pub(crate) async fn data(&self, query: &str, variables: Value) -> Value {
        let mut answer = self.answer(query, variables).await;
        assert_eq!(answer.get("errors"), None, "for {query}");
        answer["data"].take()
    }

    /// The same for a query without variables.
    pub(crate) async fn execute(&self, query: &str) -> Value {
        self.data(query, json!({})).await
    }

    /// The one error of a query, and its data.
    pub(crate) async fn execute_failing(&self, query: &str, variables: Value) -> (Value, Value) {
        let mut answer = self.answer(query, variables).await;
        let errors = answer["errors"].as_array().cloned().unwrap_or_default();
        assert_eq!(errors.len(), 1, "{answer}");
        (errors[0].clone(), answer["data"].take())
    }

    /// The number of calls that FirstLine and Bangwo8 received since the last `forget_calls`, without logins.
    pub(crate) fn calls(&self) -> (usize, usize) {
        let firstline = self.sandbox.firstline().requests();
        let bangwo8 = self.sandbox.bangwo8().requests();
        let is_login = |path: &str| path.contains("/auth") || path.contains("token.php");
        (
            firstline
                .iter()
                .filter(|request| !is_login(&request.path))
                .count(),
            bangwo8
                .iter()
                .filter(|request| !is_login(&request.path))
                .count(),
        )
    }

    pub(crate) fn forget_calls(&self) {
        self.sandbox.firstline().clear_requests();
        self.sandbox.bangwo8().clear_requests();
    }
}
