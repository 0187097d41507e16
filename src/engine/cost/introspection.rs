//! What introspection costs: as much as the answer is expected to hold, by the average sizes of this schema.

use crate::engine::schema_shape::{SchemaShape, TypeKind, wrappers};

/// Introspection's lists lead back to each other, and each level multiplies the answer. Clients need two.
pub(super) const MAX_LISTS: u64 = 2;

/// How many fields of introspection a query may have, its fragments expanded. GraphiQL's has some 250.
pub(super) const MAX_FIELDS: u64 = 1000;

/// How often one request may select `__schema` and `__type`, with all requests of its batch.
pub(in crate::engine) const MAX_ROOTS: u64 = 4;

/// How large a document of introspection alone may always be, so that tools can read the schema however narrow the settings are.
/// The largest query of graphql-js, which GraphiQL and the generators of code send, has some 250 tokens.
pub(super) const BYTES: u64 = 16_384;
pub(super) const TOKENS: u64 = 1000;

/// How much it may always cost: that query once, and not twice.
pub(super) const COST: u64 = 10_000;

/// Averages are counted in thousandths.
pub(super) const THOUSAND: u64 = 1000;

/// How many objects a field of introspection has on average, in thousandths.
#[derive(Debug, Default)]
pub(in crate::engine) struct IntrospectionSizes {
    types: u64,
    directives: u64,
    fields: u64,
    arguments: u64,
    input_fields: u64,
    enum_values: u64,
    interfaces: u64,
    possible_types: u64,
    wrapped_types: u64,
}

impl IntrospectionSizes {
    pub(in crate::engine) fn of(shape: &SchemaShape) -> Self {
        let mut counts = Self::default();
        let mut references = 0;
        let mut wrapped = 0;
        let mut refer = |referred: u64| {
            references += 1;
            wrapped += referred;
        };
        for known in shape.types() {
            counts.types += 1;
            counts.possible_types += known.possible.len() as u64;
            match &known.kind {
                TypeKind::Object(fields) | TypeKind::Interface(fields) => {
                    counts.interfaces += fields.interfaces.len() as u64;
                    for field in fields.by_name.values() {
                        counts.fields += 1;
                        counts.arguments += field.arguments.len() as u64;
                        refer(wrappers(&field.field_type));
                        let arguments = field.arguments.iter();
                        arguments.for_each(|argument| refer(wrappers(&argument.input_type)));
                    }
                }
                TypeKind::Input { fields, .. } => {
                    counts.input_fields += fields.len() as u64;
                    let fields = fields.iter();
                    fields.for_each(|field| refer(wrappers(&field.input_type)));
                }
                TypeKind::Enum(values) => counts.enum_values += values.len() as u64,
                TypeKind::Scalar | TypeKind::Union => {}
            }
        }
        for directive in shape.directives() {
            counts.directives += 1;
            counts.arguments += directive.arguments.len() as u64;
        }

        let average = |count: u64, of: u64| (count * THOUSAND).div_ceil(of.max(1));
        Self {
            types: counts.types * THOUSAND,
            directives: counts.directives * THOUSAND,
            fields: average(counts.fields, counts.types),
            arguments: average(counts.arguments, counts.fields + counts.directives),
            input_fields: average(counts.input_fields, counts.types),
            enum_values: average(counts.enum_values, counts.types),
            interfaces: average(counts.interfaces, counts.types),
            possible_types: average(counts.possible_types, counts.types),
            wrapped_types: average(wrapped, references + wrapped),
        }
    }

    /// Of the field by this name of `__schema`, `__type` or what they lead to.
    pub(super) fn of_field(&self, name: &str) -> u64 {
        match name {
            "types" => self.types,
            "directives" => self.directives,
            "fields" => self.fields,
            "args" => self.arguments,
            "inputFields" => self.input_fields,
            "enumValues" => self.enum_values,
            "interfaces" => self.interfaces,
            "possibleTypes" => self.possible_types,
            "ofType" => self.wrapped_types,
            _ => THOUSAND,
        }
    }
}
