//! Walks over a document once, holds it against the schema by every rule of GraphQL, and notes what a request still needs: which
//! variables stand where.
//!
//! The rules and their messages are those of graphql-js. No rule expands fragments: each is walked over once, and what an
//! operation makes of it is put together from what was noted.

use std::collections::{HashMap, HashSet};

use async_graphql::{
    Pos,
    parser::types::{DirectiveLocation, OperationType, Type},
};

use super::{
    ast::{
        Argument, Definition, Directive, Document, Field, Fragment, InlineFragment, Name,
        Operation, Selection, SelectionSet, Spread, TypeReference, VariableDefinition,
    },
    error::DocumentError,
    fragments, merging,
    rules::Condition,
    usages::{self, Usage},
    wording::Wording,
};
use crate::{
    engine::{
        response::MAX_ERRORS,
        schema_shape::{FieldShape, Input, SchemaShape, TypeShape},
    },
    schema::Introspection,
};

/// What an operation or a fragment holds by itself.
#[derive(Default)]
pub(super) struct Scope<'d, 's> {
    pub(super) usages: Vec<Usage<'d, 's>>,
    pub(super) spreads: Vec<&'d Spread<'d>>,
}

/// What the rules share.
pub(super) struct Context<'d, 's> {
    pub(super) shape: &'s SchemaShape,
    pub(super) wording: Wording<'d>,
    pub(super) fragments: HashMap<&'d str, &'d Fragment<'d>>,
    pub(super) errors: Vec<DocumentError>,
    pub(super) scope: Scope<'d, 's>,
    /// The field whose arguments are walked over.
    pub(super) field: Option<&'d Field<'d>>,
}

/// A field that fails where a variable is null, although by its default it may stand there.
pub(super) struct NullHazard<'d> {
    pub(super) field: Pos,
    pub(super) variable: &'d str,
    pub(super) pos: Pos,
    pub(super) message: String,
    pub(super) is_nullable: bool,
}

/// What a valid document leaves to check for each request.
pub(super) struct Valid<'d> {
    pub(super) hazards: Vec<NullHazard<'d>>,
    pub(super) conditions: Vec<(Option<String>, Vec<Condition>)>,
}

pub(super) fn validate<'d>(
    document: &'d Document<'d>,
    source: &'d str,
    shape: &SchemaShape,
    introspection: Introspection,
) -> Result<Valid<'d>, Vec<DocumentError>> {
    let mut fragments = HashMap::new();
    for definition in &document.definitions {
        if let Definition::Fragment(fragment) = definition {
            // Where several have one name, which is refused, the last one counts.
            fragments.insert(fragment.name.text, fragment);
        }
    }
    let mut context = Context {
        shape,
        wording: Wording {
            introspection,
            sent: source,
        },
        fragments,
        errors: Vec::new(),
        scope: Scope::default(),
        field: None,
    };
    context.check_names(document);

    let mut operations: Vec<(&Operation<'_>, Scope<'_, '_>)> = Vec::new();
    let mut of_fragments: HashMap<&str, Scope<'_, '_>> = HashMap::new();
    for definition in &document.definitions {
        match definition {
            Definition::Operation(operation) => {
                let scope = context.operation(operation);
                operations.push((operation, scope));
            }
            Definition::Fragment(fragment) => {
                let scope = context.fragment(fragment);
                of_fragments.insert(fragment.name.text, scope);
            }
        }
    }

    fragments::check(&mut context, document, &operations, &of_fragments);
    let valid = usages::check(&mut context, &operations, &of_fragments);
    if !context.is_full() {
        merging::check(&mut context, &operations);
    }
    match context.errors.is_empty() {
        true => Ok(valid),
        false => Err(context.errors),
    }
}

impl<'d, 's> Context<'d, 's> {
    /// Whether more errors would be dropped, so that nothing has to look for them.
    pub(super) fn is_full(&self) -> bool {
        self.errors.len() >= MAX_ERRORS
    }

    pub(super) fn keep(&mut self, message: String, locations: Vec<Pos>) {
        self.keep_error(DocumentError::validation(message, locations));
    }

