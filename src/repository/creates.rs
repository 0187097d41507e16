//! What the process knows of its creates: those whose fate is open, and the tickets that they created. A search for the ticket of
//! one create must not take the ticket of another.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use jiff::Timestamp;

use super::idempotency::{Digest, KEY_TTL};
use crate::domain::{Canonical, Change, Ticket, TicketChanges, TicketId};

/// How many creates of open fate are remembered. The oldest is forgotten first.
const MAX_OPEN: usize = 10_000;
/// How many created tickets are remembered.
const MAX_CREATED: u64 = 50_000;

/// How long a create of unknown outcome is waited for.
#[derive(Debug, Clone, Copy)]
pub struct CreateSettings {
    /// How long a create goes on after its caller's deadline.
    pub background: Duration,
    /// How long the vendor may still execute a create whose connection has ended.
    pub settling: Duration,
    /// How far the vendor's clock may differ from ours.
    pub clock_tolerance: Duration,
}

impl Default for CreateSettings {
    fn default() -> Self {
        Self {
            background: Duration::from_secs(60),
            settling: Duration::from_secs(60),
            clock_tolerance: Duration::from_secs(60),
        }
    }
}

/// Each create from its start until its fate is known or its retention is over, and the ids of created tickets for as long as a
/// key is retained.
pub(super) struct Creates {
    pub(super) settings: CreateSettings,
    known: Mutex<Known>,
}

struct Known {
    next_number: u64,
    open: BTreeMap<u64, OpenCreate>,
    created: moka::sync::Cache<TicketId, ()>,
}

struct OpenCreate {
    sent: SentCreate,
    /// Set once its connection ended without an answer.
    ended_at: Option<Timestamp>,
}

/// A create that the vendor may have executed.
#[derive(Debug, Clone, Copy)]
pub(super) struct SentCreate {
    number: u64,
    likeness: Likeness,
    /// Before it was sent.
    since: Timestamp,
}

/// What a ticket is recognized by: its subject and content, as far as a vendor leaves them as they were sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Likeness(Digest);

/// What a search found for a create.
#[derive(Debug)]
pub(super) enum Found {
    Nothing,
    Ticket(Arc<Ticket>),
    /// More than one ticket could be the create's, or one ticket could be that of several creates.
    Ambiguous,
}

impl Creates {
    pub(super) fn new(settings: CreateSettings) -> Self {
        let created = moka::sync::Cache::builder()
            .max_capacity(MAX_CREATED)
            .eviction_policy(moka::policy::EvictionPolicy::lru())
            .time_to_live(KEY_TTL)
            .build();
        let known = Known {
            next_number: 0,
            open: BTreeMap::new(),
            created,
        };
        Self {
            settings,
            known: Mutex::new(known),
        }
    }

    /// Called before a create is sent.
    pub(super) fn begin(&self, changes: &TicketChanges, now: Timestamp) -> SentCreate {
        let mut known = self.known();
        let is_outdated = |create: &OpenCreate| is_over(create.sent.since, KEY_TTL, now);
        known.open.retain(|_, create| !is_outdated(create));
        if known.open.len() >= MAX_OPEN {
            known.open.pop_first();
        }
        let sent = SentCreate {
            number: known.next_number,
            likeness: Likeness::of_changes(changes),
            since: now,
        };
        known.next_number += 1;
        let create = OpenCreate {
            sent,
            ended_at: None,
        };
        known.open.insert(sent.number, create);
        sent
    }

    /// The connection of a create ended without an answer.
    pub(super) fn end(&self, sent: SentCreate, now: Timestamp) {
        if let Some(create) = self.known().open.get_mut(&sent.number) {
            create.ended_at = Some(now);
        }
    }

    /// The fate of a create is known: it created this ticket, or none.
    pub(super) fn settle(&self, sent: SentCreate, ticket: Option<TicketId>) {
        self.known().settle(sent, ticket);
    }

    /// From when on a ticket may be the create's.
    pub(super) fn earliest(&self, sent: SentCreate) -> Timestamp {
        // The vendor's times are whole seconds.
        before(sent.since, self.settings.clock_tolerance + SECOND)
    }

    /// Whether the vendor no longer executes a create whose connection ended at that time.
    pub(super) fn is_past(&self, ended_at: Timestamp, now: Timestamp) -> bool {
        is_over(ended_at, self.settings.settling, now)
    }

    /// The ticket of a create among these. It is the create's from then on.
    pub(super) fn claim<'a>(
        &self,
        sent: SentCreate,
        tickets: impl Iterator<Item = &'a Arc<Ticket>>,
    ) -> Found {
        let mut known = self.known();
        let earliest = self.earliest(sent);
        let mut candidates: Vec<&Arc<Ticket>> = tickets
            .filter(|ticket| Likeness::of(ticket) == sent.likeness)
            .filter(|ticket| created_at(ticket).is_none_or(|at| at >= earliest))
            .filter(|ticket| !known.created.contains_key(&ticket.id))
            .collect();
        candidates.sort_by_key(|ticket| ticket.id);
        candidates.dedup_by_key(|ticket| ticket.id);

        let ticket = match candidates[..] {
            [] => return Found::Nothing,
            [ticket] => ticket,
            _ => return Found::Ambiguous,
        };
        let Some(at) = created_at(ticket) else {
            return Found::Ambiguous;
        };
        let others = known
            .open
            .values()
            .filter(|create| create.sent.number != sent.number);
        let may_be_anothers = others
            .filter(|create| create.sent.likeness == sent.likeness)
            .any(|create| self.may_have_created_at(create, at));
        if may_be_anothers {
            return Found::Ambiguous;
        }
        known.settle(sent, Some(ticket.id));
        Found::Ticket(Arc::clone(ticket))
    }

    fn may_have_created_at(&self, create: &OpenCreate, at: Timestamp) -> bool {
        let settings = self.settings;
        let is_before_end = create.ended_at.is_none_or(|ended_at| {
            !is_over(
                ended_at,
                settings.settling + settings.clock_tolerance + SECOND,
                at,
            )
        });
        at >= self.earliest(create.sent) && is_before_end
    }

    fn known(&self) -> MutexGuard<'_, Known> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Known {
    fn settle(&mut self, sent: SentCreate, ticket: Option<TicketId>) {
        if let Some(ticket) = ticket {
            self.created.insert(ticket, ());
        }
        self.open.remove(&sent.number);
    }
}

