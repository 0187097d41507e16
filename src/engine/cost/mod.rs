//! Demand control: what a document may hold and cost, counted on the parsed document before it runs.
//!
//! A scalar field costs 1, an object 2 besides its own fields, and each call to a vendor that a field may cause 10 more. A list of
//! objects costs that much for each item: as many as `first` or its default says, as `ids` names, or `ASSUMED_LIST_LENGTH`.
//! Introspection costs the same, its lists being as long as they are in this schema. By itself it may always cost as much as
//! reading the whole schema once does, so that tools can read it however narrow the settings are.
//!
//! A fragment is measured once, however often it is spread, so that counting takes time linear in the document.

mod calls;
mod introspection;

#[cfg(test)]
mod tests;

use std::{collections::HashMap, fmt, io};

use async_graphql::{
    Value, Variables,
    parser::types::{ExecutableDocument, Field, OperationDefinition, Selection, SelectionSet},
};

use super::{
    document::{CheckedDocument, DocumentRules, DocumentSize, is_added},
    response::{Excess, GraphqlError, RequestErrors},
    schema_shape::{Arity, FieldShape, SchemaShape, as_count},
};

pub(super) use introspection::{IntrospectionSizes, MAX_ROOTS as MAX_INTROSPECTION_ROOTS};

#[derive(Debug, Clone)]
pub struct DocumentLimits {
    pub max_depth: u64,
    pub max_complexity: u64,
    pub max_aliases: u64,
    pub max_root_fields: u64,
    pub max_directives: u64,
    pub max_tokens: u64,
    pub max_document_bytes: u64,
    /// As compact JSON.
    pub max_variables_bytes: u64,
    /// A list of which more is requested fails by itself, and costs no more than this until then.
    pub max_page_size: u64,
}

impl DocumentLimits {
    pub const NONE: Self = Self {
        max_depth: u64::MAX,
        max_complexity: u64::MAX,
        max_aliases: u64::MAX,
        max_root_fields: u64::MAX,
        max_directives: u64::MAX,
        max_tokens: u64::MAX,
        max_document_bytes: u64::MAX,
        max_variables_bytes: u64::MAX,
        max_page_size: u64::MAX,
    };
}

/// How many objects a list is taken to hold when nothing says it.
const ASSUMED_LIST_LENGTH: u64 = 10;
const SCALAR_COST: u64 = 1;
const OBJECT_COST: u64 = 2;
const CALL_COST: u64 = 10;

/// How many brackets may stand inside each other: the parser recurses for each.
pub(super) const MAX_NESTING: u64 = 64;

/// How many fields and fragments may stand inside each other: counting recurses for each.
const MAX_LEVELS: u64 = 100;

/// What there is too much of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct OverLimit {
    pub(super) what: &'static str,
    pub(super) has: u64,
    pub(super) allowed: u64,
}

impl fmt::Display for OverLimit {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { what, has, allowed } = self;
        write!(
            formatter,
            "The query has {has} {what}; at most {allowed} are allowed."
        )
    }
}

impl From<OverLimit> for GraphqlError {
    fn from(over: OverLimit) -> Self {
        let excess = Excess {
            cost: Some(over.has),
            allowed: over.allowed,
        };
        excess.error(over.to_string())
    }
}

impl From<OverLimit> for RequestErrors {
    fn from(over: OverLimit) -> Self {
        GraphqlError::from(over).into()
    }
}

type Result<T> = std::result::Result<T, OverLimit>;

/// Before the document is parsed. One that is no larger than introspection may be is checked against the settings when it is known
/// to select anything else.
pub(super) fn check_bytes(document: &str, limits: &DocumentLimits) -> Result<()> {
    let bytes = document.len() as u64;
    let allowed = limits.max_document_bytes.max(introspection::BYTES);
    match bytes > allowed {
        true => check("bytes of document", bytes, limits.max_document_bytes),
        false => Ok(()),
    }
}

/// How many tokens are parsed at most.
pub(super) fn max_tokens(limits: &DocumentLimits) -> u64 {
    limits.max_tokens.max(introspection::TOKENS)
}

/// What is not introspection alone has to be no larger than the settings say.
pub(super) fn check_size(size: DocumentSize, limits: &DocumentLimits) -> Result<()> {
    check("bytes of document", size.bytes, limits.max_document_bytes)?;
    check("tokens", size.tokens, limits.max_tokens)
}

