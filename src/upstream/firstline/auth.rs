//! The login to FirstLine: every new token of an account ends the one before it, at once.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use async_trait::async_trait;
use jiff::Timestamp;
use reqwest::{Method, header::HeaderValue};
use secrecy::{ExposeSecret, SecretString};

use super::wire;
use crate::{
    domain::{Vendor, VendorErrorCode},
    error::{Error, Result},
    upstream::{
        call::{Call, Repeat},
        call_context::CallContext,
        client::VendorClient,
        session::{Authorization, Token, TokenSource, bearer},
    },
};

const ROUTE: &str = "/api/v1/auth";

#[derive(Debug, Clone)]
pub enum FirstLineCredentials {
    /// Made by hand in the vendor's console; it has no end.
    Token(SecretString),
    Login {
        username: String,
        password: SecretString,
    },
}

impl PartialEq for FirstLineCredentials {
    fn eq(&self, other: &Self) -> bool {
        let is_same =
            |one: &SecretString, other: &SecretString| one.expose_secret() == other.expose_secret();
        match (self, other) {
            (Self::Token(one), Self::Token(other)) => is_same(one, other),
            (
                Self::Login { username, password },
                Self::Login {
                    username: other_username,
                    password: other_password,
                },
            ) => username == other_username && is_same(password, other_password),
            _ => false,
        }
    }
}

/// How an existing object is written to: the vendor's pages contradict each other.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum UpdateMethod {
    /// PUT, and POST with `_method` from the first refusal of a PUT on.
    Auto,
    Put,
    PostOverride,
}

/// Which form of update the vendor is sent, as far as it is known.
#[derive(Debug)]
pub(super) struct UpdateForm {
    method: UpdateMethod,
    was_put_refused: AtomicBool,
}

impl UpdateForm {
    pub(super) fn new(method: UpdateMethod) -> Self {
        Self {
            method,
            was_put_refused: AtomicBool::new(false),
        }
    }

    pub(super) fn is_overridden(&self) -> bool {
        match self.method {
            UpdateMethod::Auto => self.was_put_refused.load(Ordering::Relaxed),
            UpdateMethod::Put => false,
            UpdateMethod::PostOverride => true,
        }
    }

    /// Whether a PUT that was refused may be sent in the other form, which is then used from now on. A vendor that refuses
    /// a method has done nothing.
    pub(super) fn gives_up_put(&self) -> bool {
        if self.method != UpdateMethod::Auto {
            return false;
        }
        self.was_put_refused.store(true, Ordering::Relaxed);
        true
    }
}

pub(super) fn authorization(
    credentials: FirstLineCredentials,
    update_form: Arc<UpdateForm>,
) -> Result<Authorization<Login>> {
    match credentials {
        FirstLineCredentials::Token(token) => {
            bearer(&token).map(Authorization::Permanent).ok_or_else(|| {
                Error::internal("the token of FirstLine has a character that no header can hold")
            })
        }
        FirstLineCredentials::Login { username, password } => {
            let login = Login::new(username, password, update_form);
            Ok(Authorization::by_token(Vendor::FirstLine, login))
        }
    }
}

pub(super) struct Login {
    username: String,
    password: SecretString,
    update_form: Arc<UpdateForm>,
}

impl Login {
    pub(super) fn new(
        username: impl Into<String>,
        password: impl Into<SecretString>,
        update_form: Arc<UpdateForm>,
    ) -> Self {
        Self {
            username: username.into(),
            password: password.into(),
            update_form,
        }
    }
}

#[async_trait]
impl TokenSource for Login {
    async fn sign_in(&self, client: &VendorClient, context: &CallContext<'_>) -> Result<Token> {
        let body = wire::encode(&wire::SignIn {
            name: &self.username,
            password: self.password.expose_secret(),
        });
        let call = Call::sign_in(Method::POST, ROUTE, ROUTE, Repeat::Safe).json(body);

        let mut attempts = client.attempts();
        let response = client.send(context, &call, None, &mut attempts).await?;
        if response.status().is_client_error() {
            return Err(response.refuse_as(VendorErrorCode::Unauthenticated));
        }
        response.read().map(token)
    }

