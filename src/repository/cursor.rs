//! Cursors: opaque, versioned, bound to the field and filter that they came from.

use std::collections::BTreeMap;

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::ListField;
use crate::{
    domain::{Vendor, VendorNumber},
    error::{Error, Result},
    upstream::paged_list::{ListOrder, Place, Resume},
};

/// The form below is version 1; a cursor of another version is refused.
const VERSION: u8 = 1;

/// No list is longer: an index beyond it is none of ours.
const MAX_INDEX: u64 = 1 << 40;

/// How far a list was given out, vendor by vendor.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Cursor {
    origin: Origin,
    positions: BTreeMap<Vendor, Position>,
}

/// Where in one vendor's part of a list the next page goes on.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Position {
    /// After a place in a list that is ordered by creation.
    Dated(Resume),
    /// After a number, in a list that is ordered by number or that is numbered through.
    Numbered(u64),
}

/// What a cursor is bound to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Origin {
    field: ListField,
    query: u64,
}

impl Origin {
    /// `query` is everything of the question but `first` and `after`.
    pub(super) fn new(field: ListField, query: &impl std::fmt::Debug) -> Self {
        let digest = Sha256::digest(format!("{field:?} {query:?}"));
        let mut first = [0; 8];
        first.copy_from_slice(&digest[..8]);
        Self {
            field,
            query: u64::from_be_bytes(first),
        }
    }

    /// Tells lists of one shape apart.
    pub(super) fn fingerprint(self) -> u64 {
        self.query
    }
}

impl Cursor {
    /// The beginning of a list.
    pub(super) fn start(origin: Origin) -> Self {
        Self {
            origin,
            positions: BTreeMap::new(),
        }
    }

    /// The place that `after` names, or the beginning of the list without it.
    pub(super) fn decode(origin: Origin, after: Option<&str>) -> Result<Self> {
        let Some(after) = after else {
            return Ok(Self::start(origin));
        };
        let read = || {
            let json = URL_SAFE_NO_PAD.decode(after).ok()?;
            let wire: Wire = serde_json::from_slice(&json).ok()?;
            (wire.version == VERSION).then_some(())?;
            let positions = wire
                .positions
                .into_iter()
                .map(|(slug, position)| {
                    let vendor = Vendor::ALL
                        .into_iter()
                        .find(|vendor| vendor.slug() == slug)?;
                    Some((vendor, position.into_position()?))
                })
                .collect::<Option<BTreeMap<_, _>>>()?;
            Some((wire.query, positions))
        };
        let Some((query, positions)) = read() else {
            return Err(Error::bad_user_input(
                "`after` is not a cursor of this gateway: it must be an endCursor or an edge's cursor, unchanged",
            ));
        };
        if query != origin.query {
            return Err(Error::bad_user_input(
                "`after` is a cursor of another field or filter: it must come from the same query",
            ));
        }
        Ok(Self { origin, positions })
    }

    pub(super) fn position(&self, vendor: Vendor) -> Option<Position> {
        self.positions.get(&vendor).copied()
    }

    pub(super) fn resume(&self, vendor: Vendor) -> Option<Resume> {
        match self.position(vendor)? {
            Position::Dated(resume) => Some(resume),
            Position::Numbered(_) => None,
        }
    }

    pub(super) fn number(&self, vendor: Vendor) -> Option<u64> {
        match self.position(vendor)? {
            Position::Numbered(number) => Some(number),
            Position::Dated(_) => None,
        }
    }

    pub(super) fn is_start(&self) -> bool {
        self.positions.is_empty()
    }

    pub(super) fn move_to(&mut self, vendor: Vendor, position: Position) {
        self.positions.insert(vendor, position);
    }

    fn encode(&self) -> String {
        let wire = Wire {
            version: VERSION,
            query: self.origin.query,
            positions: self
                .positions
                .iter()
                .map(|(vendor, position)| (vendor.slug().to_owned(), WirePosition::from(*position)))
                .collect(),
        };
        let json = serde_json::to_vec(&wire).expect("numbers and short names always serialize");
        URL_SAFE_NO_PAD.encode(json)
    }
}

