//! The forms in which FirstLine may want a filter: its documents show a query string, a JSON body of a GET, and no list of values.

use std::collections::BTreeMap;

use super::{ArrayStyle, Query, wire, wire::FilterValue};
use crate::domain::{FilterParameter, VendorNumber, VendorPageRequest};

/// One parameter of a filter, by the vendor's name.
#[derive(Debug, Clone)]
pub(super) struct SentFilter {
    pub(super) parameter: FilterParameter,
    pub(super) name: &'static str,
    /// The name with brackets, of a list of values.
    pub(super) bracketed: Option<&'static str>,
    pub(super) value: FilterValue,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum FilterForm {
    /// `handler_id=3`
    Query,
    /// `statuses[]=0&statuses[]=1`
    Brackets,
    /// `statuses=0,1`
    Comma,
    /// `{"statuses":[0,1]}`
    Body,
}

impl SentFilter {
    pub(super) fn text(parameter: FilterParameter, name: &'static str, text: String) -> Self {
        Self {
            parameter,
            name,
            bracketed: None,
            value: FilterValue::Text(text),
        }
    }

    pub(super) fn number(
        parameter: FilterParameter,
        name: &'static str,
        number: VendorNumber,
    ) -> Self {
        Self {
            parameter,
            name,
            bracketed: None,
            value: FilterValue::Number(number.get()),
        }
    }

    pub(super) fn is_list(&self) -> bool {
        self.bracketed.is_some()
    }

    /// The forms to try, the first one first.
    pub(super) fn forms(&self, style: ArrayStyle) -> &'static [FilterForm] {
        use FilterForm::*;
        match (style, self.is_list()) {
            (ArrayStyle::Auto, true) => &[Brackets, Comma, Body],
            (ArrayStyle::Auto, false) => &[Query, Body],
            (ArrayStyle::Brackets, true) => &[Brackets],
            (ArrayStyle::Comma, true) => &[Comma],
            (ArrayStyle::Brackets | ArrayStyle::Comma, false) => &[Query],
        }
    }

    fn push_to(&self, query: &mut Query, form: FilterForm) {
        let joined = match &self.value {
            FilterValue::Text(text) => text.clone(),
            FilterValue::Number(number) => number.to_string(),
            // The words true and false are no booleans to the vendor's framework.
            FilterValue::Flag(flag) => if *flag { "1" } else { "0" }.to_owned(),
            FilterValue::Numbers(numbers) => {
                let numbers: Vec<String> = numbers.iter().map(u64::to_string).collect();
                if let (FilterForm::Brackets, Some(bracketed)) = (form, self.bracketed) {
                    query.extend(numbers.into_iter().map(|number| (bracketed, number)));
                    return;
                }
                numbers.join(",")
            }
        };
        query.push((self.name, joined));
    }
}

/// The query of a page, and the body where a filter goes there. A body has the whole filter and the page too, for a vendor that
/// reads nothing else.
pub(super) fn encoded<'a>(
    sent: impl Iterator<Item = (&'a SentFilter, FilterForm)> + Clone,
    page: VendorPageRequest,
) -> (Query, Option<Vec<u8>>) {
    let mut query = Query::new();
    for (filter, form) in sent.clone() {
        if form != FilterForm::Body {
            filter.push_to(&mut query, form);
        }
    }
    query.push(("page", page.page.to_string()));
    query.push(("per_page", page.per_page.to_string()));

    let needs_body = sent.clone().any(|(_, form)| form == FilterForm::Body);
    let body = needs_body.then(|| {
        let filters = sent.map(|(filter, _)| (filter.name, filter.value.clone()));
        let page = [("page", page.page), ("per_page", page.per_page)];
        let page = page.map(|(name, number)| (name, FilterValue::Number(u64::from(number))));
        let fields: BTreeMap<&str, FilterValue> = filters.chain(page).collect();
        wire::encode(&fields)
    });
    (query, body)
}