impl Likeness {
    fn of_changes(changes: &TicketChanges) -> Self {
        let text = |change: &Change<String>| match change {
            Change::Set(text) => plain(text),
            Change::Keep | Change::Clear => String::new(),
        };
        Self::new(&text(&changes.subject), &text(&changes.content))
    }

    fn of(ticket: &Ticket) -> Self {
        let text = |text: &Option<String>| text.as_deref().map_or(String::new(), plain);
        Self::new(&text(&ticket.subject), &text(&ticket.content))
    }

    fn new(subject: &str, content: &str) -> Self {
        let canonical = Canonical::new("likeness")
            .field("subject", Some(subject))
            .field("content", Some(content));
        Self(Digest::of(&canonical))
    }
}

const SECOND: Duration = Duration::from_secs(1);

/// The characters that are escaped in HTML, by the rest of their escapes.
const ESCAPES: [(&str, char); 7] = [
    ("lt;", '<'),
    ("gt;", '>'),
    ("quot;", '"'),
    ("#39;", '\''),
    ("#039;", '\''),
    ("#x27;", '\''),
    ("apos;", '\''),
];

/// A text without what a vendor may change of it: blanks around it, the ends of lines, and escapes of HTML, once or more.
fn plain(text: &str) -> String {
    let is_blank =
        |character: char| character.is_whitespace() || "\0\u{feff}\u{200b}".contains(character);
    let mut plain = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find('&') {
        plain.push_str(&rest[..at]);
        rest = &rest[at + 1..];
        while let Some(shorter) = rest.strip_prefix("amp;") {
            rest = shorter;
        }
        let escaped = ESCAPES.iter().find_map(|(escape, character)| {
            rest.strip_prefix(escape)
                .map(|shorter| (shorter, *character))
        });
        match escaped {
            Some((shorter, character)) => {
                plain.push(character);
                rest = shorter;
            }
            None => plain.push('&'),
        }
    }
    plain.push_str(rest);
    plain
        .replace("\r\n", "\n")
        .trim_matches(is_blank)
        .to_owned()
}

fn created_at(ticket: &Ticket) -> Option<Timestamp> {
    ticket.created_at.map(|at| at.timestamp)
}

fn before(at: Timestamp, duration: Duration) -> Timestamp {
    at.checked_sub(duration).unwrap_or(Timestamp::MIN)
}

fn is_over(since: Timestamp, duration: Duration, now: Timestamp) -> bool {
    since.checked_add(duration).is_ok_and(|end| end <= now)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_are_alike_however_a_vendor_escaped_or_trimmed_them() {
        for (sent, stored) in [
            (" a \n", "a"),
            ("\u{feff}a\u{200b}", "a"),
            ("a\r\nb", "a\nb"),
            ("<b> & \"it's\"", "&lt;b&gt; &amp; &quot;it&#039;s&quot;"),
            ("it's", "it&#39;s"),
            ("&amp;", "&amp;amp;"),
            ("R&D; &lt", "R&amp;D; &amp;lt"),
            ("", "  "),
        ] {
            assert_eq!(plain(sent), plain(stored), "{sent}");
        }
        for (one, other) in [("a b", "ab"), ("<", ">"), ("a&b", "ab"), ("a", "A")] {
            assert_ne!(plain(one), plain(other));
        }
    }

    #[test]
    fn a_create_may_have_created_what_is_as_old_as_its_sending() {
        let creates = Creates::new(CreateSettings::default());
        let now: Timestamp = "2026-01-01T00:00:00Z".parse().expect("it is a time");
        let sent = creates.begin(&TicketChanges::default(), now);
        let second = |second: i64| now + jiff::SignedDuration::from_secs(second);
        assert_eq!(creates.earliest(sent), second(-61));

        creates.end(sent, second(10));
        let known = creates.known();
        let create = known.open.values().next().expect("its fate is open");
        let may_have = |at: i64| creates.may_have_created_at(create, second(at));
        assert!(may_have(-61) && may_have(10) && may_have(130));
        assert!(!may_have(-62) && !may_have(131));
        assert!(
            !creates.is_past(second(10), second(69)) && creates.is_past(second(10), second(70))
        );
    }

    #[test]
    fn creates_of_open_fate_are_forgotten_with_their_keys_and_beyond_their_bound() {
        let creates = Creates::new(CreateSettings::default());
        let now = Timestamp::now();
        let changes = TicketChanges::default();
        for _ in 0..=MAX_OPEN {
            creates.begin(&changes, now);
        }
        assert_eq!(creates.known().open.len(), MAX_OPEN);
        creates.begin(&changes, now + KEY_TTL);
        assert_eq!(creates.known().open.len(), 1);
    }
}
