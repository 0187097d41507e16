//! Reads all pages of one span of a vendor's list, and judges whether what came is the whole of it.

use std::{
    collections::HashMap,
    future::Future,
    sync::{
        Arc,
        atomic::{AtomicU32, Ordering},
    },
};

use futures_util::future::join_all;

use super::{position::Dated, span::Span};
use crate::{
    domain::{VendorPage, VendorPageRequest},
    error::{Error, Result},
};

/// How many vendor calls a reading may still take.
#[derive(Debug)]
pub struct Budget {
    left: AtomicU32,
    /// How many its request had when the reading began, and how many it has in all. Every call is counted where it is sent; this
    /// keeps a reading from pages that it can't have all.
    of_request: Option<(u32, u32)>,
}

impl Budget {
    pub fn new(calls: u32) -> Self {
        Self {
            left: AtomicU32::new(calls),
            of_request: None,
        }
    }

    pub fn of_request(self, left: u32, allowed: u32) -> Self {
        Self {
            of_request: Some((left, allowed)),
            ..self
        }
    }

    pub fn left(&self) -> u32 {
        self.left.load(Ordering::Relaxed)
    }

    /// For calls that are made elsewhere.
    pub fn spend(&self, calls: u32) {
        let spent = |left: u32| Some(left.saturating_sub(calls));
        // The closure never declines.
        let _ = self
            .left
            .fetch_update(Ordering::Relaxed, Ordering::Relaxed, spent);
    }

    fn check_request_has(&self, calls: u64) -> Result<()> {
        match self.of_request {
            Some((left, allowed)) if calls > u64::from(left) => {
                Err(Error::too_many_vendor_calls(allowed))
            }
            _ => Ok(()),
        }
    }
}

/// What the pages of a span gave.
#[derive(Debug)]
pub(super) enum PagesRead<T> {
    Whole(Rows<T>),
    /// There are more pages than were allowed. Only the first was read.
    TooMany {
        first: Rows<T>,
        /// Of the whole span, where the vendor reports it.
        total: Option<u64>,
    },
    /// The rows moved while the pages were read, twice.
    Moved,
}

/// Distinct rows in the order in which the vendor gave them.
#[derive(Debug)]
pub(super) struct Rows<T> {
    pub(super) items: Vec<Arc<T>>,
    by_number: HashMap<u64, usize>,
    unreadable: u64,
    repeated: u64,
    /// How many rows the first page held, where more followed.
    pub(super) granted: Option<u32>,
    /// Whether a page said that another follows.
    pub(super) reports_next: bool,
    /// Whether the pages after the first held nothing but its rows.
    pub(super) repeats_first_page: bool,
}

impl<T> Clone for Rows<T> {
    fn clone(&self) -> Self {
        Self {
            items: self.items.clone(),
            by_number: self.by_number.clone(),
            ..*self
        }
    }
}

impl<T: Dated> Rows<T> {
    pub(super) fn new() -> Self {
        Self {
            items: Vec::new(),
            by_number: HashMap::new(),
            unreadable: 0,
            repeated: 0,
            granted: None,
            reports_next: false,
            repeats_first_page: false,
        }
    }

    pub(super) fn of(items: impl IntoIterator<Item = Arc<T>>) -> Self {
        let mut rows = Self::new();
        items.into_iter().for_each(|item| rows.add(item));
        rows
    }

    fn add(&mut self, item: Arc<T>) {
        match self.by_number.entry(item.number().get()) {
            std::collections::hash_map::Entry::Occupied(_) => self.repeated += 1,
            std::collections::hash_map::Entry::Vacant(slot) => {
                slot.insert(self.items.len());
                self.items.push(item);
            }
        }
    }

    /// How many rows of the page were not there before.
    fn take(&mut self, page: VendorPage<T>) -> usize {
        let before = self.items.len();
        self.unreadable += page.unreadable;
        self.reports_next |= page.has_next == Some(true);
        page.items.into_iter().for_each(|item| self.add(item));
        self.items.len() - before
    }

    fn count(&self) -> u64 {
        self.items.len() as u64 + self.unreadable
    }
}

/// Rows of a span that were read before.
pub(super) enum Known<T> {
    /// Any of them.
    Some(Vec<Arc<T>>),
    /// Those of its first page.
    FirstPage(Rows<T>),
}

/// What a first page shows about the pages after it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Following {
    Nothing,
    /// So many pages in all, by the vendor's own word.
    Pages(u64),
    /// Read on until a page says, or shows, that it is the last.
    Unknown,
}

