//! Cursors: opaque, versioned, bound to the field and filter that they came from.

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::Position;
use crate::{
    domain::Vendor,
    error::{Error, Result},
};

/// The form below is version 2. Version 1 held pages of the vendors.
const VERSION: u8 = 2;

/// What a cursor is bound to: a field and its arguments but `first` and `after`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Fingerprint(u64);

/// Where a list goes on.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Resume {
    /// After a position in a list that is ordered by creation.
    Timed {
        after: Position,
        /// Whether the walk has seen objects without a creation time.
        saw_undated: bool,
    },
    /// After a number of a vendor, in a list that is ordered by vendor and number or that is numbered through.
    Numbered { vendor: Vendor, number: u64 },
}

impl Fingerprint {
    /// Of a canonical text that names the field and every argument.
    pub fn of(canonical: &str) -> Self {
        let digest = Sha256::digest(canonical);
        let mut first = [0; 8];
        first.copy_from_slice(&digest[..8]);
        Self(u64::from_be_bytes(first))
    }
}

/// Where `after` says that the list goes on; none without it.
pub fn decode(fingerprint: Fingerprint, after: Option<&str>) -> Result<Option<Resume>> {
    #[derive(Deserialize)]
    struct Versioned {
        #[serde(rename = "v")]
        version: u8,
    }

    let Some(after) = after else {
        return Ok(None);
    };
    let json = URL_SAFE_NO_PAD.decode(after).unwrap_or_default();
    let version = serde_json::from_slice::<Versioned>(&json);
    if version.is_ok_and(|found| found.version < VERSION) {
        return Err(Error::bad_user_input(
            "`after` is a cursor of an earlier version of this gateway: start again from the first page",
        ));
    }
    let wire = serde_json::from_slice::<Wire>(&json).ok();
    let decoded = wire
        .filter(|wire| wire.version == VERSION)
        .and_then(|wire| Some((wire.query, wire.resume()?)));
    let Some((query, resume)) = decoded else {
        return Err(Error::bad_user_input(
            "`after` is not a cursor of this gateway: it must be an endCursor or an edge's cursor, unchanged",
        ));
    };
    if query != fingerprint.0 {
        return Err(Error::bad_user_input(
            "`after` is a cursor of another field or filter: it must come from the same query",
        ));
    }
    Ok(Some(resume))
}

/// The cursors of one page's edges, encoded only where they are selected.
#[derive(Debug)]
pub struct Cursors {
    fingerprint: Fingerprint,
    edges: Vec<Resume>,
    /// Where the next page goes on, where that is further than the last edge.
    end: Option<Resume>,
}

impl Cursors {
    pub fn new(fingerprint: Fingerprint, edges: Vec<Resume>, end: Option<Resume>) -> Self {
        Self {
            fingerprint,
            edges,
            end,
        }
    }

    /// The cursor of the edge at `index`.
    pub fn edge(&self, index: usize) -> Option<String> {
        Some(self.encode(self.edges.get(index)?))
    }

    /// None where the page has no edge.
    pub fn start(&self) -> Option<String> {
        self.edge(0)
    }

    /// None where the page has neither an edge nor a place to go on from.
    pub fn end(&self) -> Option<String> {
        let last = self.end.as_ref().or(self.edges.last())?;
        Some(self.encode(last))
    }

    /// Whether the next page would begin elsewhere than the one that began here. A client that follows `endCursor` would otherwise
    /// never come to an end.
    pub fn advance_from(&self, after: Option<Resume>) -> bool {
        let last = self.end.or(self.edges.last().copied());
        last.is_some() && last != after
    }

    fn encode(&self, resume: &Resume) -> String {
        let (vendor, number, created_at, saw_undated) = match *resume {
            Resume::Timed { after, saw_undated } => {
                let created_at = after.created_at.map(Timestamp::as_microsecond);
                (after.vendor, after.number, Some(created_at), saw_undated)
            }
            Resume::Numbered { vendor, number } => (vendor, number, None, false),
        };
        let wire = Wire {
            version: VERSION,
            query: self.fingerprint.0,
            vendor: vendor.slug().to_owned(),
            number,
            created_at,
            saw_undated,
        };
        // Numbers and a short name always serialize.
        let json = serde_json::to_vec(&wire).unwrap_or_default();
        URL_SAFE_NO_PAD.encode(json)
    }
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Wire {
    #[serde(rename = "v")]
    version: u8,
    #[serde(rename = "q")]
    query: u64,
    #[serde(rename = "d")]
    vendor: String,
    #[serde(rename = "n")]
    number: u64,
    /// In microseconds. Null is an object without a creation time; a list by number has no such key.
    #[serde(
        rename = "t",
        default,
        skip_serializing_if = "Option::is_none",
        deserialize_with = "present"
    )]
    created_at: Option<Option<i64>>,
    #[serde(rename = "u", default, skip_serializing_if = "std::ops::Not::not")]
    saw_undated: bool,
}

/// A key that is there, also where it is null.
fn present<'de, D: serde::Deserializer<'de>>(
    deserializer: D,
) -> Result<Option<Option<i64>>, D::Error> {
    Option::deserialize(deserializer).map(Some)
}

impl Wire {
    fn resume(&self) -> Option<Resume> {
        let vendor = Vendor::ALL
            .into_iter()
            .find(|vendor| vendor.slug() == self.vendor)?;
        let number = Some(self.number).filter(|number| *number <= i64::MAX as u64)?;
        let Some(created_at) = self.created_at else {
            return Some(Resume::Numbered { vendor, number });
        };
        let created_at = match created_at {
            Some(microsecond) => Some(Timestamp::from_microsecond(microsecond).ok()?),
            None => None,
        };
        Some(Resume::Timed {
            after: Position {
                created_at,
                vendor,
                number,
            },
            saw_undated: self.saw_undated,
        })
    }
}
