//! The login to Bangwo8: Basic with each call, or a token by client credentials.

use std::time::Duration;

use async_trait::async_trait;
use base64::{Engine as _, engine::general_purpose::STANDARD};
use reqwest::{Method, header::HeaderValue};
use secrecy::{ExposeSecret, SecretString};

use super::{mapping, wire};
use crate::{
    domain::{Vendor, VendorErrorCode},
    error::{Error, Result},
    upstream::{
        call::{Call, Repeat},
        call_context::CallContext,
        client::VendorClient,
        session::{Authorization, Token, TokenSource, sensitive},
    },
};

const ROUTE: &str = "/api/token.php";

#[derive(Debug, Clone)]
pub enum Bangwo8Credentials {
    Basic {
        account: String,
        password: SecretString,
    },
    ClientCredentials {
        client_id: String,
        client_secret: SecretString,
    },
}

impl Bangwo8Credentials {
    /// The kind, the name and the secret.
    fn parts(&self) -> (bool, &str, &str) {
        match self {
            Self::Basic { account, password } => (true, account, password.expose_secret()),
            Self::ClientCredentials {
                client_id,
                client_secret,
            } => (false, client_id, client_secret.expose_secret()),
        }
    }
}

impl PartialEq for Bangwo8Credentials {
    fn eq(&self, other: &Self) -> bool {
        self.parts() == other.parts()
    }
}

pub(super) fn authorization(
    credentials: Bangwo8Credentials,
) -> Result<Authorization<ClientCredentials>> {
    match credentials {
        Bangwo8Credentials::Basic { account, password } => {
            basic(&account, &password).map(Authorization::Permanent)
        }
        Bangwo8Credentials::ClientCredentials {
            client_id,
            client_secret,
        } => {
            let source = ClientCredentials {
                header: basic(&client_id, &client_secret)?,
            };
            Ok(Authorization::by_token(Vendor::Bangwo8, source))
        }
    }
}

fn basic(name: &str, secret: &SecretString) -> Result<HeaderValue> {
    let pair = SecretString::from(format!("{name}:{}", secret.expose_secret()));
    let encoded = STANDARD.encode(pair.expose_secret());
    sensitive(&format!("Basic {encoded}"))
        .ok_or_else(|| Error::internal("the credentials of Bangwo8 do not fit into a header"))
}

pub(super) struct ClientCredentials {
    header: HeaderValue,
}

#[async_trait]
impl TokenSource for ClientCredentials {
    async fn sign_in(&self, client: &VendorClient, context: &CallContext<'_>) -> Result<Token> {
        // The vendor's examples send a multipart form; whether it reads another is not documented.
        let call = Call::sign_in(Method::POST, ROUTE, ROUTE, Repeat::Safe)
            .form(&[("grant_type", "client_credentials")]);

        let mut attempts = client.attempts();
        let response = client
            .send(context, &call, Some(&self.header), &mut attempts)
            .await?;
        let refusal: wire::LoginError = response.try_decode().unwrap_or_default();
        let is_refused =
            refusal.error.value().is_some() || mapping::failure_code_of(&response).is_some();
        if response.status().is_client_error() || (response.status().is_success() && is_refused) {
            return Err(response.refuse_as(VendorErrorCode::Unauthenticated));
        }

        let signed_in: wire::SignedIn = response.read()?;
        Ok(Token {
            text: signed_in.access_token,
            life: signed_in
                .expires_in_seconds
                .filter(|seconds| *seconds > 0)
                .map(Duration::from_secs),
        })
    }
}
