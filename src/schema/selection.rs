//! Look-ahead: what a query selects below a field, so that the repository loads nothing else.

use async_graphql::{Context, SelectionField};

use crate::{domain::Detail, repository::TotalsWanted};

/// The fields that an object's id determines.
pub(super) const IDENTITY: [&str; 4] = ["id", "vendor", "vendorId", "__typename"];

/// The fields of the smallest copy of an object that has more than its number.
const IDENTITY_AND_NAME: [&str; 5] = ["id", "vendor", "vendorId", "__typename", "name"];

/// Whether the field's selection has no other names than these, fragments included.
pub(super) fn selects_only(field: SelectionField<'_>, names: &[&str]) -> bool {
    field
        .selection_set()
        .all(|selected| names.contains(&selected.name()))
}

/// Whether the field's selection needs more than the copy in another object, which has this detail and may have a name.
pub(super) fn selects_more_than_copy(
    field: SelectionField<'_>,
    detail: Detail,
    name: Option<&str>,
) -> bool {
    let embedded: &[_] = match name {
        Some(_) => &IDENTITY_AND_NAME,
        None => &IDENTITY,
    };
    detail != Detail::Full && !selects_only(field, embedded)
}

/// Whether a category's selection needs more than the numbers of the category and its ancestors.
pub(super) fn selects_category_names(category: SelectionField<'_>) -> bool {
    category
        .selection_set()
        .any(|selected| match selected.name() {
            "level" | "children" => false,
            "parent" => selects_category_names(selected),
            name => !IDENTITY.contains(&name),
        })
}

/// Whether the query selects a total of the list.
pub(super) fn totals_wanted(ctx: &Context<'_>) -> TotalsWanted {
    let list = ctx.look_ahead();
    let is_wanted =
        list.field("totalCount").exists() || list.field("sources").field("totalCount").exists();
    match is_wanted {
        true => TotalsWanted::Yes,
        false => TotalsWanted::No,
    }
}

#[cfg(test)]
mod tests {
    use async_graphql::{Context, EmptyMutation, EmptySubscription, Object, Schema};

    use super::{super::category::Category, selects_category_names};

    /// Returns whether the query selects the names of the categories of a list's records.
    struct Probe;

    #[Object]
    impl Probe {
        async fn list(&self, ctx: &Context<'_>) -> ProbedList {
            let list = ctx.look_ahead();
            let records = [list.field("nodes"), list.field("edges").field("node")];
            let categories = records.iter().map(|record| record.field("category"));
            let mut selected = categories.flat_map(|category| category.selection_fields());
            ProbedList(selected.any(selects_category_names))
        }
    }

    struct ProbedList(bool);

    #[Object]
    impl ProbedList {
        async fn nodes(&self) -> ProbedRecord {
            ProbedRecord
        }

        async fn edges(&self) -> ProbedEdge {
            ProbedEdge
        }

        async fn names(&self) -> bool {
            self.0
        }
    }

    struct ProbedEdge;

    #[Object]
    impl ProbedEdge {
        async fn node(&self) -> ProbedRecord {
            ProbedRecord
        }
    }

    struct ProbedRecord;

    #[Object]
    impl ProbedRecord {
        async fn category(&self) -> Option<Category> {
            None
        }
    }

    #[tokio::test]
    async fn category_names_are_needed_only_where_the_query_selects_them() {
        let schema = Schema::new(Probe, EmptyMutation, EmptySubscription);

        for (selection, expected) in [
            (
                "nodes { category { id vendor vendorId level __typename } }",
                false,
            ),
            (
                "nodes { category { parent { id parent { level } } } }",
                false,
            ),
            ("edges { node { category { children { name } } } }", false),
            ("nodes { category { name @skip(if: true) id } }", false),
            ("nodes { category { name } }", true),
            ("nodes { category { id } category { description } }", true),
            (
                "edges { node { category { parent { parent { name } } } } }",
                true,
            ),
            ("nodes { ...Record }", true),
        ] {
            let query = format!(
                "query {{ list {{ names {selection} }} }}
                 fragment Record on ProbedRecord {{ category {{ ... on Category {{ id }} ...Named }} }}
                 fragment Named on Category {{ name }}"
            );
            let query = match selection.contains("...") {
                true => query,
                false => query.lines().next().unwrap_or_default().to_owned(),
            };
            let answer = schema
                .execute(query)
                .await
                .data
                .into_json()
                .unwrap_or_default();
            assert_eq!(answer["list"]["names"], expected, "{selection}: {answer}");
        }
    }
}
