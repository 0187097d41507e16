//! The start page: what this is, the state of each vendor, and links.

use std::fmt::{self, Write};

use crate::{
    domain::{CircuitState, DateTime, VendorState, VendorStatus},
    http::GraphiqlPage,
};

pub(super) fn body(statuses: &[VendorStatus], graphiql: GraphiqlPage) -> String {
    let now = DateTime::now_utc();
    let mut vendors = String::new();
    for status in statuses {
        vendors.push_str(&vendor(status, now));
    }
    if vendors.is_empty() {
        vendors.push_str("<li>No vendor is configured.</li>\n");
    }
    let playground = match graphiql {
        GraphiqlPage::Served => PLAYGROUND,
        GraphiqlPage::NotServed => "",
    };

    format!(
        "\
<header>
<h1>deskgraph</h1>
<p class=\"lead\">One GraphQL schema over two customer-service systems, FirstLine and Bangwo8. Programs ask it by POST to
<code>/graphql</code>.</p>
</header>
<main>
<section aria-labelledby=\"vendors\">
<h2 id=\"vendors\">Vendors</h2>
<ul class=\"cards\">
{vendors}</ul>
</section>
<section aria-labelledby=\"here\">
<h2 id=\"here\">Here</h2>
<ul class=\"cards links\">
{playground}{OTHER_PAGES}</ul>
</section>
</main>
<footer>deskgraph {version}, as of <time>{as_of} UTC</time></footer>
",
        as_of = now.timestamp.strftime("%Y-%m-%d %H:%M:%S"),
        version = env!("CARGO_PKG_VERSION"),
    )
}

const PLAYGROUND: &str = "\
<li><h3><a href=\"/graphiql\">Playground</a></h3><p>Ask questions by hand, with examples and the schema at your side.</p></li>
";

const OTHER_PAGES: &str = "\
<li><h3><a href=\"/schema.graphql\">Schema</a></h3><p>Every type and field as text, for people and for code generators.</p></li>
<li><h3><a href=\"/readme\">README</a></h3><p>How to run it, with links to its documents: settings, errors, caching, operation.</p></li>
<li><h3><a href=\"/health/ready\">Health</a></h3><p>Whether it is of use, as JSON, for load balancers.</p></li>
";

fn vendor(status: &VendorStatus, now: DateTime) -> String {
    let (class, state) = match status.state {
        VendorState::Up => ("up", "Up"),
        VendorState::Degraded => ("degraded", "Up, but some calls fail"),
        VendorState::Down => ("down", "Down"),
        VendorState::Unknown => ("unknown", "Not called yet"),
    };
    let circuit = match status.circuit {
        CircuitState::Closed => "Calls go through",
        CircuitState::Open => "No calls are made for a while, since too many failed",
        CircuitState::HalfOpen => "A trial call decides whether calls go through again",
    };
    let mut card = format!(
        "<li><h3>{}</h3><p class=\"state {class}\">{state}</p>\n<dl><dt>Circuit</dt><dd>{circuit}</dd>",
        Text(status.vendor),
    );

    let last_success = match status.last_success_at {
        Some(at) => Ago { at, now }.to_string(),
        None => "none since the gateway started".to_owned(),
    };
    card.push_str(&format!("<dt>Last success</dt><dd>{last_success}</dd>"));
    if let Some((failure, at)) = status.last_failure.zip(status.last_failure_at) {
        let (failure, ago) = (Text(failure), Ago { at, now });
        card.push_str(&format!("<dt>Last failure</dt><dd>{ago}: {failure}</dd>"));
    }
    card.push_str("</dl></li>\n");
    card
}

/// A text escaped for HTML.
pub(super) struct Text<T>(pub(super) T);

impl<T: fmt::Display> fmt::Display for Text<T> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        for character in self.0.to_string().chars() {
            match character {
                '&' => formatter.write_str("&amp;")?,
                '<' => formatter.write_str("&lt;")?,
                '>' => formatter.write_str("&gt;")?,
                '"' => formatter.write_str("&quot;")?,
                _ => formatter.write_char(character)?,
            }
        }
        Ok(())
    }
}

