//! Chooses a window that ends at a given time and holds about as many objects as are wanted, and reads it whole.

use std::{cmp::Reverse, future::Future, sync::Arc};

use tokio::time::Instant;

use super::{
    Budget, ListKind, Observations,
    density::Observed,
    pages::{Allowed, Known, PageReader, PagesRead, Rows},
    position::Dated,
    sample::{Probed, Sample, back, target},
    span::{Granularity, Range, Second, Span},
};
use crate::{
    domain::{ListOrder, VendorErrorCode, VendorPage, VendorPageRequest, VendorZone},
    error::{Error, Result},
};

/// One of a vendor's lists.
pub struct ListReader<'a, Fetch> {
    pub kind: ListKind,
    pub observations: &'a Observations,
    pub granularity: Granularity<'a>,
    pub zone: &'a VendorZone,
    /// The bounds that the client set: nothing outside them is in the list.
    pub range: Range,
    /// The number of rows requested per page.
    pub page_size: u32,
    pub order: Option<ListOrder>,
    pub now: Second,
    /// The rows of one page of a span.
    pub fetch: Fetch,
}

/// Objects of a list that were created in one span, all of them.
#[derive(Debug, Clone)]
pub struct Window<T> {
    /// An open `from` is the beginning of the list.
    pub span: Span,
    /// Newest first.
    pub rows: Vec<Arc<T>>,
    /// Objects without a creation time that came along; all of the list where the span has no bounds.
    pub undated: Vec<Arc<T>>,
    pub older: Older,
    /// The total of the list, where the reading showed it.
    pub list_total: Option<u64>,
    /// Set where the span holds more than may be read: it has no rows then.
    pub is_too_large: bool,
    /// How many calls it took.
    pub calls: u32,
}

/// Whether the list has objects that are older than a window.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Older {
    None,
    Some,
    Unknown,
}

/// What a caller wants of a window.
#[derive(Debug, Clone, Copy)]
pub struct Want {
    /// How many objects, about.
    pub rows: usize,
    pub start: Start,
}

/// Where to begin the window.
#[derive(Debug, Clone, Copy)]
pub enum Start {
    /// As the density that was observed says.
    Observed,
    /// At that second.
    At(Second),
    /// So far back as so many seconds between two objects say.
    Gap(f64),
    /// Look first: nothing is known of this part of the list.
    Probe,
}

/// A window is narrowed at most that often before its list is taken to be unreadable.
const MOST_TRIES: usize = 40;

/// Rows that are further outside the requested time show a filter that is not applied at all.
const MOST_SLACK: Second = 2 * 86_400;

/// Reading a window again while its rows move is worth that many tries with half the length.
const MOST_HALVINGS: usize = 3;

