//! How many vendor calls one request may still cause.

use std::sync::{
    Arc,
    atomic::{AtomicU32, Ordering},
};

/// The vendor calls of one request, shared by its operations.
#[derive(Debug, Clone)]
pub struct CallBudget {
    allowed: u32,
    left: Arc<AtomicU32>,
    logins: Logins,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Logins {
    /// They are the gateway's own, and cost no request anything.
    Free,
    Counted,
}

/// A call that the budget has. It goes back to the budget unless it is spent.
#[derive(Debug)]
pub struct ReservedCall {
    /// None once it is spent.
    left: Option<Arc<AtomicU32>>,
}

impl CallBudget {
    pub const UNLIMITED: u32 = u32::MAX;

    pub fn new(allowed: u32) -> Self {
        Self {
            allowed,
            left: Arc::new(AtomicU32::new(allowed)),
            logins: Logins::Free,
        }
    }

    /// A budget for work of the gateway's own: logins count too.
    pub fn with_logins(allowed: u32) -> Self {
        Self {
            logins: Logins::Counted,
            ..Self::new(allowed)
        }
    }

    pub fn reserve_login(&self) -> Option<ReservedCall> {
        match self.logins {
            Logins::Free => Some(ReservedCall::free()),
            Logins::Counted => self.reserve(),
        }
    }

    pub fn allowed(&self) -> u32 {
        self.allowed
    }

    pub fn left(&self) -> u32 {
        self.left.load(Ordering::Relaxed)
    }

    pub(super) fn reserve(&self) -> Option<ReservedCall> {
        let one_less = |left: u32| left.checked_sub(1);
        self.left
            .fetch_update(Ordering::Relaxed, Ordering::Relaxed, one_less)
            .ok()?;
        Some(ReservedCall {
            left: Some(Arc::clone(&self.left)),
        })
    }
}

impl ReservedCall {
    /// A call of the gateway's own, which no request pays for.
    fn free() -> Self {
        Self { left: None }
    }

    /// The call is sent.
    pub fn spend(mut self) {
        self.left = None;
    }
}

impl Drop for ReservedCall {
    fn drop(&mut self) {
        if let Some(left) = &self.left {
            left.fetch_add(1, Ordering::Relaxed);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_call_that_is_not_sent_goes_back_to_the_budget() {
        let budget = CallBudget::new(2);
        let (first, second) = (budget.reserve(), budget.clone().reserve());
        assert!(first.is_some() && second.is_some());
        assert!(budget.reserve().is_none());

        drop(first);
        assert_eq!(budget.left(), 1);
        second.expect("there was one").spend();
        assert_eq!(budget.left(), 1);
        budget.reserve_login().expect("it is free").spend();
        assert_eq!((budget.left(), budget.allowed()), (1, 2));

        let with_logins = CallBudget::with_logins(1);
        with_logins.reserve_login().expect("there is one").spend();
        assert!(with_logins.reserve_login().is_none());
    }
}
