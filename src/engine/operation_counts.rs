//! The counters of operations, resolved once: those of the manifest by name, all others together.

use std::collections::HashMap;

use super::progress::{OperationInfo, ResponseSource};
use crate::telemetry::metrics::{
    OperationCounters, OperationKind, OperationMetrics, Outcome, Source,
};

pub(super) struct OperationCounts {
    /// By `OperationKind`.
    unnamed: [OperationCounters; 3],
    named: HashMap<String, OperationCounters>,
}

impl OperationCounts {
    /// `named` are the operations of the manifest that have a name.
    pub(super) fn new(
        metrics: &OperationMetrics,
        named: impl Iterator<Item = (String, OperationKind)>,
    ) -> Self {
        let unnamed = [
            OperationKind::Query,
            OperationKind::Mutation,
            OperationKind::Subscription,
        ];
        Self {
            unnamed: unnamed.map(|kind| metrics.counters(kind, "")),
            named: named
                .map(|(name, kind)| {
                    let counters = metrics.counters(kind, &name);
                    (name, counters)
                })
                .collect(),
        }
    }

    pub(super) fn count(&self, operation: &OperationInfo, source: ResponseSource, errors: usize) {
        let named = match operation.is_of_manifest {
            true => operation.name.as_ref(),
            false => None,
        };
        let counters = named
            .and_then(|name| self.named.get(name))
            .unwrap_or(&self.unnamed[operation.kind as usize]);
        let source = match source {
            ResponseSource::Executed => Source::Executed,
            ResponseSource::Coalesced => Source::Coalesced,
            ResponseSource::Cached => Source::Cached,
        };
        let outcome = match errors {
            0 => Outcome::Ok,
            _ => Outcome::Error,
        };
        counters.count(source, outcome);
    }
}
