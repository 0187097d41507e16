//! Calls that are made side by side for one answer.

use futures_util::future::{join, join_all};

use crate::error::Result;

/// Every answer, or the first failure in the calls' order. No call is given up because another one failed: where the circuit
/// is half open, the one that is under way is the trial, the others are refused at once, and the trial has to end.
pub async fn all_of<T>(
    calls: impl IntoIterator<Item = impl Future<Output = Result<T>>>,
) -> Result<Vec<T>> {
    join_all(calls).await.into_iter().collect()
}

/// The same for two that bring different things.
pub(super) async fn both_of<A, B>(
    one: impl Future<Output = Result<A>>,
    other: impl Future<Output = Result<B>>,
) -> Result<(A, B)> {
    let (one, other) = join(one, other).await;
    Ok((one?, other?))
}
