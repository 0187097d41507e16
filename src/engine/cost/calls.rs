//! How many calls to vendors a field may cause by itself.

use async_graphql::{Value, parser::types::Field};
use jiff::civil::Date;

use super::Meter;
use crate::{
    domain::Vendor,
    engine::schema_shape::{Calls, FieldShape},
};

/// A longer range fails by itself.
const MAX_DAYS: u64 = 92;

impl Meter<'_> {
    pub(super) fn calls(&self, field: &Field, shape: &FieldShape) -> u64 {
        match shape.calls {
            Calls::Times(times) => times,
            Calls::EachDay => {
                let vendors = match self.argument(field, "vendors") {
                    Some(Value::List(vendors)) => vendors.len().min(Vendor::ALL.len()),
                    _ => Vendor::ALL.len(),
                };
                (vendors as u64).saturating_mul(self.days(field).saturating_add(1))
            }
        }
    }

    /// The days of `from` to `to`, both included. What is no range fails by itself, and counts as the longest.
    fn days(&self, field: &Field) -> u64 {
        let day = |name| match self.argument(field, name) {
            Some(Value::String(text)) => text.parse::<Date>().ok(),
            _ => None,
        };
        let (Some(from), Some(to)) = (day("from"), day("to")) else {
            return MAX_DAYS;
        };
        let days = from.until(to).map_or(0, |span| i64::from(span.get_days()));
        u64::try_from(days.saturating_add(1)).map_or(MAX_DAYS, |days| days.clamp(1, MAX_DAYS))
    }
}