/// Reads pages of one span at a time.
pub(super) struct PageReader<'a, Fetch> {
    pub(super) fetch: Fetch,
    pub(super) page_size: u32,
    pub(super) budget: &'a Budget,
    /// How many rows a page was seen to hold where more followed.
    pub(super) granted: Option<u32>,
    /// Whether the vendor was seen to say that a page follows.
    pub(super) reports_next: bool,
}

impl<Fetch> PageReader<'_, Fetch> {
    /// Everything in the span, if that takes no more than `allowed` rows or pages. A list that moved while it was read is read
    /// once more. `known` are rows of the span that were read before: what a total confirms needs no second reading.
    pub(super) async fn read<T, Answer>(
        &self,
        span: Span,
        allowed: Allowed,
        known: Known<T>,
    ) -> Result<PagesRead<T>>
    where
        T: Dated,
        Fetch: Fn(Span, VendorPageRequest) -> Answer,
        Answer: Future<Output = Result<VendorPage<T>>>,
    {
        let known = match known {
            Known::FirstPage(rows) => match self.second_page(span, rows).await? {
                Some(rows) => return Ok(PagesRead::Whole(rows)),
                None => Vec::new(),
            },
            Known::Some(rows) => rows,
        };
        let first = self.attempt(span, allowed, Attempt::First, &known).await?;
        match first {
            PagesRead::Moved if self.budget.left() > 0 => {
                self.attempt(span, allowed, Attempt::Second, &[]).await
            }
            other => Ok(other),
        }
    }

    async fn page<T, Answer>(&self, span: Span, page: u32) -> Result<VendorPage<T>>
    where
        Fetch: Fn(Span, VendorPageRequest) -> Answer,
        Answer: Future<Output = Result<VendorPage<T>>>,
    {
        let per_page = self.page_size;
        self.one(span, VendorPageRequest { page, per_page }).await
    }

    /// One page, where the caller wants to look at that alone.
    pub(super) async fn one<T, Answer>(
        &self,
        span: Span,
        request: VendorPageRequest,
    ) -> Result<VendorPage<T>>
    where
        Fetch: Fn(Span, VendorPageRequest) -> Answer,
        Answer: Future<Output = Result<VendorPage<T>>>,
    {
        self.budget.spend(1);
        (self.fetch)(span, request).await
    }

    /// With the first page known from another reading, the second confirms both where the total is that of their rows.
    async fn second_page<T, Answer>(
        &self,
        span: Span,
        mut known: Rows<T>,
    ) -> Result<Option<Rows<T>>>
    where
        T: Dated,
        Fetch: Fn(Span, VendorPageRequest) -> Answer,
        Answer: Future<Output = Result<VendorPage<T>>>,
    {
        let page = self.page(span, 2).await?;
        let total = page.total;
        known.take(page);
        let is_confirmed = known.repeated == 0 && total == Some(known.count());
        Ok(is_confirmed.then_some(known))
    }

    async fn attempt<T, Answer>(
        &self,
        span: Span,
        allowed: Allowed,
        attempt: Attempt,
        known: &[Arc<T>],
    ) -> Result<PagesRead<T>>
    where
        T: Dated,
        Fetch: Fn(Span, VendorPageRequest) -> Answer,
        Answer: Future<Output = Result<VendorPage<T>>>,
    {
        let first = self.page(span, 1).await?;
        let served = first.items.len() as u64 + first.unreadable;
        let following = self.following(&first, served);
        let total = first.total;
        let mut rows = Rows::new();
        rows.take(first);

        let pages = match following {
            Following::Nothing => return Ok(PagesRead::Whole(rows)),
            Following::Pages(pages) => pages,
            Following::Unknown => return self.read_on(span, allowed, served, 2, rows).await,
        };
        let in_first = rows.items.len();
        rows.granted = u32::try_from(served).ok().filter(|granted| *granted > 0);
        if total.is_some_and(|total| total <= rows.count() + known.len() as u64) {
            let mut together = rows.clone();
            known.iter().for_each(|row| together.add(Arc::clone(row)));
            if total == Some(together.count()) {
                return Ok(PagesRead::Whole(together));
            }
        }
        if !allowed.admits(pages, served) || pages - 1 > u64::from(self.budget.left()) {
            return Ok(PagesRead::TooMany { first: rows, total });
        }
        self.budget.check_request_has(pages)?;

        let last = u32::try_from(pages).unwrap_or(u32::MAX);
        let others = join_all((2..=last).map(|page| self.page(span, page))).await;
        let mut totals = vec![total];
        let mut last_page_rows = 0;
        for page in others {
            let page = page?;
            totals.push(page.total);
            last_page_rows = page.items.len() as u64 + page.unreadable;
            rows.take(page);
        }

        if rows.items.len() == in_first && rows.repeated > 0 {
            rows.repeats_first_page = true;
            return Ok(PagesRead::TooMany { first: rows, total });
        }

        let totals: Vec<u64> = totals.into_iter().flatten().collect();
        let is_beyond_total = totals.iter().all(|total| *total < rows.count());
        if !totals.is_empty() && is_beyond_total && last_page_rows == served {
            // The total is wrong: there are more rows than that.
            return self.read_on(span, allowed, served, last + 1, rows).await;
        }
        Ok(match is_whole(&rows, &totals, attempt) {
            true => PagesRead::Whole(rows),
            false => PagesRead::Moved,
        })
    }

    /// What the first page shows about the pages after it. The next page is requested where the vendor says nothing about it, and
    /// where the page is full, unless this vendor is known to report that another page follows.
    fn following<T>(&self, first: &VendorPage<T>, served: u64) -> Following {
        let is_full = served >= u64::from(self.granted.unwrap_or(self.page_size));
        let reports_next = self.reports_next || first.has_next == Some(true);
        let unless_full = match is_full && !reports_next {
            true => Following::Unknown,
            false => Following::Nothing,
        };
        match (first.total, first.has_next, first.last_page) {
            (Some(total), _, _) if total > served && served > 0 => {
                Following::Pages(total.div_ceil(served))
            }
            // Rows that do not come are a contradiction, which the second page will show.
            (Some(total), _, _) if total > served => Following::Pages(2),
            (Some(total), has_next, _) if total == served => match has_next {
                Some(true) => Following::Unknown,
                _ => unless_full,
            },
            // The total counts fewer rows than there are, so the page's other figures are not used either.
            (Some(_), _, _) => Following::Unknown,
            (None, _, _) if served == 0 => Following::Nothing,
            (None, Some(false), _) if reports_next => Following::Nothing,
            (None, Some(true), Some(last_page)) => Following::Pages(u64::from(last_page)),
            (None, _, _) => Following::Unknown,
        }
    }

    /// Page after page, where their number is unknown.
    async fn read_on<T, Answer>(
        &self,
        span: Span,
        allowed: Allowed,
        served: u64,
        from_page: u32,
        mut rows: Rows<T>,
    ) -> Result<PagesRead<T>>
    where
        T: Dated,
        Fetch: Fn(Span, VendorPageRequest) -> Answer,
        Answer: Future<Output = Result<VendorPage<T>>>,
    {
        for number in from_page.. {
            if self.budget.left() == 0 || !allowed.admits(u64::from(number), served) {
                break;
            }
            let page = self.page(span, number).await?;
            let rows_of_page = page.items.len() as u64 + page.unreadable;
            let says_so = page.has_next == Some(false) && self.reports_next;
            let is_last = says_so || rows_of_page < served;
            let new_rows = rows.take(page);
            if is_last || new_rows == 0 {
                return Ok(PagesRead::Whole(rows));
            }
        }
        Ok(PagesRead::TooMany {
            first: rows,
            total: None,
        })
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Attempt {
    First,
    Second,
}

/// How much of one span may be read.
#[derive(Debug, Clone, Copy)]
pub(super) enum Allowed {
    /// Up to so many rows, or two pages where those hold more.
    Rows(u64),
    /// Up to so many pages.
    Pages(u64),
    /// Up to the budget.
    Budget,
}

impl Allowed {
    fn admits(self, pages: u64, rows_per_page: u64) -> bool {
        match self {
            Allowed::Rows(rows) => pages <= 2 || (pages - 1).saturating_mul(rows_per_page) < rows,
            Allowed::Pages(most) => pages <= most,
            Allowed::Budget => true,
        }
    }
}

/// The pages hold the whole span where they tell one total and together have so many rows, each once. The second time rows may
/// have arrived in the meantime, as long as all that were there at first are here.
fn is_whole<T: Dated>(rows: &Rows<T>, totals: &[u64], attempt: Attempt) -> bool {
    let Some(first) = totals.first() else {
        return rows.repeated == 0;
    };
    if totals.iter().all(|total| total == first) && rows.repeated == 0 && rows.count() == *first {
        return true;
    }
    attempt == Attempt::Second && totals.is_sorted() && rows.count() >= *first
}
