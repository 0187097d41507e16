//! Reads a vendor's list from its newest end, whatever order and page size the vendor serves it in.
//!
//! Neither vendor documents the order of its lists, or how many objects it gives at most on one page. Both are found from
//! the answers, kept for lists of the same shape, and checked against every later answer.
//!
//! A reading asks for a window of the list by index, as the one page of the smallest size that holds the whole window, so
//! that going on from the middle of a vendor's page costs one call and not two. Where it goes on it reads the last object
//! given out again: as long as that one (or an older place) is seen, nothing before it can have been missed.

use std::{
    cmp::Ordering,
    collections::{BTreeMap, HashMap, HashSet},
    future::Future,
    ops::Range,
    sync::{Arc, Mutex, PoisonError},
};

use futures_util::future::try_join_all;
use jiff::Timestamp;

use crate::{
    domain::{
        ChatMessage, DateTime, ServiceRecord, Ticket, VendorNumber, VendorPage, VendorPageRequest,
    },
    error::Result,
};

/// Objects that are asked for beyond those that are wanted: they show whether the list goes on, and make up for a few that
/// arrived since. They cost bytes, not calls.
const SPARE: u64 = 4;

/// How many lists' totals are remembered at most.
const REMEMBERED_TOTALS: usize = 4096;

/// The kinds of query whose lists a vendor serves in one order.
pub const SERVICE_RECORDS: &str = "service records";
pub const SERVICE_RECORDS_OF_EMPLOYEE: &str = "service records of an employee";
pub const TICKETS: &str = "tickets";
pub const CHAT_MESSAGES: &str = "chat messages";

/// In which order a vendor serves a list, by creation.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ListOrder {
    NewestFirst,
    OldestFirst,
    /// Neither: such a list is read whole.
    Unsorted,
}

/// An object with a place in a list that is ordered by creation.
pub trait Dated {
    fn created_at(&self) -> Option<DateTime>;
    fn number(&self) -> VendorNumber;

    fn place(&self) -> Place {
        Place {
            created_at: self.created_at().map(|at| at.timestamp),
            number: self.number(),
        }
    }
}

/// A place in a list, newest first: by creation, then by number; what has no creation comes last.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Place {
    pub created_at: Option<Timestamp>,
    pub number: VendorNumber,
}

impl Place {
    /// The same place in another list that it is merged with, whose objects of one instant come all before or all after.
    pub fn seen_by(self, other: Ordering) -> Self {
        let number = match other {
            Ordering::Less => VendorNumber::SMALLEST,
            Ordering::Equal => self.number,
            Ordering::Greater => VendorNumber::LARGEST,
        };
        Self { number, ..self }
    }
}

impl Ord for Place {
    fn cmp(&self, other: &Self) -> Ordering {
        (other.created_at, other.number).cmp(&(self.created_at, self.number))
    }
}

impl PartialOrd for Place {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
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

/// What was found of the vendor's lists.
#[derive(Debug, Default)]
pub struct LearnedOrders {
    fixed: Option<ListOrder>,
    shapes: Mutex<HashMap<&'static str, Learned>>,
    totals: Mutex<HashMap<(&'static str, u64), u64>>,
}

#[derive(Debug, Clone, Copy, PartialEq)]
struct Learned {
    order: Option<ListOrder>,
    /// How many places an object was seen to stand from where its creation puts it, with a margin; 0 in a sorted list.
    slack: u64,
    /// Whether ids were always seen to follow the order.
    ids_follow: bool,
    page_size: PageSize,
    /// Whether the totals that are told can be no totals.
    has_false_totals: bool,
    /// Whether an answer told neither a total nor what follows.
    tells_nothing: bool,
}

/// How many objects a vendor gives on a page, whatever it is asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum PageSize {
    AsAsked,
    AtMost(u32),
    /// It takes no notice of what it is asked for.
    Always(u32),
}

impl PageSize {
    /// The most that one page holds, where it is asked for at most so many.
    fn largest(self, max_per_page: u32) -> u64 {
        u64::from(match self {
            PageSize::AsAsked => max_per_page,
            PageSize::AtMost(cap) => cap.min(max_per_page),
            PageSize::Always(size) => size,
        })
        .max(1)
    }
}

impl Default for Learned {
    fn default() -> Self {
        Self {
            order: None,
            slack: 0,
            ids_follow: true,
            page_size: PageSize::AsAsked,
            has_false_totals: false,
            tells_nothing: false,
        }
    }
}

impl LearnedOrders {
    /// With an order that a setting fixes, nothing is found out.
    pub fn new(fixed: Option<ListOrder>) -> Self {
        Self {
            fixed,
            ..Self::default()
        }
    }