/// The cursors of one page's edges, encoded when they are asked for.
#[derive(Debug)]
pub struct Cursors {
    before: Cursor,
    steps: Vec<(Vendor, Position)>,
    /// Where the next page goes on, where that is further than the last edge.
    beyond: Option<Cursor>,
}

impl Cursors {
    /// `steps` are the edges' positions in order.
    pub(super) fn new(
        before: Cursor,
        steps: Vec<(Vendor, Position)>,
        beyond: Option<Cursor>,
    ) -> Self {
        Self {
            before,
            steps,
            beyond,
        }
    }

    /// The cursor of the edge at `index`.
    pub fn edge(&self, index: usize) -> String {
        let mut cursor = self.before.clone();
        for (vendor, position) in self.steps.iter().take(index + 1) {
            cursor.move_to(*vendor, *position);
        }
        cursor.encode()
    }

    /// None where the page has no edge.
    pub fn start(&self) -> Option<String> {
        (!self.steps.is_empty()).then(|| self.edge(0))
    }

    /// None where the page has neither an edge nor a place to go on from.
    pub fn end(&self) -> Option<String> {
        match (&self.beyond, self.steps.len()) {
            (Some(beyond), _) => Some(beyond.encode()),
            (None, 0) => None,
            (None, len) => Some(self.edge(len - 1)),
        }
    }
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Wire {
    #[serde(rename = "v")]
    version: u8,
    #[serde(rename = "q")]
    query: u64,
    #[serde(rename = "p")]
    positions: BTreeMap<String, WirePosition>,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct WirePosition {
    #[serde(rename = "n")]
    number: u64,
    #[serde(rename = "t", default, skip_serializing_if = "Option::is_none")]
    microsecond: Option<i64>,
    #[serde(rename = "i", default, skip_serializing_if = "Option::is_none")]
    index: Option<u64>,
    #[serde(rename = "l", default, skip_serializing_if = "Option::is_none")]
    total: Option<u64>,
    #[serde(rename = "o", default, skip_serializing_if = "Option::is_none")]
    order: Option<WireOrder>,
}

#[derive(Clone, Copy, Serialize, Deserialize)]
enum WireOrder {
    #[serde(rename = "n")]
    NewestFirst,
    #[serde(rename = "o")]
    OldestFirst,
    #[serde(rename = "u")]
    Unsorted,
}

impl From<Position> for WirePosition {
    fn from(position: Position) -> Self {
        match position {
            Position::Numbered(number) => Self {
                number,
                microsecond: None,
                index: None,
                total: None,
                order: None,
            },
            Position::Dated(resume) => Self {
                number: resume.after.number.get(),
                microsecond: resume.after.created_at.map(Timestamp::as_microsecond),
                index: Some(resume.index),
                total: resume.total,
                order: Some(match resume.order {
                    ListOrder::NewestFirst => WireOrder::NewestFirst,
                    ListOrder::OldestFirst => WireOrder::OldestFirst,
                    ListOrder::Unsorted => WireOrder::Unsorted,
                }),
            },
        }
    }
}

impl WirePosition {
    fn into_position(self) -> Option<Position> {
        let Some(order) = self.order else {
            return (self.number <= i64::MAX as u64).then_some(Position::Numbered(self.number));
        };
        let created_at = match self.microsecond {
            Some(microsecond) => Some(Timestamp::from_microsecond(microsecond).ok()?),
            None => None,
        };
        let index = self.index.filter(|index| *index <= MAX_INDEX)?;
        Some(Position::Dated(Resume {
            after: Place {
                created_at,
                number: VendorNumber::new(self.number)?,
            },
            index,
            total: self.total,
            order: match order {
                WireOrder::NewestFirst => ListOrder::NewestFirst,
                WireOrder::OldestFirst => ListOrder::OldestFirst,
                WireOrder::Unsorted => ListOrder::Unsorted,
            },
        }))
    }
}