/// Before they are read any further.
pub(super) fn check_variables(variables: &Variables, limits: &DocumentLimits) -> Result<()> {
    let mut bytes = Counter(0);
    // Counting can't fail, and what can't be written as JSON did not come as JSON.
    let written = serde_json::to_writer(&mut bytes, variables);
    let bytes = written.map_or(u64::MAX, |()| bytes.0);
    check("bytes of variables", bytes, limits.max_variables_bytes)
}

/// Takes everything, and keeps how much it was.
struct Counter(u64);

impl io::Write for Counter {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0 += bytes.len() as u64;
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// What an operation of a valid document may cost, with these variables. Returns how often it selects `__schema` and `__type`.
pub(super) fn check_document(
    document: &CheckedDocument,
    operation: &OperationDefinition,
    variables: &Variables,
    rules: &DocumentRules,
) -> Result<u64> {
    let limits = &rules.limits;
    let mut max_complexity = limits.max_complexity;
    if is_introspection_alone(operation) {
        max_complexity = max_complexity.max(introspection::COST);
    } else {
        check_size(document.size, limits)?;
    }
    let directives = document.size.directives;
    check("directives", directives, limits.max_directives)?;

    let executable = &document.executable;
    let mut meter = Meter {
        document: executable,
        operation,
        variables,
        shape: &rules.shape,
        max_page_size: limits.max_page_size,
        fragments: HashMap::new(),
    };
    let measure = meter.measure_operation(operation)?;
    check("root fields", measure.fields, limits.max_root_fields)?;
    check("levels of fields", measure.depth, limits.max_depth)?;
    check("aliases", measure.aliases, limits.max_aliases)?;
    let roots = measure.introspection_roots;
    check(
        "selections of `__schema` and `__type`",
        roots,
        MAX_INTROSPECTION_ROOTS,
    )?;
    check(
        "points of complexity",
        measure.cost(ASSUMED_LIST_LENGTH),
        max_complexity,
    )?;

    // The library walks through the other operations too before it executes this one.
    let mut all = measure;
    for (_, other) in executable.operations.iter() {
        if !std::ptr::eq(&other.node, operation) {
            all.add(meter.measure_operation(&other.node)?);
        }
    }
    check(
        "fields of introspection, with its fragments expanded",
        all.introspection,
        introspection::MAX_FIELDS,
    )?;
    check(
        "fields, with its fragments expanded",
        all.selections,
        limits.max_complexity,
    )?;
    Ok(roots)
}

/// Whether an operation with so many selections of `__schema` and `__type` may run in a batch that has so many up to it.
pub(super) fn check_batch(so_far: u64, own: u64) -> std::result::Result<(), GraphqlError> {
    if own == 0 || so_far <= MAX_INTROSPECTION_ROOTS {
        return Ok(());
    }
    let excess = Excess {
        cost: Some(so_far),
        allowed: MAX_INTROSPECTION_ROOTS,
    };
    Err(excess.error(format!(
        "The batch has {so_far} selections of `__schema` and `__type`; at most {MAX_INTROSPECTION_ROOTS} are allowed."
    )))
}

fn is_introspection_alone(operation: &OperationDefinition) -> bool {
    let mut selected = operation.selection_set.node.items.iter();
    selected.all(|selection| match &selection.node {
        Selection::Field(field) => matches!(field.node.name.node.as_str(), "__schema" | "__type"),
        _ => false,
    })
}

fn check(what: &'static str, has: u64, allowed: u64) -> Result<()> {
    if has <= allowed {
        return Ok(());
    }
    Err(OverLimit { what, has, allowed })
}

/// What a set of selections holds, its fragments expanded.
#[derive(Debug, Clone, Copy, Default)]
struct Measure {
    depth: u64,
    /// How many sets and fragments stand inside each other.
    levels: u64,
    aliases: u64,
    /// Fields and fragments, but for those of introspection.
    selections: u64,
    introspection: u64,
    /// Selections of `__schema` and `__type`.
    introspection_roots: u64,
    /// What introspection costs inside such a selection, in thousandths.
    introspection_cost: u64,
    /// Of this set itself.
    fields: u64,
    /// What costs the same whatever the size of the page.
    fixed_cost: u64,
    /// What each item of the page costs. The size is known to the field around this set, not to the set.
    cost_per_item: u64,
    /// How many of introspection's lists stand inside each other.
    introspection_lists: u64,
}

impl Measure {
    fn cost(&self, page_size: u64) -> u64 {
        self.fixed_cost
            .saturating_add(self.cost_per_item.saturating_mul(page_size))
    }

