//! One page of a filtered list: its rows are checked against the filter, and a filter that was not applied is sent in another form.

use jiff::Timestamp;
use reqwest::StatusCode;

use super::{
    FirstLine, VENDOR,
    filter_form::{FilterForm, SentFilter, encoded},
    page::page_of,
    wire,
};
use crate::{
    context::RequestScope,
    domain::{
        DateTime, FilterParameter, FilterParameters, Topic, VendorErrorCode, VendorPage,
        VendorPageRequest,
    },
    error::{Error, Result},
    upstream::{
        applied_filters::Sending,
        call::Call,
        response::VendorResponse,
        wire::{HasId, Identified},
    },
};

/// Rows of which the creation is further outside the bounds than this show that those are not applied at all.
const FAR_OUTSIDE_SECONDS: i64 = 2 * 86_400;

/// More tries than the parameters of one filter have forms.
const MOST_TRIES: usize = 24;

/// A list, and what is requested of it.
pub(super) struct FilteredList<'a, W, T> {
    pub(super) topic: Topic,
    pub(super) route: &'static str,
    pub(super) sent: Vec<SentFilter>,
    pub(super) page: VendorPageRequest,
    pub(super) map: &'a (dyn Fn(Identified<W>) -> T + Sync),
    /// The parameters that a row does not match.
    pub(super) mismatches: &'a (dyn Fn(&T) -> FilterParameters + Sync),
}

/// One filter in the form in which it is sent now.
#[derive(Clone)]
struct Attempt<'a> {
    filter: &'a SentFilter,
    forms: &'static [FilterForm],
    form: usize,
    /// The forms that this page was refused in.
    refused: Vec<usize>,
}

impl Attempt<'_> {
    fn sending(&self, form: usize) -> Sending {
        Sending {
            parameter: self.filter.parameter,
            name: self.filter.name,
            form,
            forms: self.forms.len(),
        }
    }

    fn is_in_body(&self) -> bool {
        self.forms.get(self.form) == Some(&FilterForm::Body)
    }
}

impl FirstLine {
    pub(super) async fn filtered_page<W: HasId, T>(
        &self,
        scope: &RequestScope,
        list: FilteredList<'_, W, T>,
    ) -> Result<VendorPage<T>> {
        let mut attempts = self.attempts(&list);
        for _ in 0..MOST_TRIES {
            let in_forms = attempts.iter().filter_map(|attempt| {
                let form = attempt.forms.get(attempt.form)?;
                Some((attempt.filter, *form))
            });
            let (query, body) = encoded(in_forms, list.page);
            let mut call = Call::get(list.route, list.route).query(query);
            if let Some(body) = body {
                call = call.json(body);
            }
            let response = self.session.send(scope, &call).await?;

            if let Some(refused) = refused_filters(&response, &attempts) {
                if self.next_forms(list.topic, &mut attempts, &refused) {
                    response.settle(());
                    continue;
                }
                if self.was_ignored(list.topic, &attempts, &refused) {
                    // The rows of the other forms have shown that it is not the value that is refused.
                    response.settle(());
                    self.note_refused(list.topic, &attempts);
                    return Err(Error::vendor(VENDOR, VendorErrorCode::BadResponse));
                }
                return Err(response.refuse());
            }
            let page = page_of(response.read_page::<wire::List<W>>()?, list.page, list.map);
            self.note_refused(list.topic, &attempts);

            let unmatched = page.items.iter().map(|row| (list.mismatches)(row));
            let unmatched = unmatched.fold(FilterParameters::NONE, FilterParameters::union);
            match self.note_unmatched(list.topic, &attempts, unmatched) {
                Checked::Applied => return Ok(page),
                Checked::SendAgain => attempts = self.attempts(&list),
                Checked::Unapplied => break,
            }
        }
        Err(Error::vendor(VENDOR, VendorErrorCode::BadResponse))
    }

    /// Each filter in the form that is known to work, or the preferred one.
    fn attempts<'a, W, T>(&self, list: &'a FilteredList<'_, W, T>) -> Vec<Attempt<'a>> {
        let sent = list.sent.iter().map(|filter| Attempt {
            filter,
            forms: filter.forms(self.array_style),
            form: self.applied_filters.form(list.topic, filter.parameter),
            refused: Vec::new(),
        });
        sent.collect()
    }

