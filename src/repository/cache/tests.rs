//! Equal reads at the same time, each with its own deadline, and what makes a response out of date.

use std::sync::atomic::{AtomicUsize, Ordering};

use futures_util::{
    FutureExt,
    future::{join, join3},
};
use tokio::time::sleep_until;

use super::*;
use crate::{context::Dependency, domain::Caller, telemetry::metrics::Metrics};

const SOON: Duration = Duration::from_millis(200);
const LATER: Duration = Duration::from_secs(60);

fn cache() -> Arc<Cache> {
    let minute = Duration::from_secs(60);
    Arc::new(Cache::new(
        CacheSettings {
            mode: CacheMode::Enabled,
            list_ttl: Duration::ZERO,
            entity_ttl: minute,
            directory_ttl: minute,
            stale: minute,
            max_bytes: 1 << 20,
        },
        Metrics::new().cache,
    ))
}

fn scope(time_left: Duration) -> Arc<RequestScope> {
    let caller = Caller::new("test", Vec::new());
    let deadline = Instant::now() + time_left;
    Arc::new(RequestScope::new("request-1".to_owned(), caller, deadline))
}

fn timeout() -> Error {
    Error::vendor(Vendor::FirstLine, VendorErrorCode::Timeout)
}

fn outcome(read: Result<Cached<u64>>) -> Result<(u64, SourceState), Option<VendorErrorCode>> {
    match read {
        Ok(cached) => Ok((*cached.value, cached.state)),
        Err(error) => Err(error.vendor_failure().map(|failure| failure.code)),
    }
}

fn key(cache: &Cache) -> ReadKey {
    cache.key(Vendor::FirstLine, Topic::Tickets, Lifetime::List, "read")
}

#[tokio::test]
async fn a_follower_reads_again_when_the_leader_missed_its_deadline() {
    let (cache, calls) = (cache(), AtomicUsize::new(0));
    let (first, second) = (scope(SOON), scope(LATER));
    let load = |_| {
        let is_first = calls.fetch_add(1, Ordering::SeqCst) == 0;
        let deadline = first.deadline;
        async move {
            if !is_first {
                return Ok(7);
            }
            sleep_until(deadline.into()).await;
            Err(timeout())
        }
        .boxed()
    };

    let reads = join(
        cache.read(&first, key(&cache), || None, load),
        cache.read(&second, key(&cache), || None, load),
    );
    let (first, second) = reads.await;
    assert_eq!(outcome(first), Err(Some(VendorErrorCode::Timeout)));
    assert_eq!(outcome(second), Ok((7, SourceState::Fresh)));
    assert_eq!(calls.into_inner(), 2);
}

#[tokio::test]
async fn followers_with_the_leaders_deadline_do_not_read_again() {
    let (cache, calls) = (cache(), AtomicUsize::new(0));
    let (first, second) = (scope(LATER), scope(LATER));
    let load = |_| {
        calls.fetch_add(1, Ordering::SeqCst);
        async {
            tokio::task::yield_now().await;
            Err::<u64, _>(timeout())
        }
        .boxed()
    };

    let reads = join(
        cache.read(&first, key(&cache), || None, load),
        cache.read(&second, key(&cache), || None, load),
    );
    let (first, second) = reads.await;
    assert_eq!(outcome(first), Err(Some(VendorErrorCode::Timeout)));
    assert_eq!(outcome(second), Err(Some(VendorErrorCode::Timeout)));
    assert_eq!(calls.into_inner(), 1);
}

#[tokio::test]
async fn a_follower_with_time_left_waits_for_the_pause_that_the_vendor_asked_for() {
    let (cache, calls) = (cache(), AtomicUsize::new(0));
    let (first, second, third) = (scope(SOON), scope(LATER), scope(SOON * 5));
    // After all three reads have started.
    let returns_at = Instant::now() + SOON / 2;
    let load = |_| {
        let is_first = calls.fetch_add(1, Ordering::SeqCst) == 0;
        async move {
            if !is_first {
                return Ok(7);
            }
            sleep_until(returns_at.into()).await;
            Err(Error::from(VendorFailure {
                vendor: Vendor::FirstLine,
                code: VendorErrorCode::RateLimited,
                retry_after: Some(SOON * 6),
            }))
        }
        .boxed()
    };

    let started_at = Instant::now();
    let (first, second, third_read) = join3(
        cache.read(&first, key(&cache), || None, load),
        cache.read(&second, key(&cache), || None, load),
        cache.read(&third, key(&cache), || None, load),
    )
    .await;
    assert_eq!(outcome(first), Err(Some(VendorErrorCode::RateLimited)));
    assert_eq!(outcome(second), Ok((7, SourceState::Fresh)));
    assert!(started_at.elapsed() >= SOON * 6);
    assert_eq!(outcome(third_read), Err(Some(VendorErrorCode::RateLimited)));
    assert!(
        third.deadline_miss.earliest().is_some(),
        "it had no time either"
    );
    assert_eq!(calls.into_inner(), 2);
}