    pub(super) fn keep_error(&mut self, error: DocumentError) {
        if !self.is_full() {
            self.errors.push(error);
        }
    }

    /// Operations and fragments have names of their own, and an operation without one stands alone.
    fn check_names(&mut self, document: &'d Document<'d>) {
        let mut operations: HashMap<&str, Name<'_>> = HashMap::new();
        let mut fragments: HashMap<&str, Name<'_>> = HashMap::new();
        let count = document
            .definitions
            .iter()
            .filter(|definition| matches!(definition, Definition::Operation(_)))
            .count();

        for definition in &document.definitions {
            let (what, names, name) = match definition {
                Definition::Operation(operation) => match operation.name {
                    Some(name) => ("operation", &mut operations, name),
                    None => {
                        if count > 1 {
                            let message =
                                "This anonymous operation must be the only defined operation.";
                            self.keep(message.to_owned(), vec![operation.pos]);
                        }
                        continue;
                    }
                },
                Definition::Fragment(fragment) => ("fragment", &mut fragments, fragment.name),
            };
            match names.get(name.text) {
                Some(first) => {
                    let message = format!("There can be only one {what} named \"{}\".", name.text);
                    self.keep(message, vec![first.pos, name.pos]);
                }
                None => {
                    names.insert(name.text, name);
                }
            }
        }
    }

    fn operation(&mut self, operation: &'d Operation<'d>) -> Scope<'d, 's> {
        let mut seen: HashMap<&str, Vec<Pos>> = HashMap::new();
        for definition in &operation.variables {
            let name = definition.name;
            seen.entry(name.text).or_default().push(name.pos);
        }
        for definition in &operation.variables {
            let name = definition.name.text;
            if let Some(places) = seen.remove(name)
                && places.len() > 1
            {
                let message = format!("There can be only one variable named \"${name}\".");
                self.keep(message, places);
            }
        }
        for definition in &operation.variables {
            if self.is_full() {
                break;
            }
            self.variable_definition(definition);
        }

        let location = match operation.operation_type {
            OperationType::Query => DirectiveLocation::Query,
            OperationType::Mutation => DirectiveLocation::Mutation,
            OperationType::Subscription => DirectiveLocation::Subscription,
        };
        self.directives(&operation.directives, location);
        let root = self.shape.root(operation.operation_type);
        self.selection_set(&operation.selection_set, root);
        std::mem::take(&mut self.scope)
    }

    fn fragment(&mut self, fragment: &'d Fragment<'d>) -> Scope<'d, 's> {
        let on = fragment.type_condition;
        let on_type = self.known_type(on);
        if on_type.is_some_and(|on_type| !on_type.is_composite()) {
            let name = fragment.name.text;
            let message = format!(
                "Fragment \"{name}\" cannot condition on non composite type \"{}\".",
                on.text
            );
            self.keep(message, vec![on.pos]);
        }
        self.directives(&fragment.directives, DirectiveLocation::FragmentDefinition);
        let parent = on_type.filter(|on_type| on_type.is_composite());
        self.selection_set(&fragment.selection_set, parent);
        std::mem::take(&mut self.scope)
    }

