//! One page of one list out of the vendors' lists: reads windows of each until the page is certain.

use std::{future::Future, sync::Arc};

use futures_util::future::join_all;

use super::{
    Position, Window,
    position::Dated,
    reader::{Older, Start, Want},
    span::{Second, second_of},
};
use crate::{domain::Vendor, error::Result};

/// One vendor's list, as the merge reads it.
pub trait Feed<T: Dated> {
    fn vendor(&self) -> Vendor;

    /// A cached window that holds that second.
    fn cached_at(&self, second: Second) -> Option<Arc<Window<T>>>;

    /// The same to learn from, not to answer from; without a second the newest window, however old.
    fn recent(&self, second: Option<Second>) -> Option<Arc<Window<T>>>;

    /// A window that ends at that second, or without one is open towards the future.
    fn window(
        &self,
        upper: Option<Second>,
        want: Want,
    ) -> impl Future<Output = Result<Arc<Window<T>>>> + Send;

    /// Whether the list has objects that no window shows, because they have no creation time.
    fn has_undated(&self) -> impl Future<Output = Result<bool>> + Send;

    /// Objects without a creation time, of the whole list.
    fn undated(&self) -> impl Future<Output = Result<Vec<Arc<T>>>> + Send;

    /// Whether the object belongs to the list, where the gateway applies a filter itself.
    fn admits(&self, object: &T) -> bool;

    /// Whether another window may be read.
    fn has_budget(&self) -> bool;

    /// The most objects that one window should hold, and the time.
    fn most_rows(&self) -> usize;
    fn now(&self) -> Second;
}

/// One page of the merged list.
#[derive(Debug)]
pub struct MergedPage<T> {
    pub nodes: Vec<(Position, Arc<T>)>,
    pub has_next: bool,
    /// Where the next page goes on, where that is further than the last object.
    pub end: Option<Position>,
    /// Whether objects without a creation time were seen, which the last pages have to give.
    pub saw_undated: bool,
    pub parts: Vec<Part>,
}

/// How the reading of one vendor's list ended.
#[derive(Debug)]
pub struct Part {
    pub vendor: Vendor,
    pub outcome: Result<PartRead>,
}

#[derive(Debug, Clone, Copy, Default)]
pub struct PartRead {
    /// The number of objects, where the whole list was read from its beginning.
    pub counted: Option<u64>,
    /// The vendor's own total, where the reading showed it.
    pub list_total: Option<u64>,
    /// A span that holds more than may be read.
    pub too_large: Option<super::Span>,
}

/// What was read of one vendor's list so far.
struct Track<'a, T, F> {
    feed: &'a F,
    /// After the cursor, newest first.
    rows: Vec<Arc<T>>,
    reached: Reached,
    start: Start,
    /// What the last window was meant to hold.
    wanted: usize,
    saw_undated: bool,
    undated: Option<Vec<Arc<T>>>,
    read: PartRead,
    failure: Option<crate::error::Error>,
}

/// How far back a list is known whole.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Reached {
    /// Not read yet; it goes on at that second, or at its newest end.
    Nothing(Option<Second>),
    /// Everything from that second on is known.
    Second(Second, Older),
    End,
}

/// How far back all lists are known.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Frontier {
    /// Some list is not read yet.
    Unread,
    /// All lists are known from that second on, and some list no further.
    Second(Second),
    /// All lists are known to their ends.
    End,
}

/// Reads a page of at most `limit` objects after a position.
pub async fn merged_page<T, F>(
    feeds: &[F],
    after: Option<Position>,
    after_saw_undated: bool,
    limit: usize,
) -> MergedPage<T>
where
    T: Dated + Send + Sync,
    F: Feed<T> + Sync,
{
    let mut tracks: Vec<Track<'_, T, F>> =
        feeds.iter().map(|feed| Track::new(feed, after)).collect();

    loop {
        let certain = certain_count(&tracks);
        let frontier = frontier(&tracks);
        if frontier == Frontier::End {
            break;
        }
        let has_more_rows = certain > limit;
        let is_full = certain == limit && tracks.iter().any(Track::has_older);
        if has_more_rows || is_full {
            break;
        }
        let lacking = limit.saturating_sub(certain).max(1);
        let mut extended = 0;
        let extending = tracks
            .iter_mut()
            .filter(|track| track.is_at(frontier) && track.feed.has_budget())
            .map(|track| {
                extended += 1;
                track.extend(after, lacking)
            });
        let extending: Vec<_> = extending.collect();
        join_all(extending).await;
        if extended == 0 {
            break;
        }
    }

    // The objects without a creation time come last, once everything else was given.
    let at_end = frontier(&tracks) == Frontier::End;
    let saw_undated = after_saw_undated || tracks.iter().any(|track| track.saw_undated);
    if at_end && certain_count(&tracks) <= limit {
        let reading = tracks
            .iter_mut()
            .map(|track| track.read_undated(saw_undated));
        join_all(reading).await;
    }
    page(tracks, after, limit, saw_undated)
}