    /// The order of lists of this shape, as far as it is known.
    pub fn order_of(&self, shape: &'static str) -> Option<ListOrder> {
        self.of(shape).order
    }

    fn of(&self, shape: &'static str) -> Learned {
        let shapes = self.shapes.lock().unwrap_or_else(PoisonError::into_inner);
        let learned = shapes.get(shape).copied().unwrap_or_default();
        Learned {
            order: self.fixed_for(shape).or(learned.order),
            ..learned
        }
    }

    /// The setting speaks of lists; a chat may be told in another order.
    fn fixed_for(&self, shape: &'static str) -> Option<ListOrder> {
        self.fixed.filter(|_| shape != CHAT_MESSAGES)
    }

    fn keep(&self, shape: &'static str, learned: Learned) {
        let mut shapes = self.shapes.lock().unwrap_or_else(PoisonError::into_inner);
        shapes.insert(shape, learned);
    }

    fn total_of(&self, list: (&'static str, u64)) -> Option<u64> {
        let totals = self.totals.lock().unwrap_or_else(PoisonError::into_inner);
        totals.get(&list).copied()
    }

    fn keep_total(&self, list: (&'static str, u64), total: u64) {
        let mut totals = self.totals.lock().unwrap_or_else(PoisonError::into_inner);
        if totals.len() >= REMEMBERED_TOTALS {
            totals.clear();
        }
        totals.insert(list, total);
    }
}

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
        let reading = self.read(None, wanted, |_| true, fetch).await?;
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
        let searched = Searched::Sparsely;
        let reading = self.read_with(searched, None, 1, is_sought, fetch).await?;
        Ok(reading.items.into_iter().map(|(_, item)| item).next())
    }

    /// At least `wanted` objects after `resume`, newest first, fewer where the list ends or the calls run out.
    pub async fn read<T, Fetch, Answer>(
        &self,
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
        self.read_with(Searched::Closely, resume, wanted, admits, fetch)
            .await
    }

