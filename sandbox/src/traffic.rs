//! When customers come: most on weekdays, most in the morning, some just now.

use jiff::SignedDuration;
use jiff::civil::{DateTime, Time, Weekday};

use super::random::Random;

/// How many of the newest contacts came within the last two hours, so that some are always in progress.
const RECENT: usize = 12;
const HOUR_WEIGHTS: [u32; 24] = [
    1, 1, 0, 0, 0, 0, 1, 4, 14, 30, 34, 28, 14, 18, 24, 22, 20, 16, 10, 9, 9, 7, 5, 2,
];

/// The instants of that many contacts within the last days, oldest first.
pub(super) fn traffic(
    random: &mut Random,
    now: DateTime,
    days: i64,
    count: usize,
) -> Vec<DateTime> {
    let recent = RECENT.min(count);
    let today = now.date().to_datetime(Time::midnight());
    let since_midnight = now.duration_since(today).as_secs().max(1);
    let window = since_midnight.min(7_200);
    let recent_from = now.saturating_sub(SignedDuration::from_secs(window));

    let mut times = Vec::with_capacity(count);
    while times.len() < count - recent {
        let days_back = random.between(0, days - 1);
        let day = today.saturating_sub(SignedDuration::from_hours(24 * days_back));
        let kept = match day.weekday() {
            Weekday::Saturday => 40,
            Weekday::Sunday => 25,
            _ => 100,
        };
        let at = day.saturating_add(SignedDuration::from_secs(
            random.weighted(&HOUR_WEIGHTS) as i64 * 3_600 + random.between(0, 3_599),
        ));
        if random.percent(kept) && at < recent_from {
            times.push(at);
        }
    }
    for position in 0..recent {
        let seconds = window * (position as i64 + 1) / (recent as i64 + 1);
        times.push(recent_from.saturating_add(SignedDuration::from_secs(seconds)));
    }
    times.sort_unstable();
    times
}
