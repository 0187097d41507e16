//! How fragments hang together: each is used, and none spreads itself.

use std::collections::{HashMap, HashSet};

use super::{
    ast::{Definition, Document, Operation, Spread},
    validation::{Context, Scope},
};

pub(super) fn check<'d, 's>(
    context: &mut Context<'d, 's>,
    document: &'d Document<'d>,
    operations: &[(&'d Operation<'d>, Scope<'d, 's>)],
    fragments: &HashMap<&'d str, Scope<'d, 's>>,
) {
    let mut used: HashSet<&str> = HashSet::new();
    let mut waiting: Vec<&Scope<'_, '_>> = operations.iter().map(|(_, scope)| scope).collect();
    while let Some(scope) = waiting.pop() {
        for spread in &scope.spreads {
            let name = spread.name.text;
            if used.insert(name)
                && let Some(scope) = fragments.get(name)
            {
                waiting.push(scope);
            }
        }
    }

    let mut visited: HashSet<&str> = HashSet::new();
    for definition in &document.definitions {
        let Definition::Fragment(fragment) = definition else {
            continue;
        };
        if context.is_full() {
            return;
        }
        let name = fragment.name.text;
        if !used.contains(name) {
            let message = format!("Fragment \"{name}\" is never used.");
            context.keep(message, vec![fragment.pos]);
        }
        check_cycles(context, name, fragments, &mut visited);
    }
}

/// A fragment on the way from the first one, and which of its spreads comes next.
struct Step<'d> {
    fragment: &'d str,
    next: usize,
}

/// Goes along the spreads from this fragment on, without recursion: a chain may be as long as the document.
fn check_cycles<'d>(
    context: &mut Context<'d, '_>,
    first: &'d str,
    fragments: &HashMap<&'d str, Scope<'d, '_>>,
    visited: &mut HashSet<&'d str>,
) {
    let mut way: Vec<Step<'d>> = Vec::new();
    let mut spreads: Vec<&'d Spread<'d>> = Vec::new();
    let mut on_way: HashMap<&str, usize> = HashMap::new();
    let mut entered = Some(first);

    loop {
        if let Some(name) = entered.take()
            && visited.insert(name)
        {
            on_way.insert(name, way.len());
            way.push(Step {
                fragment: name,
                next: 0,
            });
        } else {
            spreads.pop();
        }
        loop {
            let Some(step) = way.last_mut() else {
                return;
            };
            let scope = fragments.get(step.fragment);
            let Some(spread) = scope.and_then(|scope| scope.spreads.get(step.next)) else {
                on_way.remove(step.fragment);
                way.pop();
                spreads.pop();
                continue;
            };
            step.next += 1;
            let name = spread.name.text;
            match on_way.get(name) {
                Some(_) if context.is_full() => return,
                Some(start) => {
                    spreads.push(spread);
                    report(context, name, spreads.get(*start..).unwrap_or_default());
                    spreads.pop();
                }
                None if fragments.contains_key(name) => {
                    spreads.push(spread);
                    entered = Some(name);
                    break;
                }
                None => {}
            }
        }
    }
}

fn report(context: &mut Context<'_, '_>, name: &str, cycle: &[&Spread<'_>]) {
    let Some((_, through)) = cycle.split_last() else {
        return;
    };
    let through: Vec<String> = through
        .iter()
        .map(|spread| format!("\"{}\"", spread.name.text))
        .collect();
    let via = match through.is_empty() {
        true => String::new(),
        false => format!(" via {}", through.join(", ")),
    };
    let message = format!("Cannot spread fragment \"{name}\" within itself{via}.");
    let places = cycle.iter().map(|spread| spread.pos).collect();
    context.keep(message, places);
}
