//! A simulated issuer of tokens: it signs them with real keys, and serves the public keys as a key set.

use std::sync::{Arc, Mutex, PoisonError};

use axum::{Router, extract::State, http::StatusCode, response::IntoResponse, routing::get};
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use jsonwebtoken::get_current_timestamp;
use ring::{
    rand::SystemRandom,
    rsa::PublicKeyComponents,
    signature::{
        ECDSA_P256_SHA256_FIXED_SIGNING, ECDSA_P384_SHA384_FIXED_SIGNING, EcdsaKeyPair,
        EcdsaSigningAlgorithm, Ed25519KeyPair, KeyPair, RSA_PKCS1_SHA256, RSA_PKCS1_SHA384,
        RSA_PKCS1_SHA512, RSA_PSS_SHA256, RSA_PSS_SHA384, RSA_PSS_SHA512, RsaEncoding, RsaKeyPair,
    },
};
use serde_json::{Value, json};
use tokio::{
    net::TcpListener,
    sync::{OwnedRwLockWriteGuard, RwLock, watch},
};

use crate::harness::in_time;

pub(crate) const ISSUER: &str = "https://issuer.example/";
pub(crate) const AUDIENCE: &str = "deskgraph";

/// Made for these tests, and used nowhere else.
const RSA: &[u8] = include_bytes!("../../fixtures/token_keys/rsa_one.pk8");
const ANOTHER_RSA: &[u8] = include_bytes!("../../fixtures/token_keys/rsa_another.pk8");

/// Serves a key set, and counts the requests for it. It may be made to wait before it answers.
pub(crate) struct Issuer {
    pub(crate) jwks_url: String,
    served: Arc<Served>,
}

struct Served {
    /// None while the issuer fails.
    keys: Mutex<Option<Value>>,
    requests: watch::Sender<usize>,
    held: Arc<RwLock<()>>,
}

impl Issuer {
    pub(crate) async fn start(keys: &[&SigningKey]) -> Self {
        let served = Arc::new(Served {
            keys: Mutex::new(None),
            requests: watch::Sender::new(0),
            held: Arc::default(),
        });
        let router = Router::new()
            .route("/keys", get(serve_keys))
            .with_state(served.clone());
        let listener = TcpListener::bind("127.0.0.1:0")
            .await
            .expect("a port is free");
        let address = listener.local_addr().expect("it is bound");
        tokio::spawn(async move { axum::serve(listener, router).await });

        let issuer = Self {
            jwks_url: format!("http://{address}/keys"),
            served,
        };
        issuer.publish(keys);
        issuer
    }

    pub(crate) fn publish(&self, keys: &[&SigningKey]) {
        let keys: Vec<&Value> = keys.iter().map(|key| &key.public).collect();
        self.answer_with(Some(json!({ "keys": keys })));
    }

    pub(crate) fn fail(&self) {
        self.answer_with(None);
    }

    pub(crate) fn answer_with(&self, body: Option<Value>) {
        *self
            .served
            .keys
            .lock()
            .unwrap_or_else(PoisonError::into_inner) = body;
    }

    pub(crate) fn requests(&self) -> usize {
        *self.served.requests.borrow()
    }

    /// Waits, with a limit, until it has received so many requests.
    pub(crate) async fn until_requests(&self, count: usize) {
        let mut requests = self.served.requests.subscribe();
        let received = in_time(
            "the issuer is asked",
            requests.wait_for(|now| *now >= count),
        );
        received.await.expect("the issuer lives");
    }

    /// It answers nobody until this is dropped.
    pub(crate) fn hold(&self) -> OwnedRwLockWriteGuard<()> {
        let held = Arc::clone(&self.served.held);
        held.try_write_owned().expect("it answers nobody now")
    }
}

async fn serve_keys(State(served): State<Arc<Served>>) -> impl IntoResponse {
    served.requests.send_modify(|count| *count += 1);
    let _passed = served.held.read().await;
    let keys = served.keys.lock().unwrap_or_else(PoisonError::into_inner);
    match &*keys {
        Some(keys) => (StatusCode::OK, keys.to_string()),
        None => (StatusCode::INTERNAL_SERVER_ERROR, String::new()),
    }
}

/// A key of the issuer, with its public part as the issuer publishes it.
pub(crate) struct SigningKey {
    pub(crate) public: Value,
    secret: Secret,
}

enum Secret {
    Rsa(RsaKeyPair),
    Ecdsa(EcdsaKeyPair),
    Ed25519(Ed25519KeyPair),
}

impl SigningKey {
    pub(crate) fn rsa(id: &str) -> Self {
        Self::of_rsa(id, RSA)
    }

    pub(crate) fn another_rsa(id: &str) -> Self {
        Self::of_rsa(id, ANOTHER_RSA)
    }

