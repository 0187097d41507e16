//! Fields that answer under one key must be the same field, with the same arguments, wherever they can meet; and where they
//! can't, they must at least return values of one form.
//!
//! Two fields meet unless their parents are two different object types. So the fields of one key are put together in groups that
//! do meet: those of one object type with those of all interfaces and unions. All fields of a group are held against its first,
//! and their own fields are put together and held against each other in the same way. A fragment counts once in each such set,
//! a set that was seen before is passed over, and all of it has a bound.

use std::collections::{HashMap, HashSet, VecDeque};

use async_graphql::{
    Pos,
    parser::types::{BaseType, OperationType, Type},
};

use super::{
    ast::{Argument, Field, Operation, Selection, SelectionSet, Value, ValueKind},
    validation::{Context, Scope},
};
use crate::engine::{
    response::MAX_ERRORS,
    schema_shape::{FieldShape, SchemaShape, TypeShape},
};

/// How many fields and arguments are looked at, over and over. A document without conflicts that a client sends takes a few for
/// each of its fields.
const MAX_WORK: usize = 100_000;

/// More of them than are returned: several may be in one error.
const MAX_CONFLICTS: usize = 100;

pub(super) fn check<'d, 's>(
    context: &mut Context<'d, 's>,
    operations: &[(&'d Operation<'d>, Scope<'d, 's>)],
) {
    let mut merging = Merging {
        context,
        entries: Vec::new(),
        waiting: VecDeque::new(),
        seen: HashSet::new(),
        work: 0,
        conflicts: Vec::new(),
    };
    for (operation, _) in operations {
        let root = merging.context.shape.root(operation.operation_type);
        let set = (&operation.selection_set, root, None);
        merging.wait_for(Extent::Everything, vec![set]);
        merging.work_off();
        if operation.operation_type == OperationType::Subscription && root.is_some() {
            merging.check_subscription(operation, set);
        }
    }
    if merging.work > MAX_WORK {
        let message = "Validation aborted.".to_owned();
        merging.context.keep(message, Vec::new());
    } else {
        merging.report();
    }
}

/// A field in the set of fields in which it is looked at.
struct Entry<'d, 's> {
    field: &'d Field<'d>,
    parent: Option<&'s TypeShape>,
    known: Option<&'s FieldShape>,
    /// The entry of the field in whose selection it is.
    within: Option<usize>,
}

/// What is held against each other in a set of fields.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
enum Extent {
    /// What they return alone: they never meet.
    Form,
    Everything,
}

/// A selection set, the type that it is selected on, and the entry of the field that has it.
type Selected<'d, 's> = (&'d SelectionSet<'d>, Option<&'s TypeShape>, Option<usize>);

/// The selection sets of a set of fields with the types that they are selected on, by their addresses.
type Seen = (Extent, Vec<(usize, usize)>);

/// The fields of a set, while they are collected.
#[derive(Default)]
struct Collected<'d, 's> {
    by_key: Vec<Vec<usize>>,
    places: HashMap<&'d str, usize>,
    seen: HashSet<(usize, usize)>,
    fragments: HashSet<&'d str>,
    /// What is still to be looked at.
    spreads: VecDeque<Selected<'d, 's>>,
}

impl<'d> Collected<'d, '_> {
    fn add(&mut self, key: &'d str, entry: usize) {
        let place = *self.places.entry(key).or_insert(self.by_key.len());
        match self.by_key.get_mut(place) {
            Some(entries) => entries.push(entry),
            None => self.by_key.push(vec![entry]),
        }
    }
}

struct Conflict {
    entries: (usize, usize),
    reason: String,
}

struct Merging<'c, 'd, 's> {
    context: &'c mut Context<'d, 's>,
    entries: Vec<Entry<'d, 's>>,
    waiting: VecDeque<(Extent, Vec<Selected<'d, 's>>)>,
    seen: HashSet<Seen>,
    work: usize,
    conflicts: Vec<Conflict>,
}

