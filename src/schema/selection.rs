//! What the query asks for below a field, so that nothing is loaded that nobody reads.

use async_graphql::{Context, SelectionField};

use crate::repository::CategoryNamesWanted;

/// What is known of an object by its id alone.
pub(super) const IDENTITY: [&str; 4] = ["id", "vendor", "vendorId", "__typename"];

/// Whether the field's selection has no other names than these, fragments included.
pub(super) fn asks_only_for(field: SelectionField<'_>, names: &[&str]) -> bool {
    field
        .selection_set()
        .all(|selected| names.contains(&selected.name()))
}

/// Whether a category's selection needs more than the numbers of the category and its ancestors.
pub(super) fn asks_for_category_names(category: SelectionField<'_>) -> bool {
    category
        .selection_set()
        .any(|selected| match selected.name() {
            "level" | "children" => false,
            "parent" => asks_for_category_names(selected),
            name => !IDENTITY.contains(&name),
        })
}

/// Whether a list of service records is asked for the names of their categories.
pub(super) fn category_names_wanted(ctx: &Context<'_>) -> CategoryNamesWanted {
    let list = ctx.look_ahead();
    let records = [list.field("nodes"), list.field("edges").field("node")];
    let is_wanted = records
        .iter()
        .flat_map(|record| record.field("category").selection_fields())
        .any(asks_for_category_names);

    match is_wanted {
        true => CategoryNamesWanted::Yes,
        false => CategoryNamesWanted::No,
    }
}