    fn of_rsa(id: &str, secret: &[u8]) -> Self {
        let pair = RsaKeyPair::from_pkcs8(secret).expect("the fixture is a key");
        let public: PublicKeyComponents<Vec<u8>> = pair.public().into();
        Self {
            public: json!({ "kty": "RSA", "kid": id, "use": "sig", "n": encoded(public.n), "e": encoded(public.e) }),
            secret: Secret::Rsa(pair),
        }
    }

    pub(crate) fn p256(id: &str) -> Self {
        Self::of_curve(id, "P-256", &ECDSA_P256_SHA256_FIXED_SIGNING)
    }

    pub(crate) fn p384(id: &str) -> Self {
        Self::of_curve(id, "P-384", &ECDSA_P384_SHA384_FIXED_SIGNING)
    }

    fn of_curve(id: &str, curve: &str, algorithm: &'static EcdsaSigningAlgorithm) -> Self {
        let random = SystemRandom::new();
        let secret = EcdsaKeyPair::generate_pkcs8(algorithm, &random).expect("a key can be made");
        let pair = EcdsaKeyPair::from_pkcs8(algorithm, secret.as_ref(), &random)
            .expect("it was made a moment ago");
        // The first byte says that both coordinates follow.
        let point = &pair.public_key().as_ref()[1..];
        let (x, y) = point.split_at(point.len() / 2);
        Self {
            public: json!({ "kty": "EC", "kid": id, "crv": curve, "x": encoded(x), "y": encoded(y) }),
            secret: Secret::Ecdsa(pair),
        }
    }

    pub(crate) fn ed25519(id: &str) -> Self {
        let secret =
            Ed25519KeyPair::generate_pkcs8(&SystemRandom::new()).expect("a key can be made");
        let pair = Ed25519KeyPair::from_pkcs8(secret.as_ref()).expect("it was made a moment ago");
        Self {
            public: json!({ "kty": "OKP", "kid": id, "crv": "Ed25519", "x": encoded(pair.public_key()) }),
            secret: Secret::Ed25519(pair),
        }
    }

    /// A token with this header, signed by its algorithm.
    pub(crate) fn sign(&self, header: &Value, claims: &Value) -> String {
        let message = message(header, claims);
        let algorithm = header["alg"].as_str().unwrap_or_default();
        let signature = self.signature(algorithm, message.as_bytes());
        format!("{message}.{}", encoded(signature))
    }

    /// A token with this key's own id.
    pub(crate) fn token(&self, algorithm: &str, claims: &Value) -> String {
        let header = json!({ "alg": algorithm, "typ": "JWT", "kid": self.public["kid"] });
        self.sign(&header, claims)
    }

    fn signature(&self, algorithm: &str, message: &[u8]) -> Vec<u8> {
        let random = SystemRandom::new();
        match &self.secret {
            Secret::Rsa(pair) => {
                let encoding: &'static dyn RsaEncoding = match algorithm {
                    "RS384" => &RSA_PKCS1_SHA384,
                    "RS512" => &RSA_PKCS1_SHA512,
                    "PS256" => &RSA_PSS_SHA256,
                    "PS384" => &RSA_PSS_SHA384,
                    "PS512" => &RSA_PSS_SHA512,
                    _ => &RSA_PKCS1_SHA256,
                };
                let mut signature = vec![0; pair.public().modulus_len()];
                pair.sign(encoding, &random, message, &mut signature)
                    .expect("a message can be signed");
                signature
            }
            Secret::Ecdsa(pair) => pair
                .sign(&random, message)
                .expect("a message can be signed")
                .as_ref()
                .to_vec(),
            Secret::Ed25519(pair) => pair.sign(message).as_ref().to_vec(),
        }
    }
}

/// The part of a token that the signature covers.
pub(crate) fn message(header: &Value, claims: &Value) -> String {
    format!(
        "{}.{}",
        encoded(header.to_string()),
        encoded(claims.to_string())
    )
}

pub(crate) fn encoded(bytes: impl AsRef<[u8]>) -> String {
    URL_SAFE_NO_PAD.encode(bytes)
}

/// Valid claims, which expire in a minute.
pub(crate) fn claims(scope: &str) -> Value {
    json!({ "iss": ISSUER, "aud": AUDIENCE, "exp": in_seconds(60), "sub": "reader@desk", "scope": scope })
}

/// The same with one claim changed; null removes it.
pub(crate) fn claims_with(name: &str, value: Value) -> Value {
    let mut claims = claims("read");
    match (claims.as_object_mut(), value) {
        (Some(fields), Value::Null) => fields.remove(name),
        (Some(fields), value) => fields.insert(name.to_owned(), value),
        (None, _) => None,
    };
    claims
}

pub(crate) fn in_seconds(seconds: i64) -> i64 {
    let now = i64::try_from(get_current_timestamp()).expect("it is not that late");
    now + seconds
}