    /// The same, as the content of a fragment that is spread in a set of this type.
    fn spread_in(self, type_name: &str) -> Self {
        let mut spread = Self {
            levels: self.levels.saturating_add(1),
            ..self
        };
        match is_introspection(type_name) {
            true => spread.introspection = self.introspection.saturating_add(1),
            false => spread.selections = self.selections.saturating_add(1),
        }
        spread
    }

    fn add(&mut self, other: Measure) {
        self.depth = self.depth.max(other.depth);
        self.levels = self.levels.max(other.levels);
        self.introspection_lists = self.introspection_lists.max(other.introspection_lists);
        self.aliases = self.aliases.saturating_add(other.aliases);
        self.selections = self.selections.saturating_add(other.selections);
        self.introspection = self.introspection.saturating_add(other.introspection);
        self.introspection_roots = self
            .introspection_roots
            .saturating_add(other.introspection_roots);
        self.introspection_cost = self
            .introspection_cost
            .saturating_add(other.introspection_cost);
        self.fields = self.fields.saturating_add(other.fields);
        self.fixed_cost = self.fixed_cost.saturating_add(other.fixed_cost);
        self.cost_per_item = self.cost_per_item.saturating_add(other.cost_per_item);
    }
}

struct Meter<'a> {
    document: &'a ExecutableDocument,
    operation: &'a OperationDefinition,
    variables: &'a Variables,
    shape: &'a SchemaShape,
    max_page_size: u64,
    fragments: HashMap<&'a str, Measure>,
}

impl<'a> Meter<'a> {
    fn measure_operation(&mut self, operation: &'a OperationDefinition) -> Result<Measure> {
        let shape = self.shape;
        let root = shape
            .root(operation.ty)
            .map_or("", |root| root.name.as_str());
        self.measure_set(&operation.selection_set.node, root, 0)
    }

    fn measure_set(
        &mut self,
        set: &'a SelectionSet,
        type_name: &'a str,
        level: u64,
    ) -> Result<Measure> {
        check("levels of fields and fragments", level, MAX_LEVELS)?;

        let mut total = Measure::default();
        for selection in &set.items {
            total.add(match &selection.node {
                Selection::Field(field) => self.measure_field(&field.node, type_name, level)?,
                Selection::FragmentSpread(spread) => {
                    let name = spread.node.fragment_name.node.as_str();
                    self.measure_fragment(name, level + 1)?.spread_in(type_name)
                }
                Selection::InlineFragment(fragment) => {
                    let inside = match &fragment.node.type_condition {
                        Some(condition) => condition.node.on.node.as_str(),
                        None => type_name,
                    };
                    let set = &fragment.node.selection_set.node;
                    self.measure_set(set, inside, level + 1)?
                        .spread_in(type_name)
                }
            });
        }
        Ok(total)
    }

    fn measure_fragment(&mut self, name: &'a str, level: u64) -> Result<Measure> {
        if let Some(measure) = self.fragments.get(name) {
            let levels = level.saturating_add(measure.levels);
            check("levels of fields and fragments", levels, MAX_LEVELS)?;
            return Ok(*measure);
        }
        // A valid document has each fragment that it spreads.
        let Some(fragment) = self.document.fragments.get(name) else {
            return Ok(Measure::default());
        };

        let type_name = fragment.node.type_condition.node.on.node.as_str();
        let measure = self.measure_set(&fragment.node.selection_set.node, type_name, level)?;
        self.fragments.insert(name, measure);
        Ok(measure)
    }