impl<'d, 's> Merging<'_, 'd, 's> {
    /// Without recursion: fragments may lead on and on.
    fn work_off(&mut self) {
        while let Some((extent, sets)) = self.waiting.pop_front() {
            for fields in self.collect(&sets) {
                self.check_key(extent, &fields);
                if self.work > MAX_WORK || self.conflicts.len() >= MAX_CONFLICTS {
                    return;
                }
            }
        }
    }

    fn wait_for(&mut self, extent: Extent, sets: Vec<Selected<'d, 's>>) {
        if sets.is_empty() {
            return;
        }
        let mut key: Vec<(usize, usize)> = sets
            .iter()
            .map(|(set, on, _)| (address(*set), on.map_or(0, address)))
            .collect();
        key.sort_unstable();
        key.dedup();
        if self.seen.insert((extent, key)) {
            self.waiting.push_back((extent, sets));
        }
    }

    /// The fields of these sets by their keys, fragments expanded.
    fn collect(&mut self, sets: &[Selected<'d, 's>]) -> Vec<Vec<usize>> {
        let mut collected = Collected::default();
        collected.spreads.extend(sets);
        while let Some(selected) = collected.spreads.pop_front() {
            self.collect_set(selected, &mut collected);
        }
        collected.by_key
    }

    /// Recurses as deep as brackets stand inside each other.
    fn collect_set(&mut self, selected: Selected<'d, 's>, collected: &mut Collected<'d, 's>) {
        let (set, on, within) = selected;
        let shape = self.context.shape;
        for selection in &set.selections {
            self.work += 1;
            match selection {
                Selection::Field(field) => {
                    if !collected
                        .seen
                        .insert((address(field), on.map_or(0, address)))
                    {
                        continue;
                    }
                    // What stands at `__typename` has one form everywhere.
                    let known = match field.name.text {
                        "__typename" => None,
                        name => on.and_then(|on| shape.field_of(on, name)),
                    };
                    collected.add(field.response_key(), self.entries.len());
                    self.entries.push(Entry {
                        field,
                        parent: on,
                        known,
                        within,
                    });
                }
                Selection::Inline(fragment) => {
                    let on = match fragment.type_condition {
                        Some(on) => shape.get(on.text),
                        None => on,
                    };
                    self.collect_set((&fragment.selection_set, on, within), collected);
                }
                Selection::Spread(spread) => {
                    let name = spread.name.text;
                    if collected.fragments.insert(name)
                        && let Some(fragment) = self.context.fragments.get(name)
                    {
                        let on = shape.get(fragment.type_condition.text);
                        let selected = (&fragment.selection_set, on, within);
                        collected.spreads.push_back(selected);
                    }
                }
            }
        }
    }

    fn check_key(&mut self, extent: Extent, fields: &[usize]) {
        if extent == Extent::Form {
            let alike = self.check_forms(fields);
            let sets = self.sets_of(&alike);
            self.wait_for(Extent::Form, sets);
            return;
        }
        let groups = self.groups(fields);
        let meet = groups.len() == 1;
        for group in &groups {
            let alike = self.check(group, Self::difference);
            let alike = self.check_forms(&alike);
            let sets = self.sets_of(&alike);
            self.wait_for(Extent::Everything, sets);
        }
        if !meet {
            let alike = self.check_forms(fields);
            let sets = self.sets_of(&alike);
            self.wait_for(Extent::Form, sets);
        }
    }

    fn check_forms(&mut self, fields: &[usize]) -> Vec<usize> {
        let is_known = |field: &&usize| {
            let entry = self.entries.get(**field);
            entry.is_some_and(|entry| entry.known.is_some())
        };
        let known = fields.iter().filter(is_known);
        let others = fields.iter().filter(|field| !is_known(field));
        let known_first: Vec<usize> = known.chain(others).copied().collect();
        self.check(&known_first, Self::forms_differ)
    }

    /// Compares all of these fields with the first. Returns those that are like it.
    fn check(
        &mut self,
        fields: &[usize],
        difference: impl Fn(&mut Self, usize, usize) -> Option<String>,
    ) -> Vec<usize> {
        let Some((&first, others)) = fields.split_first() else {
            return Vec::new();
        };
        let mut alike = vec![first];
        for &other in others {
            match difference(self, first, other) {
                None => alike.push(other),
                Some(reason) => {
                    self.conflicts.push(Conflict {
                        entries: (first, other),
                        reason,
                    });
                    let sets = self.sets_of(&[other]);
                    self.wait_for(Extent::Everything, sets);
                }
            }
        }
        alike
    }

    /// A subscription has one field, and none of introspection.
    fn check_subscription(&mut self, operation: &Operation<'_>, set: Selected<'d, 's>) {
        let keys = self.collect(&[set]);
        let places = |fields: &[usize]| {
            let fields = fields.iter().filter_map(|field| self.entries.get(*field));
            fields.map(|entry| entry.field.pos).collect::<Vec<_>>()
        };
        let who = match operation.name {
            Some(name) => format!("Subscription \"{}\"", name.text),
            None => "Anonymous Subscription".to_owned(),
        };
        let mut found = Vec::new();
        if let [_, others @ ..] = keys.as_slice()
            && !others.is_empty()
        {
            let message = format!("{who} must select only one top level field.");
            found.push((message, places(&others.concat())));
        }
        for fields in &keys {
            let first = fields.first().and_then(|field| self.entries.get(*field));
            if first.is_some_and(|entry| entry.field.name.text.starts_with("__")) {
                let message = format!("{who} must not select an introspection top level field.");
                found.push((message, places(fields)));
            }
        }
        for (message, places) in found {
            self.context.keep(message, places);
        }
    }

    /// The fields of one key in groups that meet.
    fn groups(&self, fields: &[usize]) -> Vec<Vec<usize>> {
        let mut objects: Vec<&TypeShape> = Vec::new();
        for &field in fields {
            if let Some(object) = self.object_of(field)
                && !objects.iter().any(|known| std::ptr::eq(*known, object))
            {
                objects.push(object);
            }
        }
        if objects.len() < 2 {
            return vec![fields.to_vec()];
        }
        let of_object = |object: &TypeShape| {
            let meets = |field: &&usize| {
                let of = self.object_of(**field);
                of.is_none_or(|of| std::ptr::eq(of, object))
            };
            fields.iter().filter(meets).copied().collect()
        };
        objects.into_iter().map(of_object).collect()
    }

    /// The object type that has the field; none for an interface, a union and what the schema does not have.
    fn object_of(&self, field: usize) -> Option<&'s TypeShape> {
        let parent = self.entries.get(field)?.parent?;
        parent.is_object().then_some(parent)
    }

    fn sets_of(&self, fields: &[usize]) -> Vec<Selected<'d, 's>> {
        let entries = fields.iter().filter_map(|field| {
            let entry = self.entries.get(*field)?;
            let set = entry.field.selection_set.as_ref()?;
            let returns = entry.known.map(|known| known.returns.as_str());
            let on = returns.and_then(|returns| self.context.shape.get(returns));
            Some((set, on, Some(*field)))
        });
        entries.collect()
    }

    /// Why values of two fields have different forms.
    fn forms_differ(&mut self, first: usize, other: usize) -> Option<String> {
        self.work += 1;
        let (first, other) = (
            self.entries.get(first)?.known?,
            self.entries.get(other)?.known?,
        );
        let (first, other) = (&first.field_type, &other.field_type);
        differ(first, other, self.context.shape).then(|| {
            let wording = self.context.wording;
            format!(
                "they return conflicting types \"{}\" and \"{}\"",
                wording.shown(first.to_string()),
                wording.shown(other.to_string())
            )
        })
    }

    /// Why two fields that meet can't answer under one key.
    fn difference(&mut self, first: usize, other: usize) -> Option<String> {
        let (first, other) = (
            self.entries.get(first)?.field,
            self.entries.get(other)?.field,
        );
        let (name, other_name) = (first.name.text, other.name.text);
        self.work += 1 + first.arguments.len() + other.arguments.len();
        if name != other_name {
            return Some(format!(
                "\"{name}\" and \"{other_name}\" are different fields"
            ));
        }
        let is_same = same_arguments(&first.arguments, &other.arguments);
        (!is_same).then(|| "they have differing arguments".to_owned())
    }

    fn report(&mut self) {
        let conflicts = std::mem::take(&mut self.conflicts);
        let mut found: Vec<Vec<Found<'_>>> = Vec::new();
        let mut known: HashSet<(Vec<(Pos, Pos)>, &str)> = HashSet::new();
        for conflict in &conflicts {
            let way = self.way_to(conflict.entries);
            let places: Vec<(Pos, Pos)> = way
                .iter()
                .map(|(one, other)| (one.pos, other.pos))
                .collect();
            if !known.insert((places, &conflict.reason)) {
                continue;
            }
            let new = Found {
                reason: &conflict.reason,
                way,
            };
            let top = new.top();
            let place = found.iter().position(|others| {
                let first = others.first();
                first.is_some_and(|first| first.top() == top)
            });
            match place {
                Some(place) => found
                    .get_mut(place)
                    .into_iter()
                    .for_each(|others| others.push(new.clone())),
                None if found.len() < MAX_ERRORS => found.push(vec![new]),
                None => {}
            }
        }
        for of_top in found {
            let Some((first, _)) = of_top.first().and_then(|found| found.way.first()) else {
                continue;
            };
            let key = first.response_key();
            let reason = reason(&of_top, 0);
            let message = format!(
                "Fields \"{key}\" conflict because {reason}. Use different aliases on the fields to fetch both if this was intentional."
            );
            let ways = || of_top.iter().flat_map(|found| &found.way);
            let mut places: Vec<Pos> = Vec::new();
            for pos in ways()
                .map(|(one, _)| one.pos)
                .chain(ways().map(|(_, other)| other.pos))
            {
                if places.len() < MAX_PLACES && !places.contains(&pos) {
                    places.push(pos);
                }
            }
            self.context.keep(message, places);
        }
    }

    /// The pairs of fields that lead to this one, from the first that differ on.
    fn way_to(&self, (mut one, mut other): (usize, usize)) -> Vec<(&'d Field<'d>, &'d Field<'d>)> {
        let mut way = Vec::new();
        while let (Some(first), Some(second)) = (self.entries.get(one), self.entries.get(other)) {
            way.push((first.field, second.field));
            match (first.within, second.within) {
                (Some(above), Some(other_above)) if above != other_above => {
                    (one, other) = (above, other_above);
                }
                _ => break,
            }
        }
        way.reverse();
        way
    }
}

