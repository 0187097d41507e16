//! What has been read of one list so far, what of it is certain, and what is still missing.

use std::{
    cmp::Ordering,
    collections::{BTreeMap, HashSet},
    ops::Range,
    sync::Arc,
};

use super::{
    Dated, ListOrder, Place, Reading, Resume,
    learned::{Learned, PageSize},
    pages::{pages_covering, placed},
};
use crate::domain::{VendorPage, VendorPageRequest};

/// Objects that are asked for beyond those that are wanted: they show whether the list goes on, and make up for a few that
/// arrived since. They cost bytes, not calls.
pub(super) const SPARE: u64 = 4;

/// How much of what is read is expected to be wanted.
#[derive(Clone, Copy)]
pub enum Searched {
    Closely,
    /// Only some objects are admitted, so that each call asks for as many as it may.
    Sparsely,
}

pub(super) struct Goal {
    pub(super) searched: Searched,
    pub(super) wanted: usize,
    /// How many objects a further call asks for.
    pub(super) step: u64,
    pub(super) largest_page: u64,
    pub(super) learned: Learned,
}

impl Goal {
    /// How many objects are asked for at once.
    pub(super) fn reach(&self) -> u64 {
        self.first_reach() + self.learned.slack
    }

    /// The same at the newest end. It does not hang on what was learned meanwhile, so that the same question, asked again, is
    /// the same call.
    pub(super) fn first_reach(&self) -> u64 {
        let spare = if self.can_spare() { SPARE } else { 0 };
        self.step + spare
    }

    /// How many more are asked for, once some of those that are wanted are certain.
    pub(super) fn reach_after(&self, certain: usize) -> u64 {
        match self.searched {
            Searched::Closely => self.reach() - self.step.min(certain as u64),
            Searched::Sparsely => self.reach(),
        }
    }

    /// How many pages hold a window.
    pub(super) fn pages(&self, window: &Range<u64>) -> usize {
        let largest_page = u32::try_from(self.largest_page).unwrap_or(u32::MAX);
        pages_covering(window.clone(), self.learned.page_size, largest_page).len()
    }

    /// Whether a few objects more than are wanted take no further page.
    pub(super) fn can_spare(&self) -> bool {
        let on_last_page = self.step % self.largest_page;
        on_last_page != 0 && on_last_page + SPARE <= self.largest_page
    }
}

/// What has been read of one list so far, by index in the vendor's own order.
pub(super) struct Window<T> {
    pub(super) resume: Option<Resume>,
    pub(super) items: BTreeMap<u64, Arc<T>>,
    pub(super) total: Option<u64>,
    /// From an earlier reading: the list may have grown since.
    pub(super) remembered_total: Option<u64>,
    /// One past the last object, where an answer showed that nothing follows.
    pub(super) end: Option<u64>,
    /// Whether the totals that are told can be no totals.
    pub(super) has_false_totals: bool,
    /// Whether an answer told neither a total nor what follows.
    pub(super) is_guessed: bool,
}

impl<T: Dated> Window<T> {
    pub(super) fn new(resume: Option<Resume>, remembered_total: Option<u64>) -> Self {
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

    pub(super) fn end(&self) -> Option<u64> {
        self.total.or(self.end)
    }

    pub(super) fn total_or_remembered(&self) -> Option<u64> {
        self.end().or(self.remembered_total)
    }

    /// The indices that still have to be read, none when the goal is met or nothing more can be done for it.
    pub(super) fn missing(&self, goal: &Goal, admits: &impl Fn(&T) -> bool) -> Option<Range<u64>> {
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
    pub(super) fn is_read_backwards(&self, missing: &Range<u64>, order: Option<ListOrder>) -> bool {
        let order = order.unwrap_or(ListOrder::NewestFirst);
        match self.segment(order) {
            Some(segment) => missing.start != segment.end,
            None => order == ListOrder::OldestFirst,
        }
    }

    /// Where the reading begins: at the newest end, or at the object that was given out last.
    pub(super) fn first_window(&self, order: ListOrder, goal: &Goal) -> Option<Range<u64>> {
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
    pub(super) fn given_to(&self, order: ListOrder) -> Option<u64> {
        self.resume
            .filter(|resume| resume.order == order)
            .map(|resume| resume.index)
    }

    /// The run of consecutive indices in hand that the reading builds on.
    pub(super) fn segment(&self, order: ListOrder) -> Option<Range<u64>> {
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
    pub(super) fn is_start_certain(
        &self,
        segment: &Range<u64>,
        order: ListOrder,
        slack: u64,
    ) -> bool {
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
    pub(super) fn is_far_end(&self, segment: &Range<u64>, order: ListOrder) -> bool {
        match order {
            ListOrder::OldestFirst => segment.start == 0,
            _ => self.end().is_some_and(|end| segment.end >= end),
        }
    }

    /// The run's objects after the place to go on from, newest first, and how many of them no unread object can come before.
    pub(super) fn following(
        &self,
        segment: &Range<u64>,
        goal: &Goal,
    ) -> (Vec<(u64, &Arc<T>)>, usize) {
        let order = goal.learned.order.unwrap_or(ListOrder::NewestFirst);
        let items = self.items.range(segment.clone());
        let mut items: Vec<_> = items.map(|(index, item)| (*index, item)).collect();
        items.sort_by_key(|(_, item)| item.place());
        // What stands in the run twice has one place.
        items.dedup_by_key(|(_, item)| item.number());

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
    pub(super) fn certain_count(
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
    pub(super) fn take_in(
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
    pub(super) fn check_order(&self, learned: Learned, fixed: Option<ListOrder>) -> Learned {
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
    pub(super) fn displacement(&self, order: Option<ListOrder>) -> u64 {
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

    pub(super) fn into_reading(self, goal: &Goal, admits: impl Fn(&T) -> bool) -> Reading<T> {
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
