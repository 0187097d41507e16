//! Completes the introspection of interfaces.
//!
//! The library returns null as the `interfaces` of an interface. The specification, since interfaces can implement interfaces, has
//! a list there as for objects. Upstream has no issue for it. So such a field is executed together with the type's kind, which is
//! removed from the response again.

use async_graphql::{
    Name, Positioned, Value,
    parser::types::{Field, Selection},
};

const FIELD: &str = "interfaces";
const KIND: &str = "kind";

/// With the key of the field that it goes with. No client uses the names that GraphQL keeps for itself.
const KIND_OF: &str = "__kindOf__";

/// Executes the kind of the type beside each `interfaces` of a selection of introspection.
pub(super) fn add_kinds(selections: &mut Vec<Positioned<Selection>>) -> bool {
    let kinds: Vec<_> = selections
        .iter()
        .filter_map(|selection| match &selection.node {
            Selection::Field(field) if field.node.name.node == FIELD => Some(field),
            _ => None,
        })
        .map(|field| {
            let (pos, key) = (field.pos, &field.node.response_key().node);
            let kind = Field {
                alias: Some(Positioned::new(Name::new(format!("{KIND_OF}{key}")), pos)),
                name: Positioned::new(Name::new(KIND), pos),
                arguments: Vec::new(),
                directives: field.node.directives.clone(),
                selection_set: Positioned::default(),
            };
            Positioned::new(Selection::Field(Positioned::new(kind, pos)), pos)
        })
        .collect();
    let has_added = !kinds.is_empty();
    selections.extend(kinds);
    has_added
}

/// Whether it is such a kind, which no client selected.
pub(in crate::engine) fn is_added(field: &Field) -> bool {
    let alias = field.alias.as_ref();
    alias.is_some_and(|alias| alias.node.starts_with(KIND_OF))
}

/// Takes the kinds out of the data, and completes what is null of an interface. Recurses as deep as the data.
pub(in crate::engine) fn complete_interfaces(data: &mut Value) {
    match data {
        Value::List(items) => items.iter_mut().for_each(complete_interfaces),
        Value::Object(fields) => {
            let kinds: Vec<Name> = fields
                .keys()
                .filter(|key| key.starts_with(KIND_OF))
                .cloned()
                .collect();
            for name in kinds {
                let kind = fields.shift_remove(&name);
                let is_interface = match &kind {
                    Some(Value::Enum(kind)) => kind == "INTERFACE",
                    Some(Value::String(kind)) => kind == "INTERFACE",
                    _ => false,
                };
                let key = name.strip_prefix(KIND_OF).unwrap_or_default();
                if is_interface
                    && let Some(interfaces) = fields.get_mut(key)
                    && *interfaces == Value::Null
                {
                    *interfaces = Value::List(Vec::new());
                }
            }
            fields.values_mut().for_each(complete_interfaces);
        }
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use async_graphql::{EmptyMutation, EmptySubscription, Interface, Object, Schema, value};

    struct Query;

    #[Object]
    impl Query {
        async fn thing(&self) -> Thing {
            One.into()
        }
    }

    #[derive(Interface)]
    #[graphql(field(name = "id", ty = "i32"))]
    enum Thing {
        One(One),
    }

    struct One;

    #[Object]
    impl One {
        async fn id(&self) -> i32 {
            1
        }
    }

    /// When it fails, the library returns the list itself, and this module may go.
    #[tokio::test]
    async fn the_library_still_has_no_list_for_an_interface() {
        let schema = Schema::new(Query, EmptyMutation, EmptySubscription);
        let response = schema
            .execute(r#"{ __type(name: "Thing") { interfaces { name } } }"#)
            .await;
        assert_eq!(response.data, value!({ "__type": { "interfaces": null } }));
    }
}