    /// The same where only some of the objects are admitted, so that each call asks for as many as it may.
    pub async fn read_sparse<T, Fetch, Answer>(
        &self,
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
        self.read_with(Searched::Sparsely, resume, wanted, admits, fetch)
            .await
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

    async fn read_with<T, Fetch, Answer>(
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
            let answers = try_join_all(requests.iter().map(|request| fetch(*request))).await?;
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

            let answers = try_join_all(requests.iter().map(|request| fetch(*request))).await?;
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
}

/// How much of what is read is expected to be wanted.
#[derive(Clone, Copy)]
enum Searched {
    Closely,
    Sparsely,
}

struct Goal {
    searched: Searched,
    wanted: usize,
    /// How many objects a further call asks for.
    step: u64,
    largest_page: u64,
    learned: Learned,
}

impl Goal {
    /// How many objects are asked for at once.
    fn reach(&self) -> u64 {
        self.first_reach() + self.learned.slack
    }

    /// The same at the newest end. It does not hang on what was learned meanwhile, so that the same question, asked again, is
    /// the same call.
    fn first_reach(&self) -> u64 {
        let spare = if self.can_spare() { SPARE } else { 0 };
        self.step + spare
    }

    /// How many more are asked for, once some of those that are wanted are certain.
    fn reach_after(&self, certain: usize) -> u64 {
        match self.searched {
            Searched::Closely => self.reach() - self.step.min(certain as u64),
            Searched::Sparsely => self.reach(),
        }
    }

    /// How many pages hold a window.
    fn pages(&self, window: &Range<u64>) -> usize {
        let largest_page = u32::try_from(self.largest_page).unwrap_or(u32::MAX);
        pages_covering(window.clone(), self.learned.page_size, largest_page).len()
    }

    /// Whether a few objects more than are wanted take no further page.
    fn can_spare(&self) -> bool {
        let on_last_page = self.step % self.largest_page;
        on_last_page != 0 && on_last_page + SPARE <= self.largest_page
    }
}

/// What has been read of one list so far, by index in the vendor's own order.
struct Window<T> {
    resume: Option<Resume>,
    items: BTreeMap<u64, Arc<T>>,
    total: Option<u64>,
    /// From an earlier reading: the list may have grown since.
    remembered_total: Option<u64>,
    /// One past the last object, where an answer showed that nothing follows.
    end: Option<u64>,
    /// Whether the totals that are told can be no totals.
    has_false_totals: bool,
    /// Whether an answer told neither a total nor what follows.
    is_guessed: bool,
}

impl<T: Dated> Window<T> {
    fn new(resume: Option<Resume>, remembered_total: Option<u64>) -> Self {
        Self {
            resume,
            items: BTreeMap::new(),
            total: None,
            remembered_total,
            end: None,
            has_false_totals: false,
            is_guessed: false,
        }
    }

    fn end(&self) -> Option<u64> {
        self.total.or(self.end)
    }

    fn total_or_remembered(&self) -> Option<u64> {
        self.end().or(self.remembered_total)
    }

    /// The indices that still have to be read, none when the goal is met or nothing more can be done for it.
    fn missing(&self, goal: &Goal, admits: &impl Fn(&T) -> bool) -> Option<Range<u64>> {
        let reach = goal.reach();
        let order = goal.learned.order.unwrap_or(ListOrder::NewestFirst);

        let Some(segment) = self.segment(order) else {
            return self.first_window(order, goal);
        };
        if order == ListOrder::Unsorted {
            let end = self.end().unwrap_or(segment.end + goal.step);
            return (segment.end < end).then_some(segment.end..end);
        }
        if !self.is_start_certain(&segment, order, goal.learned.slack) {
            return Some(match order {
                ListOrder::OldestFirst => segment.end..segment.end + reach,
                _ => segment.start.saturating_sub(reach)..segment.start,
            });
        }
        let certain = self.certain_count(&segment, goal, admits);
        if self.is_far_end(&segment, order) || certain >= goal.wanted {
            return None;
        }
        let next = |reach: u64| match order {
            ListOrder::OldestFirst => segment.start.saturating_sub(reach)..segment.start,
            _ => {
                let end = segment.end + reach;
                segment.end..self.end().map_or(end, |list_end| end.min(list_end))
            }
        };
        // What is wanted still, and more only where that takes no further page.
        let (enough, plenty) = (next(goal.reach_after(certain)), next(reach));
        Some(match goal.pages(&plenty) > goal.pages(&enough) {
            true => enough,
            false => plenty,
        })
    }

    /// Whether the objects nearest to what is in hand, or else the newest, stand at the end of what is missing: where calls
    /// are short, a page at its beginning would join nothing.
    fn is_read_backwards(&self, missing: &Range<u64>, order: Option<ListOrder>) -> bool {
        let order = order.unwrap_or(ListOrder::NewestFirst);
        match self.segment(order) {
            Some(segment) => missing.start != segment.end,
            None => order == ListOrder::OldestFirst,
        }
    }

    /// Where the reading begins: at the newest end, or at the object that was given out last.
    fn first_window(&self, order: ListOrder, goal: &Goal) -> Option<Range<u64>> {
        if self.end() == Some(0) {
            return None;
        }
        let (reach, first_reach) = (goal.reach(), goal.first_reach());
        // The object given out last is read again where that takes no further page; where it does, a list that is as long as
        // it was is taken to stand where it stood.
        let again = u64::from(goal.can_spare());

        Some(match (order, self.given_to(order)) {
            (ListOrder::NewestFirst, Some(index)) => index.saturating_sub(again)..index + reach,
            // A list that was given out whole is looked at all the same: the total is part of the answer.
            (ListOrder::OldestFirst, Some(index)) => {
                index.saturating_sub(reach)..(index + again).max(1)
            }
            (ListOrder::OldestFirst, None) => match self.total_or_remembered() {
                // The list may have grown: the window reaches a little past the end that was told, where that takes no further
                // page. It does so too where the end was told just now, so that the same question, asked again, is the same
                // call.
                Some(total) => {
                    let start = total.saturating_sub(first_reach);
                    let (told, grown) = (start..total, start..total + SPARE);
                    match goal.pages(&grown) > goal.pages(&told) {
                        true => told,
                        false => grown,
                    }
                }
                None => 0..first_reach,
            },
            (ListOrder::NewestFirst, None) | (ListOrder::Unsorted, _) => 0..first_reach,
        })
    }

    /// How far the list was given out, if it is still in the order in which that was counted.
    fn given_to(&self, order: ListOrder) -> Option<u64> {
        self.resume
            .filter(|resume| resume.order == order)
            .map(|resume| resume.index)
    }

    /// The run of consecutive indices in hand that the reading builds on.
    fn segment(&self, order: ListOrder) -> Option<Range<u64>> {
        let anchor = match (order, self.given_to(order)) {
            (ListOrder::Unsorted, _) | (ListOrder::NewestFirst, None) => {
                self.items.contains_key(&0).then_some(0)
            }
            // A first look at the oldest end is no run to build on, once the newest end is known to be elsewhere.
            (ListOrder::OldestFirst, None) => {
                let newest = self.items.last_key_value().map(|(index, _)| *index);
                newest.filter(|newest| self.end().is_none_or(|end| newest + 1 >= end))
            }
            (_, Some(index)) => {
                let after = self.items.range(index..).next();
                let nearest = after.or_else(|| self.items.range(..index).next_back());
                nearest.map(|(index, _)| *index)
            }
        }?;

        let mut segment = anchor..anchor + 1;
        while self.items.contains_key(&segment.end) {
            segment.end += 1;
        }
        while segment.start > 0 && self.items.contains_key(&(segment.start - 1)) {
            segment.start -= 1;
        }
        Some(segment)
    }

    /// Whether no object outside the run can come between the place to go on from and what the run holds.
    fn is_start_certain(&self, segment: &Range<u64>, order: ListOrder, slack: u64) -> bool {
        let is_near_end = match order {
            ListOrder::OldestFirst => self.end().is_some_and(|end| segment.end >= end),
            _ => segment.start == 0,
        };
        if is_near_end {
            return true;
        }

        let Some(resume) = self.resume else {
            return false;
        };
        let is_given = |(_, item): &(&u64, &Arc<T>)| item.place() <= resume.after;
        let given_of_nearest = |count: usize| {
            let items = self.items.range(segment.clone());
            match order {
                ListOrder::OldestFirst => items.rev().take(count).filter(is_given).count(),
                _ => items.take(count).filter(is_given).count(),
            }
        };

        let is_as_long = self.total.is_some() && self.total == resume.total;
        let read_again = self.given_to(order).and_then(|index| match order {
            ListOrder::OldestFirst => segment.end.checked_sub(index),
            _ => index.checked_sub(segment.start),
        });
        match read_again {
            Some(0) if is_as_long => true,
            Some(_) if is_as_long => given_of_nearest(1) == 1,
            _ => given_of_nearest(slack as usize + 1) == slack as usize + 1,
        }
    }

    /// Whether the run reaches the oldest object of the list.
    fn is_far_end(&self, segment: &Range<u64>, order: ListOrder) -> bool {
        match order {
            ListOrder::OldestFirst => segment.start == 0,
            _ => self.end().is_some_and(|end| segment.end >= end),
        }
    }

    /// The run's objects after the place to go on from, newest first, and how many of them no unread object can come before.
    fn following(&self, segment: &Range<u64>, goal: &Goal) -> (Vec<(u64, &Arc<T>)>, usize) {
        let order = goal.learned.order.unwrap_or(ListOrder::NewestFirst);
        let mut seen = HashSet::new();
        let mut items: Vec<_> = self
            .items
            .range(segment.clone())
            .filter(|(_, item)| seen.insert(item.number()))
            .map(|(index, item)| (*index, item))
            .collect();
        items.sort_by_key(|(_, item)| item.place());

        let mut certain = items.len();
        if order != ListOrder::Unsorted && !self.is_far_end(segment, order) {
            certain = certain.saturating_sub(goal.learned.slack as usize);
            // An unread object of the last one's second may come before it. To know costs no call while there are objects
            // to spare; where there are none, ids that follow the order are trusted to follow it within a second too.
            if goal.can_spare() || !goal.learned.ids_follow {
                let last_second = certain
                    .checked_sub(1)
                    .and_then(|last| items[last].1.created_at());
                let is_before = |(_, item): &&(u64, &Arc<T>)| item.created_at() != last_second;
                certain = items.iter().take(certain).take_while(is_before).count();
            }
        }

        let is_given = |(_, item): &&(u64, &Arc<T>)| {
            self.resume
                .is_some_and(|resume| item.place() <= resume.after)
        };
        let given = items.iter().take_while(is_given).count();
        items.drain(..given);
        (items, certain.saturating_sub(given))
    }

    /// How many admitted objects are certain.
    fn certain_count(
        &self,
        segment: &Range<u64>,
        goal: &Goal,
        admits: &impl Fn(&T) -> bool,
    ) -> usize {
        let (items, certain) = self.following(segment, goal);
        items
            .iter()
            .take(certain)
            .filter(|(_, item)| admits(item))
            .count()
    }

    /// Files a page under the indices that it holds. Answers with how many objects the vendor gives on a page, where that is
    /// not what it was asked for.
    fn take_in(
        &mut self,
        request: VendorPageRequest,
        mut answer: VendorPage<T>,
        page_size: PageSize,
    ) -> Option<PageSize> {
        if self.has_false_totals {
            answer.total = None;
        }
        let placed = placed(request, &answer, page_size);
        let len = answer.items.len() as u64;
        let end = placed.start + len;
        let is_too_many = len > u64::from(request.per_page);

        // A total that is no more than the objects of one page, where more follow or went before, counts the page alone.
        let is_false = |total: u64| match answer.has_next {
            Some(true) => total <= end,
            _ => total < end && !is_too_many,
        };
        self.has_false_totals |= len > 0 && answer.total.is_some_and(is_false);
        if self.has_false_totals {
            self.total = None;
        } else {
            self.total = answer.total.or(self.total);
        }

        if self.total.is_none() {
            let numbers: HashSet<_> = self.items.values().map(|item| item.number()).collect();
            let brings_new = answer
                .items
                .iter()
                .any(|item| !numbers.contains(&item.number()));
            self.is_guessed |= answer.has_next.is_none();
            match answer.has_next {
                Some(false) => self.end = Some(end),
                // Past the end a vendor gives nothing, or its last page again.
                None if !brings_new => {
                    let in_hand = self.items.last_key_value().map_or(0, |(last, _)| last + 1);
                    let end = if len == 0 { placed.start } else { in_hand };
                    self.end = Some(self.end.map_or(end, |known| known.min(end)));
                    return None;
                }
                _ => {}
            }
        }
        // Objects past the end of the list stand elsewhere: the vendor did not give the page that it was asked for.
        if self.total.is_none_or(|total| end <= total) {
            for (index, item) in (placed.start..).zip(answer.items) {
                self.items.insert(index, item);
            }
        }

        let served = placed.served_per_page;
        if self.is_guessed && served < request.per_page {
            return Some(PageSize::Always(served));
        }
        match served.cmp(&request.per_page) {
            Ordering::Less => Some(PageSize::AtMost(served)),
            Ordering::Greater if is_too_many => Some(PageSize::Always(served)),
            _ => None,
        }
    }

    /// What the objects in hand say of the list's order.
    fn check_order(&self, learned: Learned, fixed: Option<ListOrder>) -> Learned {
        let mut newest_first = 0_usize;
        let mut oldest_first = 0_usize;
        let mut ids_falling = 0_usize;
        let mut ids_rising = 0_usize;
        for ((index, item), (next_index, next)) in self.items.iter().zip(self.items.iter().skip(1))
        {
            if index + 1 != *next_index {
                continue;
            }
            match item.created_at().cmp(&next.created_at()) {
                Ordering::Greater => newest_first += 1,
                Ordering::Less => oldest_first += 1,
                Ordering::Equal => {}
            }
            match item.number().cmp(&next.number()) {
                Ordering::Greater => ids_falling += 1,
                Ordering::Less => ids_rising += 1,
                Ordering::Equal => {}
            }
        }

        let (most, least) = (
            newest_first.max(oldest_first),
            newest_first.min(oldest_first),
        );
        let found = match newest_first.cmp(&oldest_first) {
            Ordering::Greater if least * 4 <= most => Some(ListOrder::NewestFirst),
            Ordering::Less if least * 4 <= most => Some(ListOrder::OldestFirst),
            _ if ids_falling > 0 && ids_rising == 0 => Some(ListOrder::NewestFirst),
            _ if ids_rising > 0 && ids_falling == 0 => Some(ListOrder::OldestFirst),
            _ if most == 0 => None,
            _ => Some(ListOrder::Unsorted),
        };
        // Two or three objects are too few to overrule what a longer answer showed.
        let found = found.filter(|_| learned.order.is_none() || most + least > 2);
        let order = fixed.or(found).or(learned.order);

        let ids_follow = match order {
            Some(ListOrder::NewestFirst) => ids_rising == 0,
            Some(ListOrder::OldestFirst) => ids_falling == 0,
            _ => true,
        };
        // A margin over what was seen: the next pages may be a little less sorted than these.
        let slack = match self.displacement(order) {
            0 => 0,
            // In few steps, so that a page more seldom changes what a question is read by.
            measured => (measured * 2 + SPARE).next_power_of_two(),
        };
        let is_new = order != learned.order;
        Learned {
            order,
            slack: if is_new {
                slack
            } else {
                slack.max(learned.slack)
            },
            ids_follow: ids_follow && (is_new || learned.ids_follow),
            page_size: learned.page_size,
            has_false_totals: learned.has_false_totals || self.has_false_totals,
            tells_nothing: learned.tells_nothing || self.is_guessed,
        }
    }

    /// How far an object of the longest run stands from its place, at most.
    fn displacement(&self, order: Option<ListOrder>) -> u64 {
        let mut farthest = 0;
        let mut run: Vec<(u64, Place)> = Vec::new();
        let mut measure = |run: &mut Vec<(u64, Place)>| {
            let start = run.first().map_or(0, |(index, _)| *index);
            run.sort_by_key(|(_, place)| *place);
            if order == Some(ListOrder::OldestFirst) {
                run.reverse();
            }
            for (rank, (index, _)) in run.iter().enumerate() {
                farthest = farthest.max((index - start).abs_diff(rank as u64));
            }
            run.clear();
        };
        for (index, item) in &self.items {
            if run.last().is_some_and(|(last, _)| last + 1 != *index) {
                measure(&mut run);
            }
            run.push((*index, item.place()));
        }
        measure(&mut run);
        farthest
    }

    fn into_reading(self, goal: &Goal, admits: impl Fn(&T) -> bool) -> Reading<T> {
        let order = goal.learned.order.unwrap_or(ListOrder::NewestFirst);
        let Some(segment) = self.segment(order) else {
            // Nothing is in hand where the list is empty, or was given out whole.
            let given = match order {
                ListOrder::NewestFirst => self.given_to(order).unwrap_or(0),
                _ => 0,
            };
            let is_end = self.end().is_some_and(|end| end <= given);
            return Reading {
                items: Vec::new(),
                total: self.total,
                is_end,
                ran_out_at: if is_end { None } else { self.resume },
            };
        };

        let (following, certain) = self.following(&segment, goal);
        let mut given_to = match order {
            ListOrder::OldestFirst => segment.start,
            _ => segment.end,
        };
        let mut items: Vec<(Resume, Arc<T>)> = Vec::with_capacity(certain);
        let mut last_certain = None;
        for (rank, (index, item)) in following.iter().enumerate().rev() {
            let resume = Resume {
                after: item.place(),
                index: given_to,
                total: self.total,
                order,
            };
            given_to = match order {
                ListOrder::OldestFirst => given_to.max(index + 1),
                _ => given_to.min(*index),
            };
            if rank < certain {
                last_certain.get_or_insert(resume);
                if admits(item) {
                    items.push((resume, Arc::clone(item)));
                }
            }
        }
        items.reverse();

        let is_end = self.is_far_end(&segment, order);
        let ran_out = !is_end && items.len() < goal.wanted;
        Reading {
            items,
            total: self.total,
            is_end,
            ran_out_at: if ran_out {
                last_certain.or(self.resume)
            } else {
                None
            },
        }
    }
}

/// Where a page's objects stand in the list, and how many a full page holds.
struct Placed {
    start: u64,
    served_per_page: u32,
}

/// A vendor may serve fewer on a page than were asked for. The answer is believed, never the request.
fn placed<T>(request: VendorPageRequest, answer: &VendorPage<T>, page_size: PageSize) -> Placed {
    let len = u32::try_from(answer.items.len()).unwrap_or(u32::MAX);
    let pages_before = u64::from(request.page.saturating_sub(1));
    let full = |served_per_page: u32| Placed {
        start: pages_before * u64::from(served_per_page),
        served_per_page,
    };
    if let Some(told) = answer.per_page.filter(|told| *told > 0) {
        return full(told.max(len));
    }
    if len == 0 || len >= request.per_page {
        return full(request.per_page.max(len));
    }

    let end_if_full = pages_before * u64::from(request.per_page) + u64::from(len);
    match (answer.total, answer.has_next) {
        (_, Some(true)) => full(len),
        // The end of the list lies before the page that was asked for: the pages are smaller, and this is the last.
        (Some(total), Some(false)) if end_if_full != total => Placed {
            start: total.saturating_sub(u64::from(len)),
            served_per_page: request.per_page,
        },
        (_, Some(false)) => full(request.per_page),
        (Some(total), None) if end_if_full < total => full(len),
        // With nothing told, a first page that is short may be all that there is, or all that the vendor gives at once.
        (None, None) if request.page == 1 && page_size == PageSize::AsAsked => full(len),
        (_, None) => full(request.per_page),
    }
}

/// The pages that hold all of `wanted`: one page of the smallest size that does, or several of the largest.
fn pages_covering(
    wanted: Range<u64>,
    page_size: PageSize,
    max_per_page: u32,
) -> Vec<VendorPageRequest> {
    let Some(last) = wanted
        .end
        .checked_sub(1)
        .filter(|last| *last >= wanted.start)
    else {
        return Vec::new();
    };
    let largest = page_size.largest(max_per_page);
    let length = wanted.end - wanted.start;

    let one_page = match page_size {
        PageSize::Always(_) => None,
        _ => (length..=largest).find(|size| wanted.start / size == last / size),
    };
    let size = one_page.unwrap_or(largest);
    (wanted.start / size..=last / size)
        .filter_map(|page| {
            Some(VendorPageRequest {
                page: u32::try_from(page + 1).ok()?,
                per_page: u32::try_from(size).ok()?,
            })
        })
        .collect()
}

impl Dated for ServiceRecord {
    fn created_at(&self) -> Option<DateTime> {
        self.created_at.value().copied()
    }

    fn number(&self) -> VendorNumber {
        self.id.number
    }
}

impl Dated for Ticket {
    fn created_at(&self) -> Option<DateTime> {
        self.created_at
    }

    fn number(&self) -> VendorNumber {
        self.id.number
    }
}

impl Dated for ChatMessage {
    fn created_at(&self) -> Option<DateTime> {
        self.sent_at
    }

    fn number(&self) -> VendorNumber {
        self.id.number
    }
}

#[cfg(test)]
pub(crate) mod simulated;
#[cfg(test)]
mod tests;