    fn known_type(&mut self, name: Name<'d>) -> Option<&'s TypeShape> {
        let found = self.shape.get(name.text);
        if found.is_none() {
            let names = self.shape.types().map(|known| known.name.as_str());
            let suggestion = self.wording.suggest(name.text, names);
            let message = format!("Unknown type \"{}\".{suggestion}", name.text);
            self.keep(message, vec![name.pos]);
        }
        found
    }

    fn variable_definition(&mut self, definition: &'d VariableDefinition<'d>) {
        let var_type = &definition.var_type;
        let found = self.known_type(var_type.innermost());
        let name = definition.name.text;
        if found.is_some_and(|found| !found.is_input()) {
            let message = format!("Variable \"${name}\" cannot be non-input type \"{var_type}\".");
            self.keep(message, vec![var_type.pos]);
        } else if let Some(default) = &definition.default {
            let expected = found.is_some().then(|| type_of(var_type));
            self.constant(default, expected.as_ref());
        }
        let location = DirectiveLocation::VariableDefinition;
        self.directives(&definition.directives, location);
    }

    /// Recurses as deep as brackets stand inside each other.
    fn selection_set(&mut self, set: &'d SelectionSet<'d>, parent: Option<&'s TypeShape>) {
        for selection in &set.selections {
            if self.is_full() {
                return;
            }
            match selection {
                Selection::Field(field) => self.selected_field(field, parent),
                Selection::Spread(spread) => self.spread(spread, parent),
                Selection::Inline(fragment) => self.inline_fragment(fragment, parent),
            }
        }
    }

    fn selected_field(&mut self, field: &'d Field<'d>, parent: Option<&'s TypeShape>) {
        let known = parent.and_then(|parent| self.shape.field_of(parent, field.name.text));
        if let Some(parent) = parent {
            match known {
                Some(known) => self.check_leaf(field, known),
                None => self.unknown_field(field, parent),
            }
        }
        if self.wording.introspection == Introspection::Disabled
            && matches!(field.name.text, "__schema" | "__type")
            && known.is_some()
        {
            let message = format!(
                "GraphQL introspection has been disabled, but the requested query contained the field \"{}\".",
                field.name.text
            );
            self.keep(message, vec![field.pos]);
        }

        self.check_unique(&field.arguments);
        self.field = Some(field);
        for argument in &field.arguments {
            if self.is_full() {
                break;
            }
            let place = known.map(|known| find(&known.arguments, argument));
            if let (Some(known), Some(parent), Some(None)) = (known, parent, place) {
                let suggestion = self
                    .wording
                    .suggest(argument.name.text, names(&known.arguments));
                let message = format!(
                    "Unknown argument \"{}\" on field \"{}\".{suggestion}",
                    argument.name.text,
                    self.coordinate(parent, field),
                );
                self.keep(message, vec![argument.name.pos]);
            }
            self.argument(argument, place.flatten(), known);
        }
        self.field = None;
        self.directives(&field.directives, DirectiveLocation::Field);
        if let Some(set) = &field.selection_set {
            let returned = known.and_then(|known| self.shape.get(&known.returns));
            self.selection_set(set, returned.filter(|returned| returned.is_composite()));
        }
        for missing in known.into_iter().flat_map(|known| &known.arguments) {
            if missing.is_required() && !is_given(&field.arguments, missing) {
                let message = format!(
                    "Field \"{}\" argument \"{}\" of type \"{}\" is required, but it was not provided.",
                    field.name.text,
                    self.wording.shown(&missing.name),
                    self.wording.shown(missing.input_type.to_string()),
                );
                self.keep(message, vec![field.pos]);
            }
        }
    }

    fn coordinate(&self, parent: &TypeShape, field: &Field<'_>) -> String {
        let parent = self.wording.shown(&parent.name);
        format!("{parent}.{}", field.name.text)
    }

    fn check_leaf(&mut self, field: &'d Field<'d>, known: &'s FieldShape) {
        let Some(returned) = self.shape.get(&known.returns) else {
            return;
        };
        let name = field.name.text;
        let field_type = self.wording.shown(known.field_type.to_string());
        match &field.selection_set {
            Some(set) if returned.is_leaf() => {
                let message = format!(
                    "Field \"{name}\" must not have a selection since type \"{field_type}\" has no subfields."
                );
                self.keep(message, vec![set.pos]);
            }
            None if !returned.is_leaf() => {
                let suggestion = match self.wording.introspection {
                    Introspection::Enabled => format!(" Did you mean \"{name} {{ ... }}\"?"),
                    Introspection::Disabled => String::new(),
                };
                let message = format!(
                    "Field \"{name}\" of type \"{field_type}\" must have a selection of subfields.{suggestion}"
                );
                self.keep(message, vec![field.pos]);
            }
            _ => {}
        }
    }

    fn unknown_field(&mut self, field: &'d Field<'d>, parent: &'s TypeShape) {
        let name = field.name.text;
        let mut suggestion = self.wording.suggest_these(
            "to use an inline fragment on",
            &self.types_with_field(parent, name),
        );
        if suggestion.is_empty() {
            let fields = parent.fields().into_iter();
            let names = fields.flat_map(|fields| fields.by_name.keys());
            let names = names
                .map(String::as_str)
                .filter(|name| !name.starts_with("__"));
            suggestion = self.wording.suggest(name, names);
        }
        let message = format!(
            "Cannot query field \"{name}\" on type \"{}\".{suggestion}",
            self.wording.shown(&parent.name)
        );
        self.keep(message, vec![field.pos]);
    }

    /// The types that a value of this abstract type may be and that have the field, those which are most common first.
    fn types_with_field(&self, parent: &TypeShape, field_name: &str) -> Vec<&'s str> {
        let has_field = |shape: &&'s TypeShape| {
            let fields = shape.fields();
            fields.is_some_and(|fields| fields.by_name.contains_key(field_name))
        };
        if parent.is_object() {
            return Vec::new();
        }
        let mut counts: HashMap<&str, (usize, bool)> = HashMap::new();
        let objects = parent.possible.iter();
        for object in objects
            .filter_map(|name| self.shape.get(name))
            .filter(has_field)
        {
            counts.insert(&object.name, (1, true));
            let interfaces = object
                .fields()
                .into_iter()
                .flat_map(|fields| &fields.interfaces);
            for interface in interfaces
                .filter_map(|name| self.shape.get(name))
                .filter(has_field)
            {
                counts.entry(&interface.name).or_insert((0, false)).0 += 1;
            }
        }
        let mut found: Vec<_> = counts.into_iter().collect();
        found.sort_by_key(|(name, (count, is_object))| (usize::MAX - count, *is_object, *name));
        found.into_iter().map(|(name, _)| name).collect()
    }

    fn spread(&mut self, spread: &'d Spread<'d>, parent: Option<&'s TypeShape>) {
        let name = spread.name.text;
        match self.fragments.get(name) {
            None => {
                let message = format!("Unknown fragment \"{name}\".");
                self.keep(message, vec![spread.name.pos]);
            }
            Some(fragment) => {
                let on_type = self.shape.get(fragment.type_condition.text);
                self.check_overlap(&format!("Fragment \"{name}\""), spread.pos, parent, on_type);
            }
        }
        self.scope.spreads.push(spread);
        self.directives(&spread.directives, DirectiveLocation::FragmentSpread);
    }

    fn inline_fragment(&mut self, fragment: &'d InlineFragment<'d>, parent: Option<&'s TypeShape>) {
        let mut inside = parent;
        if let Some(on) = fragment.type_condition {
            let on_type = self.known_type(on);
            if on_type.is_some_and(|on_type| !on_type.is_composite()) {
                let message = format!(
                    "Fragment cannot condition on non composite type \"{}\".",
                    on.text
                );
                self.keep(message, vec![on.pos]);
            }
            self.check_overlap("Fragment", fragment.pos, parent, on_type);
            inside = on_type.filter(|on_type| on_type.is_composite());
        }
        self.directives(&fragment.directives, DirectiveLocation::InlineFragment);
        self.selection_set(&fragment.selection_set, inside);
    }

    fn check_overlap(
        &mut self,
        what: &str,
        pos: Pos,
        parent: Option<&'s TypeShape>,
        on_type: Option<&'s TypeShape>,
    ) {
        let on_type = on_type.filter(|on_type| on_type.is_composite());
        if let (Some(parent), Some(on_type)) = (parent, on_type)
            && !std::ptr::eq(parent, on_type)
            && !parent.overlaps(on_type)
        {
            let message = format!(
                "{what} cannot be spread here as objects of type \"{}\" can never be of type \"{}\".",
                self.wording.shown(&parent.name),
                self.wording.shown(&on_type.name),
            );
            self.keep(message, vec![pos]);
        }
    }

    fn directives(&mut self, directives: &'d [Directive<'d>], location: DirectiveLocation) {
        let mut seen: HashMap<&str, Pos> = HashMap::new();
        for directive in directives {
            if self.is_full() {
                return;
            }
            let name = directive.name.text;
            let known = self.shape.directive(name);
            match known {
                None => {
                    let message = format!("Unknown directive \"@{name}\".");
                    self.keep(message, vec![directive.pos]);
                }
                Some(known) => {
                    if !known.locations.contains(&location) {
                        let message = format!(
                            "Directive \"@{name}\" may not be used on {}.",
                            location_name(location)
                        );
                        self.keep(message, vec![directive.pos]);
                    }
                    // None of the schema's may stand twice.
                    if let Some(first) = seen.get(name) {
                        let message = format!(
                            "The directive \"@{name}\" can only be used once at this location."
                        );
                        self.keep(message, vec![*first, directive.pos]);
                    }
                    seen.entry(name).or_insert(directive.pos);
                }
            }

            self.check_unique(&directive.arguments);
            for argument in &directive.arguments {
                if self.is_full() {
                    return;
                }
                let place = known.map(|known| find(&known.arguments, argument));
                if let (Some(known), Some(None)) = (known, place) {
                    let suggestion = self
                        .wording
                        .suggest(argument.name.text, names(&known.arguments));
                    let message = format!(
                        "Unknown argument \"{}\" on directive \"@{name}\".{suggestion}",
                        argument.name.text
                    );
                    self.keep(message, vec![argument.name.pos]);
                }
                self.argument(argument, place.flatten(), None);
            }
            for missing in known.into_iter().flat_map(|known| &known.arguments) {
                if missing.is_required() && !is_given(&directive.arguments, missing) {
                    let message = format!(
                        "Directive \"@{name}\" argument \"{}\" of type \"{}\" is required, but it was not provided.",
                        self.wording.shown(&missing.name),
                        self.wording.shown(missing.input_type.to_string()),
                    );
                    self.keep(message, vec![directive.pos]);
                }
            }
        }
    }

    fn check_unique(&mut self, arguments: &'d [Argument<'d>]) {
        if arguments.len() < 2 {
            return;
        }
        let mut seen: HashSet<&str> = HashSet::new();
        let mut reported: HashSet<&str> = HashSet::new();
        for argument in arguments {
            let name = argument.name.text;
            if !seen.insert(name) && reported.insert(name) {
                let places = arguments
                    .iter()
                    .filter(|argument| argument.name.text == name)
                    .map(|argument| argument.name.pos);
                let message = format!("There can be only one argument named \"{name}\".");
                self.keep(message, places.collect());
            }
        }
    }

    fn argument(
        &mut self,
        argument: &'d Argument<'d>,
        place: Option<&'s Input>,
        field: Option<&'s FieldShape>,
    ) {
        let first = self.scope.usages.len();
        self.value(&argument.value, place.map(|place| &place.input_type), place);
        for usage in self.scope.usages.iter_mut().skip(first) {
            usage.argument = Some(argument);
            usage.field = self.field.zip(field);
        }
    }
}