    fn measure_field(
        &mut self,
        field: &'a Field,
        parent_type: &'a str,
        level: u64,
    ) -> Result<Measure> {
        let name = field.name.node.as_str();
        let set = &field.selection_set.node;
        let aliases = u64::from(field.alias.is_some());

        if is_added(field) {
            return Ok(Measure::default());
        }
        if is_introspection(parent_type) {
            return self.measure_introspection(field, level);
        }
        if matches!(name, "__schema" | "__type") {
            let measure = self.measure_introspection(field, level)?;
            return Ok(Measure {
                introspection_roots: 1,
                introspection_cost: 0,
                fixed_cost: measure.introspection_cost.div_ceil(introspection::THOUSAND),
                ..measure
            });
        }
        if set.items.is_empty() {
            return Ok(Measure {
                depth: 1,
                aliases,
                selections: 1,
                fields: 1,
                fixed_cost: SCALAR_COST,
                ..Measure::default()
            });
        }

        let shape = self.shape.field(parent_type, name);
        // The validation refuses a field that the schema does not have; until then it is an object of no known type.
        let returns = shape
            .map(|shape| shape.returns.as_str())
            .unwrap_or_default();
        let children = self.measure_set(set, returns, level + 1)?;
        let (fixed_cost, cost_per_item) = self.cost(field, parent_type, shape, &children);

        Ok(Measure {
            depth: children.depth.saturating_add(1),
            levels: children.levels.saturating_add(1),
            aliases: children.aliases.saturating_add(aliases),
            selections: children.selections.saturating_add(1),
            introspection: children.introspection,
            fields: 1,
            fixed_cost,
            cost_per_item,
            ..Measure::default()
        })
    }

    /// What the field costs: by itself, and for each item of the page that it stands in.
    fn cost(
        &self,
        field: &Field,
        parent_type: &str,
        shape: Option<&FieldShape>,
        children: &Measure,
    ) -> (u64, u64) {
        let page_size = shape
            .and_then(|shape| shape.default_first)
            .map(|default| self.argument_count(field, "first").unwrap_or(default));
        let one =
            OBJECT_COST.saturating_add(children.cost(page_size.unwrap_or(ASSUMED_LIST_LENGTH)));

        let call = shape.map_or(0, |shape| self.calls(field, shape));
        let call = call.saturating_mul(CALL_COST);
        if shape.is_none_or(|shape| shape.arity == Arity::One) {
            return (one.saturating_add(call), 0);
        }
        let is_page = self.shape.is_connection(parent_type)
            && matches!(field.name.node.as_str(), "nodes" | "edges");
        if is_page {
            return (0, one);
        }
        // Each id may be a call.
        if let Some(ids) = self.argument_count(field, "ids") {
            return (one.saturating_add(call).saturating_mul(ids), 0);
        }

        let length = page_size.unwrap_or(ASSUMED_LIST_LENGTH);
        (one.saturating_mul(length).saturating_add(call), 0)
    }

    /// Introspection is one level deep: its fields are the same everywhere.
    fn measure_introspection(&mut self, field: &'a Field, level: u64) -> Result<Measure> {
        let name = field.name.node.as_str();
        let children = self.measure_set(&field.selection_set.node, "__Introspection", level + 1)?;

        let is_list = matches!(
            name,
            "fields" | "inputFields" | "interfaces" | "possibleTypes"
        );
        let introspection_lists = children
            .introspection_lists
            .saturating_add(u64::from(is_list));
        check(
            "lists of introspection inside each other",
            introspection_lists,
            introspection::MAX_LISTS,
        )?;
        let one = match field.selection_set.node.items.is_empty() {
            true => SCALAR_COST * introspection::THOUSAND,
            false => children
                .introspection_cost
                .saturating_add(OBJECT_COST * introspection::THOUSAND),
        };
        let size = self.shape.introspection.of_field(name);
        let introspection_cost = one.saturating_mul(size) / introspection::THOUSAND;

        Ok(Measure {
            depth: 1,
            levels: children.levels.saturating_add(1),
            aliases: children
                .aliases
                .saturating_add(u64::from(field.alias.is_some())),
            introspection: children.introspection.saturating_add(1),
            fields: 1,
            introspection_lists,
            introspection_cost,
            ..Measure::default()
        })
    }

    /// The number of objects that an argument requests: a number, or a list of ids.
    fn argument_count(&self, field: &Field, name: &str) -> Option<u64> {
        let count = match self.argument(field, name)? {
            Value::List(items) => items.len() as u64,
            value => as_count(&value)?,
        };
        Some(count.min(self.max_page_size))
    }

    fn argument(&self, field: &Field, name: &str) -> Option<Value> {
        let argument = field.get_argument(name)?.node.clone();
        argument
            .into_const_with(|variable| self.variable(&variable).ok_or(()))
            .ok()
    }

    fn variable(&self, name: &str) -> Option<Value> {
        if let Some(value) = self.variables.get(name) {
            return Some(value.clone());
        }
        let definition = self
            .operation
            .variable_definitions
            .iter()
            .find(|definition| definition.node.name.node == name)?;
        definition.node.default_value().cloned()
    }
}

fn is_introspection(name: &str) -> bool {
    name.starts_with("__")
}