fn page<T: Dated, F: Feed<T>>(
    tracks: Vec<Track<'_, T, F>>,
    after: Option<Position>,
    limit: usize,
    saw_undated: bool,
) -> MergedPage<T> {
    let frontier = frontier(&tracks);
    let mut nodes: Vec<(Position, Arc<T>)> = Vec::new();
    for track in tracks.iter().filter(|track| track.failure.is_none()) {
        let vendor = track.feed.vendor();
        let given = track
            .rows
            .iter()
            .take_while(|row| is_certain(row, frontier));
        nodes.extend(given.map(|row| (row.position(vendor), Arc::clone(row))));
        if frontier == Frontier::End {
            let undated = track.undated.iter().flatten();
            let undated = undated.map(|row| (row.position(vendor), Arc::clone(row)));
            nodes.extend(
                undated.filter(|(position, _)| after.is_none_or(|after| *position > after)),
            );
        }
    }
    nodes.sort_unstable_by_key(|(position, _)| *position);

    let is_end = frontier == Frontier::End;
    let has_next = nodes.len() > limit || !is_end;
    let is_short = nodes.len() < limit && !is_end;
    nodes.truncate(limit);
    let end = match frontier {
        Frontier::Second(second) if is_short => Position::behind(second),
        _ => None,
    };
    MergedPage {
        nodes,
        has_next,
        end,
        saw_undated,
        parts: tracks
            .into_iter()
            .map(|track| track.into_part(after))
            .collect(),
    }
}

