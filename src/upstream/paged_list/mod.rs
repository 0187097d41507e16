//! Reads a vendor's list from its newest end, whatever order and page size the vendor serves it in.
//!
//! Neither vendor documents the order of its lists, or how many objects it gives at most on one page. Both are found from
//! the answers, kept for lists of the same shape, and checked against every later answer.
//!
//! A reading asks for a window of the list by index, as the one page of the smallest size that holds the whole window, so
//! that going on from the middle of a vendor's page costs one call and not two. Where it goes on it reads the last object
//! given out again: as long as that one (or an older place) is seen, nothing before it can have been missed.

mod learned;
mod pages;
mod place;
#[cfg(test)]
pub(crate) mod simulated;
#[cfg(test)]
mod tests;
mod window;

use std::{
    collections::{BTreeMap, HashSet},
    future::Future,
    sync::Arc,
};

use super::siblings::all_of;
use crate::{
    domain::{VendorPage, VendorPageRequest},
    error::Result,
};
use learned::{Learned, PageSize};
pub use learned::{LearnedOrders, ListOrder};
use pages::pages_covering;
pub use place::{Dated, Place};
pub use window::Searched;
use window::{Goal, Window};

/// The kinds of query whose lists a vendor serves in one order.
pub const SERVICE_RECORDS: &str = "service records";
pub const SERVICE_RECORDS_OF_EMPLOYEE: &str = "service records of an employee";
pub const TICKETS: &str = "tickets";
pub const CHAT_MESSAGES: &str = "chat messages";

/// One of a vendor's lists, to be read from its newest end.
pub struct PagedList<'a> {
    pub orders: &'a LearnedOrders,
    /// Names the kind of query: lists of one shape are served in one order.
    pub shape: &'static str,
    /// Tells lists of one shape apart, so that the total of each is remembered.
    pub fingerprint: u64,
    /// The most objects that one call may ask for.
    pub max_per_page: u32,
    /// The most calls that a reading may take.
    pub max_calls: u32,
}

