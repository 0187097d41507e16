//! What was found out of a vendor's lists: their order, how many objects a page holds, their totals.

use std::{
    collections::HashMap,
    sync::{Mutex, PoisonError},
};

use super::CHAT_MESSAGES;

/// How many lists' totals are remembered at most.
const REMEMBERED_TOTALS: usize = 4096;

/// In which order a vendor serves a list, by creation.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ListOrder {
    NewestFirst,
    OldestFirst,
    /// Neither: such a list is read whole.
    Unsorted,
}

/// What was found of the vendor's lists.
#[derive(Debug, Default)]
pub struct LearnedOrders {
    fixed: Option<ListOrder>,
    shapes: Mutex<HashMap<&'static str, Learned>>,
    totals: Mutex<HashMap<(&'static str, u64), u64>>,
}

#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Learned {
    pub(super) order: Option<ListOrder>,
    /// How many places an object was seen to stand from where its creation puts it, with a margin; 0 in a sorted list.
    pub(super) slack: u64,
    /// Whether ids were always seen to follow the order.
    pub(super) ids_follow: bool,
    pub(super) page_size: PageSize,
    /// Whether the totals that are told can be no totals.
    pub(super) has_false_totals: bool,
    /// Whether an answer told neither a total nor what follows.
    pub(super) tells_nothing: bool,
}

/// How many objects a vendor gives on a page, whatever it is asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum PageSize {
    AsAsked,
    AtMost(u32),
    /// It takes no notice of what it is asked for.
    Always(u32),
}

impl PageSize {
    /// The most that one page holds, where it is asked for at most so many.
    pub(super) fn largest(self, max_per_page: u32) -> u64 {
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

    pub(super) fn of(&self, shape: &'static str) -> Learned {
        let shapes = self.shapes.lock().unwrap_or_else(PoisonError::into_inner);
        let learned = shapes.get(shape).copied().unwrap_or_default();
        Learned {
            order: self.fixed_for(shape).or(learned.order),
            ..learned
        }
    }

    /// The setting speaks of lists; a chat may be told in another order.
    pub(super) fn fixed_for(&self, shape: &'static str) -> Option<ListOrder> {
        self.fixed.filter(|_| shape != CHAT_MESSAGES)
    }

    pub(super) fn keep(&self, shape: &'static str, learned: Learned) {
        let mut shapes = self.shapes.lock().unwrap_or_else(PoisonError::into_inner);
        shapes.insert(shape, learned);
    }

    pub(super) fn total_of(&self, list: (&'static str, u64)) -> Option<u64> {
        let totals = self.totals.lock().unwrap_or_else(PoisonError::into_inner);
        totals.get(&list).copied()
    }

    pub(super) fn keep_total(&self, list: (&'static str, u64), total: u64) {
        let mut totals = self.totals.lock().unwrap_or_else(PoisonError::into_inner);
        if totals.len() >= REMEMBERED_TOTALS {
            totals.clear();
        }
        totals.insert(list, total);
    }
}
