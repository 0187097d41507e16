//! Coerces what arguments and filters share. Each error names the argument and never repeats the value.

use std::{borrow::Cow, str::FromStr};

use async_graphql::{Context, ID};

use super::{
    error::FieldResult, repository, scalars::DateTime, ticket::TicketStatus, vendor::Vendor,
};
use crate::{
    domain::{self, MalformedId, PageArguments},
    error::{Error, Result},
};

/// How many objects a page holds when `first` is left out or null.
pub(super) const DEFAULT_FIRST: i32 = 20;
pub(super) const DEFAULT_FIRST_MESSAGES: i32 = 50;

pub(super) fn page(
    ctx: &Context<'_>,
    first: Option<i32>,
    after: Option<String>,
    default: i32,
) -> Result<PageArguments> {
    let limit = repository(ctx)?.limit(first, default.unsigned_abs() as usize)?;
    Ok(PageArguments { limit, after })
}

pub(super) fn id<T: FromStr<Err = MalformedId>>(path: &str, id: &ID) -> Result<T> {
    id.parse()
        .map_err(|malformed| Error::bad_user_input(format!("{path}: {malformed}")))
}

/// What a client filters by goes into the address of a vendor's call, which has room for these.
const MAX_SEARCH_CHARACTERS: usize = 500;
const MAX_FILTER_ITEMS: usize = 100;

/// The text of a search.
pub(super) fn search(path: &str, text: String) -> Result<String> {
    // Counted up to the limit only: a text may be as long as a request.
    match text.chars().nth(MAX_SEARCH_CHARACTERS) {
        None => Ok(text),
        Some(_) => Err(Error::bad_user_input(format!(
            "{path}: it must have at most {MAX_SEARCH_CHARACTERS} characters"
        ))),
    }
}

fn check_count(path: &str, count: usize) -> Result<()> {
    if count <= MAX_FILTER_ITEMS {
        return Ok(());
    }
    Err(Error::bad_user_input(format!(
        "{path}: it must hold at most {MAX_FILTER_ITEMS} items, not {count}"
    )))
}

pub(super) fn ids<T: FromStr<Err = MalformedId>>(path: &str, ids: &[ID]) -> Result<Vec<T>> {
    check_count(path, ids.len())?;
    let read = |(index, element)| id(&format!("{path}[{index}]"), element);
    ids.iter().enumerate().map(read).collect()
}

pub(super) fn status(path: &str, status: TicketStatus) -> Result<domain::TicketStatus> {
    match status {
        TicketStatus::Unknown => Err(Error::bad_user_input(format!(
            "{path}: UNKNOWN is not valid as an input"
        ))),
        known => Ok(known.into()),
    }
}

pub(super) fn statuses(path: &str, statuses: &[TicketStatus]) -> Result<Vec<domain::TicketStatus>> {
    check_count(path, statuses.len())?;
    let read =
        |(index, element): (usize, &TicketStatus)| status(&format!("{path}[{index}]"), *element);
    statuses.iter().enumerate().map(read).collect()
}

pub(super) fn vendors(vendors: Option<Vec<Vendor>>) -> Option<Vec<domain::Vendor>> {
    vendors.map(|vendors| vendors.into_iter().map(Into::into).collect())
}

/// The two bounds of a range are named by their paths. A range without one of them is open there.
pub(super) fn check_range(
    (from_path, from): (&str, Option<DateTime>),
    (to_path, to): (&str, Option<DateTime>),
) -> Result<()> {
    match (from, to) {
        (Some(from), Some(to)) => {
            check_order((from_path, from.timestamp()), (to_path, to.timestamp()))
        }
        _ => Ok(()),
    }
}

pub(super) fn check_order<T: PartialOrd>(
    (from_path, from): (&str, T),
    (to_path, to): (&str, T),
) -> Result<()> {
    match from > to {
        true => Err(Error::bad_user_input(format!(
            "{from_path}: it must not be later than {to_path}"
        ))),
        false => Ok(()),
    }
}

/// Personal data, as the caller may see it.
pub(super) fn personal<'a>(
    ctx: &Context<'_>,
    value: Option<&'a str>,
) -> Option<FieldResult<Cow<'a, str>>> {
    match repository(ctx) {
        Ok(repository) => repository.personal(value).map(Ok),
        Err(error) => Some(Err(error.into())),
    }
}
