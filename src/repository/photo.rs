//! Pictures of employees: addresses of the gateway that are signed and good for some minutes, and the pictures behind them.

use std::{
    borrow::Cow,
    sync::Arc,
    time::{Duration, Instant},
};

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use jiff::Timestamp;
use ring::{hmac, rand::SystemRandom};
use secrecy::{ExposeSecret, SecretString};

use super::{Lifetime, Repository, Shared, Topic};
use crate::{
    context::RequestScope,
    domain::{Image, Photo, Vendor},
    error::{Error, Result},
};

/// An address stays the same for one period, so that responses and browsers can cache it, and is good for one to two of them.
const PERIOD_SECONDS: i64 = 300;

/// The length of a signature, which precedes what it signs.
const SIGNATURE_BYTES: usize = 32;

/// What else is ever signed with the same key has another purpose.
const PURPOSE: &[u8] = b"deskgraph photo 1\n";

#[derive(Debug, Clone, Default)]
pub struct PhotoSettings {
    /// None for a random key of this process. Replicas need the same one.
    pub signing_key: Option<SecretString>,
    /// Where browsers reach the gateway; none for addresses without a host.
    pub public_url: Option<String>,
}

/// Makes and reads the addresses.
pub struct PhotoAddresses {
    key: hmac::Key,
    /// What precedes the path.
    base: String,
}

/// A picture, and how long its address is good.
pub struct ServedPhoto {
    pub image: Arc<Image>,
    pub good_for: Duration,
}

/// Why there is no picture at an address.
#[derive(Debug)]
pub enum PhotoError {
    /// It is no address of this gateway.
    Forged,
    Expired,
    /// The vendor has no such picture.
    Missing,
    Failed(Error),
}

/// What an address stands for.
#[derive(Debug, PartialEq, Eq)]
struct Target<'a> {
    vendor: Vendor,
    path: Cow<'a, str>,
    /// The second after its last one.
    expires_at: i64,
}

impl PhotoAddresses {
    pub fn new(settings: PhotoSettings) -> Result<Self> {
        let key = match settings.signing_key {
            Some(key) => hmac::Key::new(hmac::HMAC_SHA256, key.expose_secret().as_bytes()),
            None => hmac::Key::generate(hmac::HMAC_SHA256, &SystemRandom::new())
                .map_err(|_| Error::internal("the system has no random numbers"))?,
        };
        let base = settings.public_url.unwrap_or_default();
        Ok(Self {
            key,
            base: base.trim_end_matches('/').to_owned(),
        })
    }

    /// The address from one second of a period on, and when the period ends.
    fn address(&self, vendor: Vendor, path: &str, now: i64) -> (String, i64) {
        let period_ends_at = (now.div_euclid(PERIOD_SECONDS) + 1) * PERIOD_SECONDS;
        let token = self.token(&Target {
            vendor,
            path: path.into(),
            expires_at: period_ends_at + PERIOD_SECONDS,
        });
        (format!("{}/photos/{token}", self.base), period_ends_at)
    }

    fn token(&self, target: &Target<'_>) -> String {
        let content = format!(
            "{}\n{}\n{}",
            target.expires_at,
            target.vendor.slug(),
            target.path
        );
        let signature = hmac::sign(&self.key, &signed(content.as_bytes()));
        URL_SAFE_NO_PAD.encode([signature.as_ref(), content.as_bytes()].concat())
    }

    fn read(&self, token: &str, now: i64) -> Result<Target<'static>, PhotoError> {
        let target = self.target(token).ok_or(PhotoError::Forged)?;
        match target.expires_at > now {
            true => Ok(target),
            false => Err(PhotoError::Expired),
        }
    }

    /// None unless the signature is right.
    fn target(&self, token: &str) -> Option<Target<'static>> {
        let decoded = URL_SAFE_NO_PAD.decode(token).ok()?;
        let (signature, content) = decoded.split_at_checked(SIGNATURE_BYTES)?;
        hmac::verify(&self.key, &signed(content), signature).ok()?;

        let mut parts = std::str::from_utf8(content).ok()?.splitn(3, '\n');
        let expires_at = parts.next()?.parse().ok()?;
        let slug = parts.next()?;
        let path = parts.next()?.to_owned();
        let vendor = Vendor::ALL
            .into_iter()
            .find(|vendor| vendor.slug() == slug)?;
        Some(Target {
            vendor,
            path: path.into(),
            expires_at,
        })
    }
}