impl<Fetch> ListReader<'_, Fetch> {
    /// A window that ends at `upper`, or is open towards the future, with at least one whole unit of time.
    pub async fn window<T, Answer>(
        &self,
        budget: &Budget,
        upper: Option<Second>,
        want: Want,
    ) -> Result<Window<T>>
    where
        T: Dated,
        Fetch: Fn(Span, VendorPageRequest) -> Answer,
        Answer: Future<Output = Result<VendorPage<T>>>,
    {
        let edge = self.range.span();
        let to = match (upper, edge.to) {
            (Some(upper), Some(to)) => Some(upper.min(to)),
            (upper, to) => upper.or(to),
        };
        let mut from = self.start(want, to);
        let mut probed = Probed::default();
        let mut halvings = 0;
        // Set once the window can't be made shorter: then it is read whole, whatever it takes.
        let mut is_smallest = false;
        let calls_before = budget.left();

        for _ in 0..MOST_TRIES {
            let observed = self.observations.of(self.kind);
            let span = self.span(from, to, &observed);
            let target = target(want.rows, self.granted(&observed));
            is_smallest |= self.is_smallest(span) || observed.ignores_time;
            let allowed = match is_smallest {
                _ if observed.repeats_first_page => Allowed::Pages(1),
                true => Allowed::Budget,
                false => Allowed::Rows(most_rows(target, self.granted(&observed))),
            };
            let pages = self.pages(budget, &observed);
            let known = probed.known(self.requested(span, &observed));
            match pages
                .read(self.requested(span, &observed), allowed, known)
                .await?
            {
                PagesRead::Whole(rows) => {
                    self.note_pages(&rows);
                    if self.is_outside(&rows, span, &observed) {
                        continue;
                    }
                    return Ok(Window {
                        calls: calls_before.saturating_sub(budget.left()),
                        ..self.whole(span, rows, &probed, &observed)
                    });
                }
                PagesRead::TooMany { first, total } => {
                    self.note_pages(&first);
                    if self.is_outside(&first, span, &observed) {
                        continue;
                    }
                    if observed.ignores_time {
                        return Err(self.contradiction());
                    }
                    if is_smallest {
                        return Ok(Window::too_large(span));
                    }
                    let sample = Sample::new(&first, total, span);
                    let is_open = span.from == edge.from;
                    let mut first = first;
                    let sample = match sample.last_page(want.rows, self.page_size, self.order) {
                        Some(request) if budget.left() > 1 => {
                            let last = pages.one(self.requested(span, &observed), request).await?;
                            first.items.extend(last.items.iter().cloned());
                            sample.with_last_page(last.items)
                        }
                        _ => sample,
                    };
                    let granted = self.granted(&self.observations.of(self.kind));
                    let chosen = sample.start(want.rows, granted, span, self.now);
                    match self.shorter(span, chosen, sample.newest()) {
                        Some(shorter) => from = Some(shorter),
                        None => is_smallest = true,
                    }
                    if is_open {
                        probed = Probed::new(
                            sample,
                            first,
                            total,
                            upper.is_none() && edge == Span::EVERYTHING,
                        );
                    }
                }
                PagesRead::Moved => {
                    halvings += 1;
                    let shorter = self.shorter(span, None, span.to.unwrap_or(self.now));
                    if halvings > MOST_HALVINGS || shorter.is_none() || budget.left() == 0 {
                        return Err(self.contradiction());
                    }
                    from = shorter;
                }
            }
            if budget.left() == 0 {
                return Ok(Window::too_large(span));
            }
        }
        Err(self.contradiction())
    }

    /// Everything in one span, read whole where that takes no more pages than the budget has.
    pub async fn exactly<T, Answer>(&self, budget: &Budget, span: Span) -> Result<Window<T>>
    where
        T: Dated,
        Fetch: Fn(Span, VendorPageRequest) -> Answer,
        Answer: Future<Output = Result<VendorPage<T>>>,
    {
        for _ in 0..MOST_TRIES {
            let observed = self.observations.of(self.kind);
            let pages = self.pages(budget, &observed);
            let requested = self.requested(span, &observed);
            let read = pages.read(requested, Allowed::Budget, Known::Some(Vec::new()));
            match read.await? {
                PagesRead::Whole(rows) => {
                    self.note_pages(&rows);
                    let is_outside = self.is_outside(&rows, span, &observed);
                    let now_observed = self.observations.of(self.kind);
                    // Where the time is ignored, the whole list was read.
                    if is_outside && !now_observed.ignores_time && budget.left() > 0 {
                        continue;
                    }
                    return Ok(self.whole(span, rows, &Probed::default(), &now_observed));
                }
                PagesRead::TooMany { .. } => return Ok(Window::too_large(span)),
                PagesRead::Moved => return Err(self.contradiction()),
            }
        }
        Err(self.contradiction())
    }

    fn pages<'r>(&'r self, budget: &'r Budget, observed: &Observed) -> PageReader<'r, &'r Fetch> {
        PageReader {
            fetch: &self.fetch,
            page_size: self.page_size,
            budget,
            granted: observed.granted,
            reports_next: observed.reports_next,
        }
    }

    fn start(&self, want: Want, to: Option<Second>) -> Option<Second> {
        let observed = self.observations.of(self.kind);
        let (end, gap) = match (want.start, to) {
            (Start::Probe, _) => return None,
            (Start::At(second), _) => return Some(second),
            (Start::Gap(gap), to) => (to.unwrap_or(self.now), gap),
            (Start::Observed, None) => observed.head?,
            (Start::Observed, Some(to)) => {
                let head_gap = observed.head.map(|(_, gap)| gap);
                (to, observed.gap.or(head_gap)?)
            }
        };
        Some(back(
            end,
            gap,
            target(want.rows, self.granted(&observed)) as f64,
        ))
    }

    /// The whole units of the window, as far as the client's bounds reach.
    fn span(&self, from: Option<Second>, to: Option<Second>, observed: &Observed) -> Span {
        if observed.ignores_time {
            return Span::EVERYTHING;
        }
        let edge = self.range.span();
        let aligned = self.granularity.aligned(Span { from, to });
        let reaches_edge = match (aligned.from, edge.from) {
            (Some(from), Some(edge)) => from <= edge,
            (None, _) => true,
            (Some(_), None) => false,
        };
        Span {
            from: if reaches_edge {
                edge.from
            } else {
                aligned.from
            },
            to: aligned.to,
        }
    }

    /// The time range to request, widened by as much as the vendor's filter was seen to need.
    fn requested(&self, span: Span, observed: &Observed) -> Span {
        self.granularity.requested(Span {
            from: span.from.map(|from| from.saturating_sub(observed.slack)),
            to: span.to.map(|to| to.saturating_add(observed.slack)),
        })
    }

    fn is_smallest(&self, span: Span) -> bool {
        match (span.from, span.to) {
            (Some(from), Some(to)) => self.granularity.is_smallest(from, to),
            _ => false,
        }
    }

    fn granted(&self, observed: &Observed) -> u64 {
        u64::from(
            observed
                .granted
                .unwrap_or(self.page_size)
                .min(self.page_size),
        )
        .max(1)
    }

    fn note_pages<T: Dated>(&self, rows: &Rows<T>) {
        if rows.granted.is_some() || rows.reports_next || rows.repeats_first_page {
            self.observations.note(self.kind, |observed| {
                observed.granted = rows.granted.or(observed.granted);
                observed.reports_next |= rows.reports_next;
                observed.repeats_first_page |= rows.repeats_first_page;
            });
        }
    }

    /// Whether the vendor returned rows outside the requested time range, which shows how its filter works. Later requests use a
    /// wider range where those rows are near it, and no range where they are not.
    fn is_outside<T: Dated>(&self, rows: &Rows<T>, span: Span, observed: &Observed) -> bool {
        let furthest_from = |span: Span| {
            let seconds = rows.items.iter().filter_map(|row| row.created_second());
            seconds.map(|second| span.distance(second)).max()
        };
        let distance = furthest_from(self.requested(span, observed));
        let Some(distance) = distance.filter(|distance| *distance > 0 && !observed.ignores_time)
        else {
            return false;
        };

        // Not counted from the widened range, which may end on a whole day: seconds added to the slack could leave it as it is.
        let needed = furthest_from(self.granularity.requested(span)).unwrap_or(distance);
        let slack = needed + needed / 4 + 1;
        let ignores_time = slack > MOST_SLACK;
        self.observations.note(self.kind, |observed| {
            observed.outside_seen_at = Some(Instant::now());
            match ignores_time {
                true => observed.ignores_time = true,
                false => observed.slack = slack,
            }
        });
        let (vendor, noun, _) = self.kind;
        let time_zone = format!("DESKGRAPH_{}__TIME_ZONE", vendor.slug().to_uppercase());
        tracing::warn!(
            target: "deskgraph::listing",
            vendor = vendor.slug(),
            list = noun,
            filter.parameter = "creation time",
            setting = time_zone,
            filter.is_ignored = ignores_time,
            filter.seconds_outside = distance,
            "the vendor returned rows outside the requested creation time: a wider span is requested from now on"
        );
        true
    }

    fn whole<T: Dated>(
        &self,
        span: Span,
        rows: Rows<T>,
        probed: &Probed<T>,
        observed: &Observed,
    ) -> Window<T> {
        let is_everything = span == Span::EVERYTHING;
        let count = rows.items.len() as u64;
        let reaches_edge = span.from == self.range.span().from;
        let covered = Span {
            from: span.from.filter(|_| !reaches_edge),
            to: span.to,
        };
        let (mut dated, mut undated): (Vec<_>, Vec<_>) = rows
            .items
            .into_iter()
            .partition(|row| row.created_at().is_some());
        // What has no creation time is outside all bounds of it.
        if self.range.span() != Span::EVERYTHING {
            undated.clear();
        }
        dated.retain(|row| {
            let created = row.created_at().map(|at| at.timestamp);
            let is_in_span = row
                .created_second()
                .is_some_and(|second| span.contains(second));
            is_in_span && created.is_some_and(|created| self.range.contains(created))
        });
        dated.sort_by_cached_key(|row| {
            (
                Reverse(row.created_at().map(|at| at.timestamp)),
                Reverse(row.number().get()),
            )
        });
        if !observed.ignores_time {
            self.note_density(covered, &dated);
        }

        let older = match covered.from {
            None => Older::None,
            Some(from) if probed.has_older_than(from, count) => Older::Some,
            Some(_) => Older::Unknown,
        };
        let list_total = match is_everything {
            true => Some(count),
            false => probed.list_total,
        };
        Window {
            span: covered,
            rows: dated,
            undated,
            older,
            list_total,
            is_too_large: false,
            calls: 0,
        }
    }

    fn note_density<T: Dated>(&self, span: Span, rows: &[Arc<T>]) {
        let second = |row: Option<&Arc<T>>| row.and_then(|row| row.created_second());
        let (Some(newest), Some(oldest)) = (second(rows.first()), second(rows.last())) else {
            return;
        };
        let from = span.from.unwrap_or(oldest);
        let length = (span.to.unwrap_or(newest).max(from) - from + 1) as f64;
        let gap = length / rows.len() as f64;
        self.observations.note(self.kind, |observed| match span.to {
            None => observed.head = Some((newest, gap)),
            Some(_) => {
                let known = observed.gap;
                observed.gap = Some(known.map_or(gap, |known| (known + gap) / 2.0));
            }
        });
    }

    /// A later start than the span has, so that the window gets shorter; none where it has to be read as it is.
    fn shorter(&self, span: Span, chosen: Option<Second>, newest: Second) -> Option<Second> {
        let end = span.to.unwrap_or(self.now.max(newest));
        let end = end.max(span.from.unwrap_or(end));
        let is_shorter = |second: &Second| {
            let start = self.granularity.start_of(*second);
            *second <= end && span.from.is_none_or(|from| start > from)
        };
        let observed = self.observations.of(self.kind);
        let requested = self.requested(span, &observed);
        // The seconds added around the range would be read again with each of the parts.
        if let (Some(from), Some(to), Some(requested_from)) = (span.from, span.to, requested.from)
            && to - from <= 4 * (from - requested_from)
        {
            return None;
        }
        if let (Some(from), Some(chosen)) = (span.from, chosen)
            && self.granularity.start_of(chosen) == self.granularity.start_of(from)
        {
            // The wanted rows are in the first unit of the span, which has to be a window of its own: what comes after it, as far
            // as that unit is not requested again, is another.
            let spare = from - requested.from.unwrap_or(from);
            let after_first = self.granularity.end_of(from) + 1 + spare;
            return Some(after_first).filter(is_shorter);
        }
        let half = span.from.map_or(end, |from| from + (end - from) / 2 + 1);
        let candidates = [chosen, Some(half), Some(newest), Some(end)];
        candidates.into_iter().flatten().find(is_shorter)
    }

    /// What the vendor says of its own list can't all be true.
    fn contradiction(&self) -> Error {
        let (vendor, noun, _) = self.kind;
        tracing::warn!(
            target: "deskgraph::listing",
            vendor = vendor.slug(),
            list = noun,
            "the vendor's total and its rows contradict each other"
        );
        Error::vendor(vendor, VendorErrorCode::BadResponse)
    }
}

/// Rather more rows than were meant than a window chosen anew, as long as they are few pages.
fn most_rows(target: u64, granted: u64) -> u64 {
    match target <= granted {
        true => target.saturating_mul(5) / 2,
        false => target.saturating_mul(3) / 2,
    }
}

impl<T> Window<T> {
    fn too_large(span: Span) -> Self {
        Self {
            span,
            rows: Vec::new(),
            undated: Vec::new(),
            older: Older::Unknown,
            list_total: None,
            is_too_large: true,
            calls: 1,
        }
    }

    /// Seconds between two of its objects; none where it has too few to tell.
    pub(super) fn gap(&self, now: Second) -> Option<f64>
    where
        T: Dated,
    {
        let oldest = self.rows.last()?.created_second()?;
        let from = self.span.from.unwrap_or(oldest);
        let length = self.span.to.unwrap_or(now).max(from) - from + 1;
        (self.rows.len() > 1).then(|| length as f64 / self.rows.len() as f64)
    }
}
