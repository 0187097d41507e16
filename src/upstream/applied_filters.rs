//! What a vendor's rows have shown of its filters: in which form it applies a parameter, and which it applies in no form.

use std::{
    collections::HashMap,
    sync::{
        Mutex, MutexGuard, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use tokio::time::Instant;

use crate::domain::{FilterParameter, FilterParameters, Topic, UnappliedFilters, Vendor};

/// The most forms that a vendor is sent one parameter in.
const MOST_FORMS: usize = 3;

/// What was learned of one vendor. Nothing is known to fail at first.
#[derive(Debug)]
pub(super) struct AppliedFilters {
    vendor: Vendor,
    /// The setting that names the form, where there is one.
    setting: Option<&'static str>,
    /// How long a form that failed is not tried again.
    retry_after: Duration,
    revision: AtomicU64,
    learned: Mutex<HashMap<(Topic, FilterParameter), Learned>>,
}

/// One parameter in one of the forms in which it can be sent, counted from 0 in the order of preference.
#[derive(Debug, Clone, Copy)]
pub(super) struct Sending {
    pub(super) parameter: FilterParameter,
    /// The vendor's name of it, for the log.
    pub(super) name: &'static str,
    pub(super) form: usize,
    pub(super) forms: usize,
}

#[derive(Debug, Default)]
struct Learned {
    current: usize,
    forms: usize,
    failed_at: [Option<Instant>; MOST_FORMS],
}

impl Learned {
    fn has_failed(&self, form: usize, lately: Duration) -> bool {
        let failed_at = self.failed_at.get(form).copied().flatten();
        failed_at.is_some_and(|failed_at| failed_at.elapsed() < lately)
    }

    /// The form in use while it works, or else the first one that did not fail lately.
    fn form(&self, lately: Duration) -> Option<usize> {
        std::iter::once(self.current)
            .chain(0..self.forms)
            .find(|form| !self.has_failed(*form, lately))
    }
}

impl AppliedFilters {
    pub(super) fn new(
        vendor: Vendor,
        setting: Option<&'static str>,
        retry_after: Duration,
    ) -> Self {
        Self {
            vendor,
            setting,
            retry_after,
            revision: AtomicU64::new(0),
            learned: Mutex::default(),
        }
    }

    /// The form in which to send a parameter: the first one where the vendor applies none.
    pub(super) fn form(&self, list: Topic, parameter: FilterParameter) -> usize {
        let learned = self.learned();
        let known = learned.get(&(list, parameter));
        let form = known.and_then(|known| known.form(self.retry_after));
        form.unwrap_or_default()
    }

    /// Whether the vendor did not apply a parameter in that form lately.
    pub(super) fn has_failed(&self, list: Topic, parameter: FilterParameter, form: usize) -> bool {
        let learned = self.learned();
        let known = learned.get(&(list, parameter));
        known.is_some_and(|known| known.has_failed(form, self.retry_after))
    }

    /// The parameters that the vendor applies in no form.
    pub(super) fn unapplied(&self) -> UnappliedFilters {
        // Read first: what is learned in between has another revision.
        let revision = self.revision.load(Ordering::SeqCst);
        UnappliedFilters {
            service_records: self.unapplied_to(Topic::ServiceRecords),
            tickets: self.unapplied_to(Topic::Tickets),
            revision,
        }
    }

    /// Without the creation time: lists find out themselves which span they have to request.
    fn unapplied_to(&self, list: Topic) -> FilterParameters {
        let learned = self.learned();
        let of_list = learned.iter().filter(|((known, _), _)| *known == list);
        let unapplied = of_list.filter(|(_, learned)| learned.form(self.retry_after).is_none());
        let parameters = unapplied.map(|((_, parameter), _)| *parameter);
        FilterParameters::from_iter(parameters).minus(FilterParameter::Created.into())
    }

    /// The vendor did not apply a parameter as it was sent. Says whether another form is left.
    pub(super) fn note_failure(&self, list: Topic, sending: Sending) -> bool {
        let mut learned = self.learned();
        let known = learned.entry((list, sending.parameter)).or_default();
        known.forms = sending.forms.min(MOST_FORMS);
        let is_first = (0..known.forms).all(|form| !known.has_failed(form, self.retry_after));
        let is_new = !known.has_failed(sending.form, self.retry_after);
        if let Some(failed_at) = known.failed_at.get_mut(sending.form) {
            *failed_at = Some(Instant::now());
        }
        let next = known.form(self.retry_after);
        known.current = next.unwrap_or_default();
        if is_new {
            self.revision.fetch_add(1, Ordering::SeqCst);
        }
        drop(learned);

        let (vendor, list) = (self.vendor.slug(), name_of(list));
        if is_first {
            tracing::warn!(
                target: "deskgraph::filters",
                vendor,
                list,
                filter.parameter = sending.name,
                setting = self.setting,
                "the vendor does not apply a filter as it is sent: another form is tried, or the gateway applies the filter itself"
            );
        }
        if is_new {
            tracing::info!(
                target: "deskgraph::filters",
                vendor,
                list,
                filter.parameter = sending.name,
                filter.next_form = next,
                "a form of a filter failed; without a next one the gateway applies the filter for a while"
            );
        }
        next.is_some()
    }

    fn learned(&self) -> MutexGuard<'_, HashMap<(Topic, FilterParameter), Learned>> {
        self.learned.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn name_of(list: Topic) -> &'static str {
    match list {
        Topic::Tickets => "tickets",
        Topic::ServiceRecords => "service records",
        _ => "others",
    }
}

#[cfg(test)]
mod tests {
    use tokio::time;

    use super::*;

    const HOUR: Duration = Duration::from_secs(3600);
    const LIST: Topic = Topic::Tickets;
    const PARAMETER: FilterParameter = FilterParameter::Statuses;

    fn learned() -> AppliedFilters {
        AppliedFilters::new(Vendor::FirstLine, None, HOUR)
    }

    fn in_form(form: usize) -> Sending {
        Sending {
            parameter: PARAMETER,
            name: "statuses",
            form,
            forms: 3,
        }
    }

    #[tokio::test(start_paused = true)]
    async fn each_form_is_tried_before_a_parameter_counts_as_unapplied() {
        let filters = learned();
        assert_eq!(filters.form(LIST, PARAMETER), 0);
        assert!(filters.note_failure(LIST, in_form(0)));
        assert_eq!(filters.form(LIST, PARAMETER), 1);
        assert!(filters.note_failure(LIST, in_form(1)));
        assert_eq!(filters.form(LIST, PARAMETER), 2);
        assert!(filters.unapplied().tickets.is_empty());
        assert!(!filters.note_failure(LIST, in_form(2)));
        assert_eq!(filters.unapplied().tickets, PARAMETER.into());
        assert!(filters.unapplied().service_records.is_empty());
        assert_eq!(filters.unapplied().revision, 3);
    }

    #[tokio::test(start_paused = true)]
    async fn an_unapplied_parameter_is_tried_again_after_an_hour() {
        let filters = learned();
        for form in 0..3 {
            filters.note_failure(LIST, in_form(form));
        }
        time::advance(HOUR - Duration::from_millis(1)).await;
        assert_eq!(filters.unapplied().tickets, PARAMETER.into());
        time::advance(Duration::from_millis(1)).await;
        assert!(filters.unapplied().tickets.is_empty());
        assert_eq!(filters.form(LIST, PARAMETER), 0);
    }

    #[tokio::test(start_paused = true)]
    async fn a_form_that_works_stays_in_use() {
        let filters = learned();
        filters.note_failure(LIST, in_form(0));
        time::advance(HOUR * 3).await;
        assert_eq!(filters.form(LIST, PARAMETER), 1);
        // Once it fails, the others get another chance.
        assert!(filters.note_failure(LIST, in_form(1)));
        assert_eq!(filters.form(LIST, PARAMETER), 0);
    }

    #[tokio::test(start_paused = true)]
    async fn a_late_failure_of_a_former_form_does_not_change_the_form_in_use() {
        let filters = learned();
        filters.note_failure(LIST, in_form(0));
        assert!(filters.note_failure(LIST, in_form(0)));
        assert_eq!(filters.form(LIST, PARAMETER), 1);
        assert_eq!(filters.unapplied().revision, 1);
    }
}
