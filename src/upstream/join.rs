//! Concurrent vendor calls for one result, each of which runs to its end.

use futures_util::future;

use crate::error::Result;

/// Every result, or the first failure in the order of the calls. A failure cancels no other call: while the circuit is half-open,
/// the call in flight is the trial, the others fail at once, and the trial has to end.
pub async fn join_all<T>(
    calls: impl IntoIterator<Item = impl Future<Output = Result<T>>>,
) -> Result<Vec<T>> {
    future::join_all(calls).await.into_iter().collect()
}

/// The same for two calls with results of different types.
pub(super) async fn join<A, B>(
    one: impl Future<Output = Result<A>>,
    other: impl Future<Output = Result<B>>,
) -> Result<(A, B)> {
    let (one, other) = future::join(one, other).await;
    Ok((one?, other?))
}