/// How long ago an instant was, in words, with the instant as a tooltip.
struct Ago {
    at: DateTime,
    now: DateTime,
}

impl fmt::Display for Ago {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        const MINUTE: u64 = 60;
        const HOUR: u64 = 60 * MINUTE;
        const DAY: u64 = 24 * HOUR;

        let seconds = self.now.seconds_since(self.at).unwrap_or(0);
        let (count, unit) = match seconds {
            0..MINUTE => (seconds, "second"),
            MINUTE..HOUR => (seconds / MINUTE, "minute"),
            HOUR..DAY => (seconds / HOUR, "hour"),
            DAY.. => (seconds / DAY, "day"),
        };
        let plural = match count {
            1 => "",
            _ => "s",
        };
        let local = self.at.offset.to_datetime(self.at.timestamp);
        write!(
            formatter,
            "<time datetime=\"{}\" title=\"{} {}\">{count} {unit}{plural} ago</time>",
            self.at,
            local.strftime("%Y-%m-%d %H:%M:%S"),
            self.at.offset,
        )
    }
}

#[cfg(test)]
mod tests {
    use jiff::SignedDuration;

    use super::*;
    use crate::domain::{Vendor, VendorErrorCode, VendorFailure};

    fn status() -> VendorStatus {
        VendorStatus {
            vendor: Vendor::FirstLine,
            state: VendorState::Up,
            circuit: CircuitState::Closed,
            last_success_at: None,
            last_failure: None,
            last_failure_at: None,
        }
    }

    fn card_after(seconds: i64) -> String {
        let at = DateTime::now_utc();
        let now = DateTime {
            timestamp: at.timestamp + SignedDuration::from_secs(seconds),
            ..at
        };
        let status = VendorStatus {
            last_success_at: Some(at),
            ..status()
        };
        vendor(&status, now)
    }

    #[test]
    fn the_last_success_is_shown_in_words() {
        for (seconds, words) in [
            (-5, ">0 seconds ago<"),
            (1, ">1 second ago<"),
            (59, ">59 seconds ago<"),
            (60, ">1 minute ago<"),
            (3_599, ">59 minutes ago<"),
            (3_600, ">1 hour ago<"),
            (86_399, ">23 hours ago<"),
            (86_400, ">1 day ago<"),
            (864_000, ">10 days ago<"),
        ] {
            let card = card_after(seconds);
            assert!(card.contains(words), "{words} {card}");
        }
        let now = DateTime::now_utc();
        assert!(vendor(&status(), now).contains("none since the gateway started"));
    }

    #[test]
    fn each_state_has_its_words() {
        let now = DateTime::now_utc();
        for (state, words) in [
            (VendorState::Up, "\"state up\">Up<"),
            (VendorState::Degraded, "\"state degraded\">Up, but"),
            (VendorState::Down, "\"state down\">Down<"),
            (VendorState::Unknown, "\"state unknown\">Not called yet<"),
        ] {
            let card = vendor(&VendorStatus { state, ..status() }, now);
            assert!(card.contains(words), "{words} {card}");
        }
        for (circuit, words) in [
            (CircuitState::Closed, "Calls go through<"),
            (CircuitState::Open, "No calls are made"),
            (CircuitState::HalfOpen, "A trial call"),
        ] {
            let card = vendor(
                &VendorStatus {
                    circuit,
                    ..status()
                },
                now,
            );
            assert!(card.contains(words), "{words} {card}");
        }
    }

    #[test]
    fn a_failure_is_shown_and_escaped() {
        let failure = VendorFailure {
            vendor: Vendor::FirstLine,
            code: VendorErrorCode::Timeout,
            retry_after: None,
        };
        let now = DateTime::now_utc();
        let status = VendorStatus {
            last_failure: Some(failure),
            last_failure_at: Some(now),
            ..status()
        };
        let card = vendor(&status, now);
        assert!(
            card.contains(">0 seconds ago</time>: FirstLine did not respond in time</dd>"),
            "{card}"
        );
        assert_eq!(
            Text("<a b=\"&\">").to_string(),
            "&lt;a b=&quot;&amp;&quot;&gt;"
        );
    }
}
