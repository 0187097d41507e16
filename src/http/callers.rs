//! Who may send requests, and how many. It lives on where a reload does not change the settings of it.

use std::{num::NonZeroU32, sync::Arc};

use tokio::sync::watch;

use super::{
    auth::{AuthLimits, AuthSettings, Authenticator},
    rate_limit::RateLimit,
};
use crate::error::Result;

pub struct Callers {
    settings: CallerSettings,
    pub(super) authenticator: Arc<Authenticator>,
    pub(super) rate_limit: Option<Arc<RateLimit>>,
    /// Work that outlasts its request has to ask the newest one whether its caller is still known.
    newest: watch::Sender<Arc<Authenticator>>,
}

/// What authentication depends on, and the rate limit.
#[derive(Clone, PartialEq)]
pub(super) struct CallerSettings {
    pub(super) auth: AuthSettings,
    pub(super) auth_limits: AuthLimits,
    pub(super) requests_per_minute: Option<NonZeroU32>,
}

impl Callers {
    /// Takes over what these settings leave as it was: the counts of requests, and the issuer's keys.
    pub(super) fn new(settings: CallerSettings, before: Option<&Self>) -> Result<Self> {
        let is_known = |known: &CallerSettings| {
            known.auth == settings.auth && known.auth_limits == settings.auth_limits
        };
        let authenticator = match before.filter(|before| is_known(&before.settings)) {
            Some(before) => before.authenticator.clone(),
            None => Arc::new(Authenticator::new(
                settings.auth.clone(),
                settings.auth_limits,
            )?),
        };
        let per_minute = settings.requests_per_minute;
        let rate_limit = match before {
            Some(before) if before.settings.requests_per_minute == per_minute => {
                before.rate_limit.clone()
            }
            _ => per_minute.map(|per_minute| Arc::new(RateLimit::new(per_minute))),
        };
        let newest = match before {
            Some(before) => before.newest.clone(),
            None => watch::Sender::new(authenticator.clone()),
        };
        Ok(Self {
            settings,
            authenticator,
            rate_limit,
            newest,
        })
    }

    /// Requests are served by these callers from now on.
    pub fn publish(&self) {
        self.newest.send_if_modified(|newest| {
            let is_other = !Arc::ptr_eq(newest, &self.authenticator);
            newest.clone_from(&self.authenticator);
            is_other
        });
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::{
        domain::Scope,
        http::auth::{ApiKey, KeySecret},
    };

    fn settings(key: &str, per_minute: u32) -> CallerSettings {
        let key = ApiKey {
            name: "desk".to_owned(),
            secret: KeySecret::Plain(key.into()),
            scopes: vec![Scope::Read],
        };
        CallerSettings {
            auth: AuthSettings::ApiKeys(vec![key]),
            auth_limits: AuthLimits {
                failures_per_minute: None,
                timeout: Duration::from_secs(1),
            },
            requests_per_minute: NonZeroU32::new(per_minute),
        }
    }

    fn after(before: Option<&Callers>, settings: CallerSettings) -> Callers {
        let callers = Callers::new(settings, before).expect("keys need no set-up");
        callers.publish();
        callers
    }

    #[test]
    fn what_the_settings_leave_as_it_was_lives_on_and_other_callers_are_announced() {
        let first = after(None, settings("a-long-random-key", 7));
        let mut newest = first.newest.subscribe();
        let same_rate = |one: &Callers, other: &Callers| {
            let [one, other] = [one, other].map(|callers| callers.rate_limit.as_ref());
            one.zip(other)
                .is_some_and(|(one, other)| Arc::ptr_eq(one, other))
        };

        let same = after(Some(&first), settings("a-long-random-key", 7));
        assert!(Arc::ptr_eq(&same.authenticator, &first.authenticator));
        assert!(same_rate(&same, &first));
        assert!(newest.has_changed().is_ok_and(|is_changed| !is_changed));

        let other_rate = after(Some(&same), settings("a-long-random-key", 8));
        assert!(Arc::ptr_eq(&other_rate.authenticator, &first.authenticator));
        assert!(!same_rate(&other_rate, &first));

        let other_key = after(Some(&other_rate), settings("another-long-random-key", 8));
        assert!(same_rate(&other_key, &other_rate));
        assert!(newest.has_changed().is_ok_and(|is_changed| is_changed));
        let announced = newest.borrow_and_update().clone();
        assert!(Arc::ptr_eq(&announced, &other_key.authenticator));
        assert!(!Arc::ptr_eq(&announced, &first.authenticator));
    }
}