fn signed(content: &[u8]) -> Vec<u8> {
    [PURPOSE, content].concat()
}

impl Repository {
    /// The address under which anybody who is shown it can load the photo.
    pub fn photo_url<'a>(&self, vendor: Vendor, photo: &'a Photo) -> Cow<'a, str> {
        match photo {
            Photo::Public(url) => Cow::Borrowed(url),
            Photo::OfVendor(path) => {
                let now = Timestamp::now().as_second();
                let (address, period_ends_at) = self.shared.photos.address(vendor, path, now);
                // A response that is sent again later would have an address that is about to expire.
                let left = u64::try_from(period_ends_at - now).unwrap_or_default();
                let period_ends_at = Instant::now() + Duration::from_secs(left);
                self.scope.dependencies.expire_at(period_ends_at);
                Cow::Owned(address)
            }
        }
    }
}

impl Shared {
    /// The picture behind an address of this gateway, through the cache. The address itself is the authorization.
    pub async fn photo(
        &self,
        scope: &Arc<RequestScope>,
        token: &str,
    ) -> Result<ServedPhoto, PhotoError> {
        let now = Timestamp::now().as_second();
        let target = self.photos.read(token, now)?;
        let good_for = u64::try_from(target.expires_at - now).unwrap_or_default();
        let vendor = self.vendor(target.vendor).map_err(|_| PhotoError::Forged)?;

        let path: Arc<str> = target.path.into();
        let parts = ("photo", Arc::clone(&path));
        let lifetime = Lifetime::Directory;
        let key = self
            .cache
            .key(target.vendor, Topic::Employees, lifetime, parts);
        let read = self.read(scope, vendor, key, |vendor, scope| {
            let path = Arc::clone(&path);
            async move { Ok(vendor.photo(&scope, &path).await?.map(Arc::new)) }
        });
        let image = read.await.map_err(PhotoError::Failed)?.value;
        Ok(ServedPhoto {
            image: Option::clone(&image).ok_or(PhotoError::Missing)?,
            good_for: Duration::from_secs(good_for),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn addresses(key: &str) -> PhotoAddresses {
        let settings = PhotoSettings {
            signing_key: Some(SecretString::from(key)),
            public_url: Some("https://desk.example/graph/".to_owned()),
        };
        PhotoAddresses::new(settings).expect("the key is given")
    }

    fn token(address: &str) -> &str {
        let token = address.strip_prefix("https://desk.example/graph/photos/");
        token.expect("the address begins with the public URL")
    }

    #[test]
    fn an_address_is_the_same_for_a_period_and_good_for_another() {
        let addresses = addresses("a key");
        let at = |now| addresses.address(Vendor::FirstLine, "/employee/7/photo?v=1", now);
        let (address, period_ends_at) = at(900);

        assert_eq!(period_ends_at, 1200);
        assert_eq!(at(1199), (address.clone(), 1200));
        assert_ne!(at(1200).0, address);
        let target = addresses.read(token(&address), 1499);
        let expected = Target {
            vendor: Vendor::FirstLine,
            path: "/employee/7/photo?v=1".into(),
            expires_at: 1500,
        };
        assert_eq!(target.expect("it is good"), expected);
        let expired = addresses.read(token(&address), 1500);
        assert!(matches!(expired, Err(PhotoError::Expired)));
    }

    #[test]
    fn only_the_gateways_own_addresses_are_read() {
        let addresses = addresses("a key");
        let (address, _) = addresses.address(Vendor::FirstLine, "/employee/7/photo", 900);
        let decoded = URL_SAFE_NO_PAD
            .decode(token(&address))
            .expect("it is base64");
        for index in 0..decoded.len() {
            let mut forged = decoded.clone();
            forged[index] ^= 1;
            let read = addresses.read(&URL_SAFE_NO_PAD.encode(forged), 900);
            assert!(matches!(read, Err(PhotoError::Forged)), "{index}");
        }
        let other = super::tests::addresses("another key");
        for (addresses, token) in [
            (&other, token(&address)),
            (&addresses, ""),
            (&addresses, "?"),
        ] {
            let read = addresses.read(token, 900);
            assert!(matches!(read, Err(PhotoError::Forged)), "{token}");
        }
    }
}