impl PagedList<'_> {
    /// The `wanted` newest objects.
    pub async fn newest<T, Fetch, Answer>(&self, wanted: usize, fetch: Fetch) -> Result<Vec<Arc<T>>>
    where
        T: Dated,
        Fetch: Fn(VendorPageRequest) -> Answer,
        Answer: Future<Output = Result<VendorPage<T>>>,
    {
        let everything = |_: &T| true;
        let reading = self
            .read(Searched::Closely, None, wanted, everything, fetch)
            .await?;
        Ok(reading.items.into_iter().map(|(_, item)| item).collect())
    }

    /// The newest object that `is_sought` says is the one.
    pub async fn find<T, Fetch, Answer>(
        &self,
        is_sought: impl Fn(&T) -> bool,
        fetch: Fetch,
    ) -> Result<Option<Arc<T>>>
    where
        T: Dated,
        Fetch: Fn(VendorPageRequest) -> Answer,
        Answer: Future<Output = Result<VendorPage<T>>>,
    {
        let reading = self
            .read(Searched::Sparsely, None, 1, is_sought, fetch)
            .await?;
        Ok(reading.items.into_iter().map(|(_, item)| item).next())
    }

    /// At least `wanted` objects after `resume`, newest first, fewer where the list ends or the calls run out.
    pub async fn read<T, Fetch, Answer>(
        &self,
        searched: Searched,
        resume: Option<Resume>,
        wanted: usize,
        admits: impl Fn(&T) -> bool,
        fetch: Fetch,
    ) -> Result<Reading<T>>
    where
        T: Dated,
        Fetch: Fn(VendorPageRequest) -> Answer,
        Answer: Future<Output = Result<VendorPage<T>>>,
    {
        let mut learned = self.orders.of(self.shape);
        if learned.order.is_none() {
            learned.order = resume.map(|resume| resume.order);
        }
        let list = (self.shape, self.fingerprint);
        let mut window = Window::new(resume, self.orders.total_of(list));
        window.has_false_totals = learned.has_false_totals;
        let max_per_page = u64::from(self.max_per_page);
        let step = match searched {
            Searched::Closely => wanted as u64,
            Searched::Sparsely => max_per_page.max(wanted as u64),
        };
        let goal = |learned: Learned| Goal {
            searched,
            wanted,
            step,
            largest_page: learned.page_size.largest(self.max_per_page),
            learned,
        };

        let mut calls_left = self.max_calls;
        while let Some(missing) = window.missing(&goal(learned), &admits) {
            let is_read_backwards = window.is_read_backwards(&missing, learned.order);
            let is_unsure = learned.tells_nothing && window.items.is_empty();
            let mut requests = match is_unsure && learned.page_size == PageSize::AsAsked {
                // How much the vendor gives at once shows on the first page alone.
                true => pages_covering(
                    0..u64::from(self.max_per_page),
                    learned.page_size,
                    self.max_per_page,
                ),
                false => pages_covering(missing, learned.page_size, self.max_per_page),
            };
            if is_read_backwards {
                requests.reverse();
            }
            requests.truncate(calls_left as usize);
            if requests.is_empty() {
                break;
            }
            calls_left -= requests.len() as u32;

            let before = (window.items.len(), window.end(), learned);
            let answers = all_of(requests.iter().map(|request| fetch(*request))).await?;
            for (request, answer) in requests.iter().zip(answers) {
                if let Some(size) = window.take_in(*request, answer, learned.page_size) {
                    learned.page_size = size;
                }
            }
            learned = window.check_order(learned, self.orders.fixed_for(self.shape));
            self.keep(learned, &window);
            if let Some(total) = window.total {
                self.orders.keep_total(list, total);
            }
            // An answer that brought nothing new would bring nothing new again.
            if before == (window.items.len(), window.end(), learned) {
                break;
            }
        }

        Ok(window.into_reading(&goal(learned), admits))
    }

    /// The objects whose numbers are `first` to `last`, in a list where an object's number is its ordinal from the oldest,
    /// with the list's total.
    pub async fn ordinals<T, Fetch, Answer>(
        &self,
        first: u64,
        last: u64,
        fetch: Fetch,
    ) -> Result<(Vec<Arc<T>>, Option<u64>)>
    where
        T: Dated,
        Fetch: Fn(VendorPageRequest) -> Answer,
        Answer: Future<Output = Result<VendorPage<T>>>,
    {
        let mut learned = self.orders.of(self.shape);
        let list = (self.shape, self.fingerprint);
        let mut window = Window::new(None, self.orders.total_of(list));
        let mut found = BTreeMap::new();
        let mut asked = HashSet::new();

        for _ in 0..self.max_calls {
            let sought = match (learned.order, window.total_or_remembered()) {
                (Some(ListOrder::NewestFirst), Some(total)) => {
                    total.saturating_sub(last)..total.saturating_sub(first - 1)
                }
                _ => first - 1..window.end().map_or(last, |end| last.min(end)),
            };
            let requests: Vec<_> = pages_covering(sought, learned.page_size, self.max_per_page)
                .into_iter()
                .filter(|request| asked.insert(*request))
                .collect();
            if requests.is_empty() {
                break;
            }

            let answers = all_of(requests.iter().map(|request| fetch(*request))).await?;
            for (request, answer) in requests.iter().zip(answers) {
                for item in &answer.items {
                    found.insert(item.number().get(), Arc::clone(item));
                }
                if let Some(size) = window.take_in(*request, answer, learned.page_size) {
                    learned.page_size = size;
                }
            }
            learned = window.check_order(learned, self.orders.fixed_for(self.shape));
            self.keep(learned, &window);

            let end = window.total.unwrap_or(last).min(last);
            if (first..=end).all(|ordinal| found.contains_key(&ordinal)) {
                break;
            }
        }

        if let Some(total) = window.total {
            self.orders.keep_total(list, total);
        }
        let items = found.range(first..=last).map(|(_, item)| Arc::clone(item));
        Ok((items.collect(), window.total.or(window.end())))
    }

    /// Without totals the size of pages is a guess, which is made anew each time.
    fn keep<T: Dated>(&self, learned: Learned, window: &Window<T>) {
        let page_size = match window.is_guessed {
            true => self.orders.of(self.shape).page_size,
            false => learned.page_size,
        };
        self.orders.keep(
            self.shape,
            Learned {
                page_size,
                ..learned
            },
        );
    }
}

/// Where a reading goes on: strictly after a place, wherever that has moved to since.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Resume {
    pub after: Place,
    /// How far the vendor's list, counted from 0, was given out: a list that is served newest first before this index, one
    /// that is served oldest first from it on.
    pub index: u64,
    /// How long the list was then.
    pub total: Option<u64>,
    pub order: ListOrder,
}

impl Resume {
    /// Where the object at the place stands in the vendor's list is not known: it is looked for from the newest end.
    pub fn from_newest_end(after: Place) -> Self {
        Self {
            after,
            index: 0,
            total: None,
            order: ListOrder::NewestFirst,
        }
    }
}

/// What a reading gave.
#[derive(Debug)]
pub struct Reading<T> {
    /// Newest first, each with where a later reading goes on after it. No object that is not here comes before the last.
    pub items: Vec<(Resume, Arc<T>)>,
    pub total: Option<u64>,
    /// Whether nothing follows the last item.
    pub is_end: bool,
    /// Set where the calls ran out before enough was found: a later reading goes on from here.
    pub ran_out_at: Option<Resume>,
}