#[tokio::test]
async fn a_read_in_the_background_that_a_caller_waits_for_no_longer_gives_way() {
    let cache = cache();
    let background = Arc::new(scope(LATER).for_background());
    let load = |_| async { Ok(7_u64) }.boxed();
    let Joined::Leader(flight) = cache.join(key(&cache), &background, load) else {
        panic!("nothing is cached or in flight");
    };
    assert_eq!(background.priority(), CallPriority::Background);

    let caller = scope(LATER);
    let (_, read) = join(flight, cache.read(&caller, key(&cache), || None, load)).await;
    assert_eq!(outcome(read), Ok((7, SourceState::Fresh)));
    assert_eq!(background.priority(), CallPriority::Caller);
    background.priority_raised().await;
}

#[tokio::test]
async fn a_follower_reads_again_when_the_leader_had_too_few_calls() {
    let (cache, calls) = (cache(), AtomicUsize::new(0));
    let limited = |calls| {
        let caller = Caller::new("test", Vec::new());
        let scope = RequestScope::new("request-1".to_owned(), caller, Instant::now() + LATER);
        Arc::new(scope.with_vendor_calls(calls))
    };
    let load = |scope: Arc<RequestScope>| {
        calls.fetch_add(1, Ordering::SeqCst);
        async move {
            tokio::task::yield_now().await;
            match scope.vendor_calls.left() {
                0 => Err(Error::too_many_vendor_calls(0)),
                _ => Ok(7_u64),
            }
        }
        .boxed()
    };
    let (first, second, third) = (limited(0), limited(1), limited(0));
    let (first, second, third) = join3(
        cache.read(&first, key(&cache), || None, load),
        cache.read(&second, key(&cache), || None, load),
        cache.read(&third, key(&cache), || None, load),
    )
    .await;
    assert_eq!(outcome(first), Err(None));
    assert_eq!(outcome(second), Ok((7, SourceState::Fresh)));
    assert_eq!(outcome(third), Err(None));
    assert_eq!(calls.into_inner(), 2);
}

#[tokio::test]
async fn a_caller_that_joins_after_a_read_ended_gets_the_cached_result() {
    let (cache, calls) = (cache(), AtomicUsize::new(0));
    let scope = scope(LATER);
    let key = cache.key(Vendor::FirstLine, Topic::Tickets, Lifetime::Entity, 7);
    let load = |_| {
        calls.fetch_add(1, Ordering::SeqCst);
        async { Ok(7_u64) }.boxed()
    };
    let read = cache.read(&scope, key, || None, load).await;
    assert_eq!(outcome(read), Ok((7, SourceState::Fresh)));

    let joined = cache.join(key, &scope, load);
    let Joined::Cached(entry) = joined else {
        panic!("the vendor is called again");
    };
    assert_eq!(
        outcome(entry.and_then(|entry| entry.cached(SourceState::Fresh))),
        Ok((7, SourceState::Fresh))
    );
    assert_eq!(calls.into_inner(), 1);
}

#[tokio::test]
async fn a_follower_waits_no_longer_than_its_own_deadline() {
    let cache = cache();
    let hangs = |_| std::future::pending::<Result<u64>>().boxed();
    for _ in 0..2 {
        let (patient, hurried) = (scope(LATER), scope(SOON));
        let started_at = Instant::now();
        let outcome = tokio::select! {
            biased;
            _ = cache.read(&patient, key(&cache), || None, hangs) => unreachable!("it hangs"),
            read = cache.read(&hurried, key(&cache), || None, hangs) => outcome(read),
        };
        assert_eq!(outcome, Err(Some(VendorErrorCode::Timeout)));
        assert!((SOON..LATER).contains(&started_at.elapsed()));

        // The next time, there is an expired value.
        let returns = |_| async { Ok(7) }.boxed();
        let read = cache.read(&patient, key(&cache), || None, returns).await;
        assert_eq!(self::outcome(read), Ok((7, SourceState::Fresh)));
    }
}