    /// Gives each refused filter that has another form that form. False where none has.
    fn next_forms(&self, topic: Topic, attempts: &mut [Attempt<'_>], refused: &[usize]) -> bool {
        let mut has_next = false;
        for index in refused {
            let Some(attempt) = attempts.get_mut(*index) else {
                continue;
            };
            attempt.refused.push(attempt.form);
            let parameter = attempt.filter.parameter;
            let next = (0..attempt.forms.len()).find(|form| {
                let is_refused = attempt.refused.contains(form);
                !is_refused && !self.applied_filters.has_failed(topic, parameter, *form)
            });
            if let Some(next) = next {
                attempt.form = next;
                has_next = true;
            }
        }
        has_next
    }

    fn was_ignored(&self, topic: Topic, attempts: &[Attempt<'_>], refused: &[usize]) -> bool {
        let refused = refused.iter().filter_map(|index| attempts.get(*index));
        refused.into_iter().any(|attempt| {
            let parameter = attempt.filter.parameter;
            let mut forms = 0..attempt.forms.len();
            forms.any(|form| self.applied_filters.has_failed(topic, parameter, form))
        })
    }

    /// A form that was refused counts as failed once another one was accepted: until then, the value may be at fault.
    fn note_refused(&self, topic: Topic, attempts: &[Attempt<'_>]) {
        for attempt in attempts {
            for form in &attempt.refused {
                let sending = attempt.sending(*form);
                self.applied_filters.note_failure(topic, sending);
            }
        }
    }

    fn note_unmatched(
        &self,
        topic: Topic,
        attempts: &[Attempt<'_>],
        unmatched: FilterParameters,
    ) -> Checked {
        let mut checked = Checked::Applied;
        let mut noted = FilterParameters::NONE;
        for attempt in attempts {
            let parameter = attempt.filter.parameter;
            // The two bounds of the creation time are one parameter.
            if !unmatched.contains(parameter) || noted.contains(parameter) {
                continue;
            }
            noted = noted.union(parameter.into());
            let is_created = parameter == FilterParameter::Created;
            if is_created && attempt.forms.len() == 1 {
                continue;
            }
            let sending = attempt.sending(attempt.form);
            match self.applied_filters.note_failure(topic, sending) {
                true if checked != Checked::Unapplied => checked = Checked::SendAgain,
                true => {}
                // Lists check the creation time themselves, and read wider spans.
                false if is_created => {}
                false => checked = Checked::Unapplied,
            }
        }
        checked
    }
}

/// What the rows of a page show of its filter.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Checked {
    Applied,
    /// Another form may work.
    SendAgain,
    /// Some parameter works in no form.
    Unapplied,
}

/// The filters that a refusal may be about: those that it names, or else all lists and all filters in a body. None where the
/// response is no refusal of a filter's form.
fn refused_filters(response: &VendorResponse<'_>, attempts: &[Attempt<'_>]) -> Option<Vec<usize>> {
    let status = response.status();
    let has_body = attempts.iter().any(Attempt::is_in_body);
    let is_refusal = match status {
        StatusCode::BAD_REQUEST | StatusCode::UNPROCESSABLE_ENTITY => true,
        StatusCode::UNAUTHORIZED | StatusCode::REQUEST_TIMEOUT | StatusCode::TOO_MANY_REQUESTS => {
            false
        }
        // What is between the gateway and the vendor may accept no GET with a body.
        _ => status.is_client_error() && has_body,
    };
    if !is_refusal {
        return None;
    }

    let body: Option<wire::ErrorBody> = response.try_decode();
    let errors = body.and_then(|body| body.errors.into_value());
    let is_named = |attempt: &Attempt<'_>| {
        let fields = errors.iter().flat_map(|errors| errors.0.keys());
        let mut names = fields.map(|field| field.split('.').next().unwrap_or(field));
        names.any(|name| name == attempt.filter.name)
    };
    let has_forms = |attempt: &Attempt<'_>| {
        attempt.forms.len() > 1 && (attempt.filter.is_list() || attempt.is_in_body())
    };
    let indices = |is_meant: &dyn Fn(&Attempt<'_>) -> bool| -> Vec<usize> {
        let meant = attempts.iter().enumerate();
        let meant = meant.filter(|(_, attempt)| has_forms(attempt) && is_meant(attempt));
        meant.map(|(index, _)| index).collect()
    };
    let names_some = errors.as_ref().is_some_and(|errors| !errors.0.is_empty());
    let refused = match names_some {
        true => indices(&is_named),
        false => indices(&|_| true),
    };
    (!refused.is_empty()).then_some(refused)
}

/// Whether a creation time shows that the bounds are not applied at all. Lists themselves deal with bounds that are not exact.
pub(super) fn far_outside(
    created_at: Option<DateTime>,
    from: Option<Timestamp>,
    to: Option<Timestamp>,
) -> FilterParameters {
    let second = created_at.map(|created_at| created_at.timestamp.as_second());
    let seconds_before = from
        .zip(second)
        .map(|(from, second)| from.as_second() - second);
    let seconds_after = to.zip(second).map(|(to, second)| second - to.as_second());
    let furthest = seconds_before.max(seconds_after).unwrap_or_default();
    match furthest > FAR_OUTSIDE_SECONDS {
        true => FilterParameter::Created.into(),
        false => FilterParameters::NONE,
    }
}
