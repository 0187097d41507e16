//! Reports in `extensions.stale` which parts of a response are stale.

use async_graphql::{Context, InputType, QueryPathNode, QueryPathSegment, Value, value};

use super::{repository, scalars::DateTime, vendor::Vendor};
use crate::{
    context::{PathStep, RecordedStaleParts, StalePart, StaleRead},
    error::Result,
};

/// The part of a response that a resolver loads.
#[derive(Debug, Clone, Copy)]
pub(super) enum Place {
    /// The field's value.
    Field,
    /// The object whose field it is.
    Parent,
    /// An item of the field's list.
    Item(usize),
}

/// Resolves a field, and reports the place as stale where stale data was read for it.
pub(super) async fn reported<T>(
    ctx: &Context<'_>,
    place: Place,
    answer: impl Future<Output = Result<T>> + Send,
) -> Result<T> {
    let (answer, reads) = StaleRead::noted_by(answer).await;
    if answer.is_ok() && !reads.is_empty() {
        repository(ctx)?.report_stale(&path_of(ctx, place), reads);
    }
    answer
}

/// The extensions of a response: each stale part, and how many there are where not all are listed. None where none is stale.
pub fn stale_extensions(stale: &RecordedStaleParts) -> Option<Value> {
    if stale.parts.is_empty() {
        return None;
    }
    let parts = Value::List(stale.parts.iter().map(shown).collect());
    Some(match stale.parts.len() < stale.count {
        true => value!({ "stale": parts, "staleCount": stale.count }),
        false => value!({ "stale": parts }),
    })
}

fn shown(part: &StalePart) -> Value {
    let path = part.path.iter().map(|step| match step {
        PathStep::Key(key) => Value::from(key.as_str()),
        PathStep::Index(index) => Value::from(*index),
    });
    value!({
        "path": Value::List(path.collect()),
        "vendor": Value::from(Vendor::from(part.read.vendor)),
        "fetchedAt": InputType::to_value(&DateTime(part.read.fetched_at)),
    })
}

fn path_of(ctx: &Context<'_>, place: Place) -> Vec<PathStep> {
    let field = ctx.path_node.as_ref();
    let mut next = match place {
        Place::Field | Place::Item(_) => field,
        Place::Parent => field.and_then(|field| field.parent),
    };
    let mut path = Vec::new();
    if let Place::Item(index) = place {
        path.push(PathStep::Index(index));
    }
    while let Some(QueryPathNode { parent, segment }) = next {
        path.push(match segment {
            QueryPathSegment::Index(index) => PathStep::Index(*index),
            QueryPathSegment::Name(name) => PathStep::Key((*name).to_owned()),
        });
        next = *parent;
    }
    path.reverse();
    path
}