    async fn renew(
        &self,
        client: &VendorClient,
        context: &CallContext<'_>,
        current: &HeaderValue,
    ) -> Result<Option<Token>> {
        if !self.update_form.is_overridden() {
            let call = Call::sign_in(Method::PUT, ROUTE, ROUTE, Repeat::Never);
            let mut attempts = client.attempts();
            let response = client
                .send(context, &call, Some(current), &mut attempts)
                .await?;
            if response.status() != 405 || !self.update_form.gives_up_put() {
                return response.read().map(token).map(Some);
            }
            response.settle(());
        }

        let body = wire::encode(&wire::Overridden {
            method: "put",
            body: &wire::Nothing {},
        });
        let call = Call::sign_in(Method::POST, ROUTE, ROUTE, Repeat::Never).json(body);
        let mut attempts = client.attempts();
        let response = client
            .send(context, &call, Some(current), &mut attempts)
            .await?;
        response.read().map(token).map(Some)
    }
}

/// The lifetime of a token: the shorter of what the response and the token itself say.
fn token(signed_in: wire::SignedIn) -> Token {
    let by_answer = signed_in.expires_in_seconds.map(Duration::from_secs);
    // A new token that seems to have expired shows that the clocks differ, so its expiry is useless.
    let by_claim = signed_in
        .expires_at
        .and_then(|at| u64::try_from(at.as_second() - Timestamp::now().as_second()).ok())
        .filter(|seconds| *seconds > 0)
        .map(Duration::from_secs);
    let life = match (by_answer, by_claim) {
        (Some(by_answer), Some(by_claim)) => Some(by_answer.min(by_claim)),
        (by_answer, by_claim) => by_answer.or(by_claim),
    };
    Token {
        text: signed_in.access_token,
        life: life.filter(|life| !life.is_zero()),
    }
}

#[cfg(test)]
mod tests {
    use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};

    use super::*;

    fn life(token_text: &str, rest: &str) -> Option<u64> {
        let json = format!(r#"{{"access_token":"{token_text}"{rest}}}"#);
        let signed_in = crate::upstream::wire::decode(json.as_bytes()).expect("it has a token");
        token(signed_in).life.map(|life| life.as_secs())
    }

    fn jwt(claims: &str) -> String {
        format!("e30.{}.c2ln", URL_SAFE_NO_PAD.encode(claims))
    }

    #[test]
    fn the_earlier_end_wins() {
        let now = Timestamp::now().as_second();
        let soon = jwt(&format!(r#"{{"exp":{}}}"#, now + 100));
        let late = jwt(&format!(r#"{{"exp":{}}}"#, now + 10_000));

        let by_claim = life(&soon, r#","expires_in":3600"#).expect("it has an end");
        assert!((90..=100).contains(&by_claim), "{by_claim}");
        assert_eq!(life(&late, r#","expires_in":"3600""#), Some(3600));
        assert_eq!(life("opaque", r#","expires_in":3600"#), Some(3600));
        assert_eq!(life(&jwt("{}"), r#","expires_in":3600"#), Some(3600));
        assert_eq!(life("opaque", ""), None);
        assert_eq!(life(&jwt("not json"), ""), None);
    }

    #[test]
    fn a_token_is_found_by_every_name_that_was_seen() {
        for json in [
            r#"{"access_token":"x"}"#,
            r#"{"data":{"access_token":"x"}}"#,
            r#"{"token":"x"}"#,
            r#"{"data":{"token":"x"}}"#,
        ] {
            let signed_in: wire::SignedIn =
                crate::upstream::wire::decode(json.as_bytes()).expect("it has a token");
            assert_eq!(signed_in.access_token.expose_secret(), "x");
        }
        let nothing = crate::upstream::wire::decode::<wire::SignedIn>(br#"{"data":{}}"#);
        assert!(nothing.is_err());
    }
}