/// How many places a message names.
const MAX_PLACES: usize = 20;

/// How many levels of fields a message goes through.
const MAX_LEVELS: usize = 10;

#[derive(Clone)]
struct Found<'r> {
    reason: &'r str,
    way: Vec<(&'r Field<'r>, &'r Field<'r>)>,
}

impl Found<'_> {
    fn top(&self) -> Option<(Pos, Pos)> {
        let (one, other) = self.way.first()?;
        Some((one.pos, other.pos))
    }
}

/// Conflicts that share the pairs of fields up to this level.
fn reason(found: &[Found<'_>], level: usize) -> String {
    let Some(first) = found.first() else {
        return String::new();
    };
    if first.way.len() <= level + 1 || level > MAX_LEVELS {
        return first.reason.to_owned();
    }
    let mut below: Vec<(&str, Vec<Found<'_>>)> = Vec::new();
    for one in found {
        let Some((field, _)) = one.way.get(level + 1) else {
            continue;
        };
        let key = field.response_key();
        let one = Found {
            reason: one.reason,
            way: one.way.clone(),
        };
        match below.iter_mut().find(|(known, _)| *known == key) {
            Some((_, others)) => others.push(one),
            None => below.push((key, vec![one])),
        }
    }
    let parts: Vec<String> = below
        .iter()
        .map(|(key, found)| {
            let reason = reason(found, level + 1);
            format!("subfields \"{key}\" conflict because {reason}")
        })
        .collect();
    parts.join(" and ")
}

fn address<T>(reference: &T) -> usize {
    std::ptr::from_ref(reference).addr()
}

/// Whether values of the two types have different forms. Objects are held against each other field by field.
fn differ(first: &Type, other: &Type, shape: &SchemaShape) -> bool {
    if first.nullable != other.nullable {
        return true;
    }
    match (&first.base, &other.base) {
        (BaseType::List(first), BaseType::List(other)) => differ(first, other, shape),
        (BaseType::Named(first), BaseType::Named(other)) => {
            let is_leaf = |name: &str| shape.get(name).is_some_and(TypeShape::is_leaf);
            first != other && (is_leaf(first) || is_leaf(other))
        }
        _ => true,
    }
}

fn same_arguments(first: &[Argument<'_>], other: &[Argument<'_>]) -> bool {
    first.len() == other.len()
        && first.iter().all(|argument| {
            let same = other
                .iter()
                .find(|other| other.name.text == argument.name.text);
            same.is_some_and(|same| same_values(&argument.value, &same.value))
        })
}

/// Fields of input objects may come in any order.
fn same_values(first: &Value<'_>, other: &Value<'_>) -> bool {
    use ValueKind::{BlockString, Boolean, Enum, Float, Int, List, Null, Object, String, Variable};
    match (&first.kind, &other.kind) {
        (Variable(first), Variable(other))
        | (Int { text: first, .. }, Int { text: other, .. })
        | (Float(first), Float(other))
        | (Enum(first), Enum(other)) => first == other,
        (String(first), String(other)) | (BlockString(first), BlockString(other)) => first == other,
        (Boolean(first), Boolean(other)) => first == other,
        (Null, Null) => true,
        (List(first), List(other)) => {
            first.len() == other.len()
                && first
                    .iter()
                    .zip(other)
                    .all(|(first, other)| same_values(first, other))
        }
        (Object(first), Object(other)) => same_arguments(first, other),
        _ => false,
    }
}