fn find<'s>(places: &'s [Input], argument: &Argument<'_>) -> Option<&'s Input> {
    places.iter().find(|place| place.name == argument.name.text)
}

fn names(places: &[Input]) -> impl Iterator<Item = &str> {
    places.iter().map(|place| place.name.as_str())
}

fn is_given(arguments: &[Argument<'_>], place: &Input) -> bool {
    arguments
        .iter()
        .any(|argument| argument.name.text == place.name)
}

/// The type as the library has it.
pub(super) fn type_of(reference: &TypeReference<'_>) -> Type {
    use super::ast::TypeBase;
    use async_graphql::parser::types::BaseType;
    Type {
        base: match &reference.base {
            TypeBase::Named(name) => BaseType::Named(async_graphql::Name::new(name.text)),
            TypeBase::List(item) => BaseType::List(Box::new(type_of(item))),
        },
        nullable: reference.is_nullable,
    }
}

fn location_name(location: DirectiveLocation) -> &'static str {
    match location {
        DirectiveLocation::Query => "QUERY",
        DirectiveLocation::Mutation => "MUTATION",
        DirectiveLocation::Subscription => "SUBSCRIPTION",
        DirectiveLocation::Field => "FIELD",
        DirectiveLocation::FragmentDefinition => "FRAGMENT_DEFINITION",
        DirectiveLocation::FragmentSpread => "FRAGMENT_SPREAD",
        DirectiveLocation::InlineFragment => "INLINE_FRAGMENT",
        DirectiveLocation::VariableDefinition => "VARIABLE_DEFINITION",
        _ => "this place",
    }
}