#[test]
fn a_response_that_read_an_object_while_it_was_dropped_is_not_current() {
    let cache = cache();
    let object = || cache.key(Vendor::FirstLine, Topic::Tickets, Lifetime::Entity, 7);
    let during = object().dependency().epoch + 1;

    cache.drop_object(object());

    let scope = scope(LATER);
    let dependency = Dependency {
        epoch: during,
        ..object().dependency()
    };
    scope
        .dependencies
        .depend_on(dependency, Instant::now() + LATER, Instant::now() + LATER);
    assert!(!cache.are_current(&scope.dependencies.recorded()));

    let fresh = self::scope(LATER);
    fresh.dependencies.depend_on(
        object().dependency(),
        Instant::now() + LATER,
        Instant::now() + LATER,
    );
    assert!(cache.are_current(&fresh.dependencies.recorded()));
}

/// A cached list of about a kilobyte.
struct Lines(String);

impl Weight for Lines {
    fn owned_bytes(&self) -> usize {
        self.0.owned_bytes()
    }
}

#[tokio::test]
async fn the_lists_that_writes_superseded_take_no_memory() {
    let cache = Arc::new(Cache::new(
        CacheSettings {
            list_ttl: LATER,
            max_bytes: 1 << 30,
            ..(**cache().settings.load()).clone()
        },
        Metrics::new().cache,
    ));
    let object = cache.key(Vendor::FirstLine, Topic::Tickets, Lifetime::Entity, 7);
    let read_list = async |number: u32| {
        let key = cache.key(Vendor::FirstLine, Topic::Tickets, Lifetime::List, number);
        let load = |_| async { Ok(Lines("x".repeat(1 << 10))) }.boxed();
        let read = cache.read(&scope(LATER), key, || None, load).await;
        assert!(read.is_ok_and(|read| read.state == SourceState::Fresh));
    };
    let other = cache.key(Vendor::FirstLine, Topic::Sponsors, Lifetime::List, 1);
    cache.put(other, 1_u64, Timestamp::now());
    read_list(0).await;
    let level = cache.weighed_bytes();

    for write in 0..450 {
        cache.drop_object(object);
        assert!(cache.weighed_bytes() < 1 << 10, "the write freed the list");
        read_list(write).await;
        assert_eq!(cache.weighed_bytes(), level);
    }
    assert!(
        cache.known::<u64>(other).is_some(),
        "another topic's list stays"
    );
}

#[tokio::test]
async fn a_write_drops_only_what_it_may_have_changed() {
    let cache = cache();
    let key = |number: u64| cache.key(Vendor::FirstLine, Topic::Tickets, Lifetime::Entity, number);
    let objects = (1..=3).map(|number| (number, Arc::new(number)));
    cache.store_objects(key(0), objects);
    let before = key(2);

    cache.drop_changed(Vendor::FirstLine, Topic::Tickets, |value| {
        value.downcast_ref() == Some(&2_u64)
    });
    let known = [1, 2, 3].map(|number| cache.known::<u64>(key(number)).is_some());
    assert_eq!(known, [true, false, true]);
    // What was read before the write is not stored after it.
    cache.put(before, 2_u64, Timestamp::now());
    assert!(cache.known::<u64>(before).is_none());
}

#[tokio::test]
async fn a_read_after_a_write_does_not_join_one_from_before_it() {
    let cache = cache();
    let list = || cache.key(Vendor::FirstLine, Topic::Tickets, Lifetime::List, "read");
    let (early, late) = (scope(LATER), scope(LATER));
    let hangs = |_| std::future::pending::<Result<u64>>().boxed();
    let returns = |_| async { Ok(7) }.boxed();

    let after_the_write = async {
        cache.drop_lists(Vendor::FirstLine, Topic::Tickets);
        cache.read(&late, list(), || None, returns).await
    };
    let outcome = tokio::select! {
        biased;
        _ = cache.read(&early, list(), || None, hangs) => unreachable!("it hangs"),
        read = after_the_write => outcome(read),
    };
    assert_eq!(outcome, Ok((7, SourceState::Fresh)));
}