fn frontier<T: Dated, F: Feed<T>>(tracks: &[Track<'_, T, F>]) -> Frontier {
    let mut newest = None;
    for track in tracks.iter().filter(|track| track.failure.is_none()) {
        match track.reached {
            Reached::Nothing(_) => return Frontier::Unread,
            Reached::Second(second, _) => newest = newest.max(Some(second)),
            Reached::End => {}
        }
    }
    newest.map_or(Frontier::End, Frontier::Second)
}

fn certain_count<T: Dated, F: Feed<T>>(tracks: &[Track<'_, T, F>]) -> usize {
    let frontier = frontier(tracks);
    let certain = |track: &Track<'_, T, F>| {
        let rows = track.rows.iter();
        rows.take_while(|row| is_certain(row, frontier)).count()
    };
    let read = tracks.iter().filter(|track| track.failure.is_none());
    read.map(certain).sum()
}

/// Whether no list can still have an object that comes before the row.
fn is_certain<T: Dated>(row: &Arc<T>, frontier: Frontier) -> bool {
    match frontier {
        Frontier::Unread => false,
        Frontier::Second(frontier) => row
            .created_second()
            .is_some_and(|second| second >= frontier),
        Frontier::End => true,
    }
}

impl<'a, T, F> Track<'a, T, F>
where
    T: Dated,
    F: Feed<T>,
{
    fn new(feed: &'a F, after: Option<Position>) -> Self {
        let reached = match after {
            None => Reached::Nothing(None),
            Some(after) => match after.created_at.map(second_of) {
                Some(second) if after.is_behind_its_second() => Reached::Nothing(Some(second - 1)),
                Some(second) => Reached::Nothing(Some(second)),
                // Only what has no creation time is left.
                None => Reached::End,
            },
        };
        Self {
            feed,
            rows: Vec::new(),
            reached,
            start: Start::Observed,
            wanted: 0,
            saw_undated: false,
            undated: None,
            read: PartRead::default(),
            failure: None,
        }
    }

    fn is_at(&self, frontier: Frontier) -> bool {
        self.failure.is_none()
            && match (self.reached, frontier) {
                (Reached::Nothing(_), _) => true,
                (Reached::Second(second, _), Frontier::Second(frontier)) => second >= frontier,
                _ => false,
            }
    }

    fn has_older(&self) -> bool {
        self.failure.is_none() && matches!(self.reached, Reached::Second(_, Older::Some))
    }

    /// Takes one more window: a cached one, or a new one.
    async fn extend(&mut self, after: Option<Position>, lacking: usize) {
        let upper = match self.reached {
            Reached::Nothing(upper) => upper,
            Reached::Second(second, _) => Some(second - 1),
            Reached::End => return,
        };
        let cached = upper.and_then(|upper| self.feed.cached_at(upper));
        let window = match cached {
            Some(window) => Ok(window),
            None => {
                let want = self.want(upper, lacking);
                self.wanted = want.rows;
                self.feed.window(upper, want).await
            }
        };
        match window {
            Ok(window) => self.take(&window, after, upper),
            Err(error) => self.failure = Some(error),
        }
    }

    /// A walk that goes fast enough to find the window before this one in the cache reads more at a time.
    fn want(&self, upper: Option<Second>, lacking: usize) -> Want {
        let now = self.feed.now();
        let Some(upper) = upper else {
            let start = match self.feed.recent(None) {
                Some(newest) => restart(&newest, lacking),
                None => Start::Observed,
            };
            return Want {
                rows: lacking,
                start,
            };
        };
        match self.feed.recent(upper.checked_add(1)) {
            Some(newer) => {
                let grown = (newer.rows.len() * 2).min(self.feed.most_rows());
                let start = match (self.start, newer.gap(now)) {
                    (Start::Observed, Some(gap)) if newer.span.to.is_some() => Start::Gap(gap),
                    (start, _) => start,
                };
                Want {
                    rows: lacking.max(grown),
                    start,
                }
            }
            None => Want {
                rows: lacking,
                start: self.start,
            },
        }
    }

    fn take(&mut self, window: &Window<T>, after: Option<Position>, upper: Option<Second>) {
        let vendor = self.feed.vendor();
        let taken_before = self.rows.len();
        let is_after_cursor = |row: &Arc<T>| after.is_none_or(|after| row.position(vendor) > after);
        let is_within = |row: &Arc<T>| {
            upper.is_none_or(|upper| row.created_second().is_some_and(|second| second <= upper))
        };
        let rows = window.rows.iter();
        let rows =
            rows.filter(|row| is_within(row) && is_after_cursor(row) && self.feed.admits(row));
        let rows: Vec<_> = rows.cloned().collect();
        self.rows.extend(rows);

        if window.is_too_large {
            self.read.too_large = Some(window.span);
        }
        self.saw_undated |= !window.undated.is_empty();
        self.read.list_total = self.read.list_total.or(window.list_total);
        if window.span.from.is_none() && window.span.to.is_none() {
            let undated = window.undated.iter();
            let mut undated: Vec<_> = undated
                .filter(|row| self.feed.admits(row))
                .cloned()
                .collect();
            undated.sort_unstable_by_key(|row| row.position(vendor));
            self.undated = Some(undated);
        }

        self.reached = match window.span.from {
            None => Reached::End,
            Some(from) => Reached::Second(from, window.older),
        };
        // Where a window held far less than it was meant to, the next one is chosen after a look at the rest of the list.
        let found = (self.rows.len() - taken_before).max(window.rows.len());
        self.start = match found * 5 < self.wanted * 2 {
            true => Start::Probe,
            false => Start::Observed,
        };
    }

    async fn read_undated(&mut self, were_seen: bool) {
        if self.undated.is_some() || self.failure.is_some() {
            return;
        }
        let undated = async {
            match were_seen || self.feed.has_undated().await? {
                true => self.feed.undated().await,
                false => Ok(Vec::new()),
            }
        };
        match undated.await {
            Ok(undated) => {
                let admitted = undated.into_iter().filter(|row| self.feed.admits(row));
                self.undated = Some(admitted.collect());
            }
            Err(error) => self.failure = Some(error),
        }
    }

    fn into_part(self, after: Option<Position>) -> Part {
        let counted = (after.is_none() && self.reached == Reached::End).then(|| {
            let undated = self.undated.map_or(0, |undated| undated.len());
            (self.rows.len() + undated) as u64
        });
        Part {
            vendor: self.feed.vendor(),
            outcome: match self.failure {
                Some(error) => Err(error),
                None => Ok(PartRead {
                    counted,
                    ..self.read
                }),
            },
        }
    }
}

/// Where the newest window should begin, after one that was read before: at an object that leaves enough to spare.
fn restart<T: Dated>(newest: &Window<T>, wanted: usize) -> Start {
    let index = wanted + wanted / 4 + 2;
    let row = newest.rows.get(index.saturating_sub(1));
    match (row.and_then(|row| row.created_second()), newest.span.from) {
        (Some(second), _) => Start::At(second),
        (None, Some(from)) if newest.rows.len() >= wanted => Start::At(from),
        (None, None) => Start::Probe,
        _ => Start::Observed,
    }
}
