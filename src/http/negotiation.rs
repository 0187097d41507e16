//! Content negotiation: the media type that the client accepts.

use axum::http::{HeaderMap, HeaderValue, header};

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum MediaType {
    /// `application/graphql-response+json`: the status says whether the request was executed.
    GraphqlResponse,
    /// `application/json`, the older media type: 200 for every well-formed request.
    Json,
}

impl MediaType {
    const ALL: [MediaType; 2] = [MediaType::GraphqlResponse, MediaType::Json];

    fn essence(self) -> &'static str {
        match self {
            MediaType::GraphqlResponse => "application/graphql-response+json",
            MediaType::Json => "application/json",
        }
    }

    pub(super) fn header(self) -> HeaderValue {
        HeaderValue::from_static(match self {
            MediaType::GraphqlResponse => "application/graphql-response+json; charset=utf-8",
            MediaType::Json => "application/json; charset=utf-8",
        })
    }

    /// The type that the client prefers; none when it accepts neither. The default is JSON.
    pub(super) fn accepted(headers: &HeaderMap) -> Option<Self> {
        let accept: Vec<&str> = headers
            .get_all(header::ACCEPT)
            .iter()
            .filter_map(|value| value.to_str().ok())
            .collect();
        let accept = accept.join(",");
        if accept.trim().is_empty() {
            return Some(MediaType::Json);
        }

        let ranges: Vec<AcceptedRange<'_>> =
            accept.split(',').filter_map(AcceptedRange::read).collect();
        MediaType::ALL
            .into_iter()
            .filter_map(|media_type| {
                let range = ranges
                    .iter()
                    .filter_map(|range| Some((range.exactness(media_type)?, range.quality)))
                    .max_by_key(|(exactness, _)| *exactness)?;
                let (exactness, quality) = range;
                (quality > 0).then_some((quality, exactness, media_type))
            })
            // Of equal ones the last wins: JSON among wildcards, the other when both types are named.
            .max_by_key(|(quality, exactness, media_type)| {
                let is_named = *exactness == Exactness::Named;
                let is_preferred = is_named == (*media_type == MediaType::GraphqlResponse);
                (*quality, *exactness, is_preferred)
            })
            .map(|(_, _, media_type)| media_type)
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Exactness {
    Anything,
    AnyApplication,
    Named,
}

/// One entry of an Accept header.
struct AcceptedRange<'a> {
    essence: &'a str,
    /// In thousandths.
    quality: u16,
}

impl<'a> AcceptedRange<'a> {
    fn read(entry: &'a str) -> Option<Self> {
        let mut parts = entry.split(';').map(str::trim);
        let essence = parts.next().filter(|essence| !essence.is_empty())?;
        let mut quality = 1000;

        for parameter in parts {
            let Some((name, value)) = parameter.split_once('=') else {
                continue;
            };
            match name.trim().to_ascii_lowercase().as_str() {
                "q" => quality = thousandths(value.trim())?,
                // Responses are in UTF-8 alone.
                "charset" if !is_utf8(value) => return None,
                _ => {}
            }
        }
        Some(Self { essence, quality })
    }

    fn exactness(&self, media_type: MediaType) -> Option<Exactness> {
        if self.essence.eq_ignore_ascii_case(media_type.essence()) {
            Some(Exactness::Named)
        } else if self.essence.eq_ignore_ascii_case("application/*") {
            Some(Exactness::AnyApplication)
        } else if self.essence == "*/*" {
            Some(Exactness::Anything)
        } else {
            None
        }
    }
}

fn thousandths(quality: &str) -> Option<u16> {
    let quality: f32 = quality.parse().ok()?;
    // The bounds are checked, so that the number fits.
    (0.0..=1.0)
        .contains(&quality)
        .then_some((quality * 1000.0) as u16)
}

pub(super) fn is_utf8(charset: &str) -> bool {
    let charset = charset.trim().trim_matches('"');
    charset.eq_ignore_ascii_case("utf-8") || charset.eq_ignore_ascii_case("utf8")
}

#[cfg(test)]
mod tests {
    use axum::http::{HeaderMap, HeaderValue, header};

    use super::MediaType;

    fn accepted(accept: &'static str) -> Option<MediaType> {
        let mut headers = HeaderMap::new();
        headers.insert(header::ACCEPT, HeaderValue::from_static(accept));
        MediaType::accepted(&headers)
    }

    #[test]
    fn json_is_the_default() {
        assert_eq!(
            MediaType::accepted(&HeaderMap::new()),
            Some(MediaType::Json)
        );
        for accept in ["", "*/*", "application/*", "text/html, */*;q=0.1"] {
            assert_eq!(accepted(accept), Some(MediaType::Json), "{accept}");
        }
    }

    #[test]
    fn a_named_type_wins_over_wildcards() {
        for accept in [
            "application/graphql-response+json",
            "application/graphql-response+json, application/json;q=0.9",
            "application/json, application/graphql-response+json",
            "*/*, application/graphql-response+json",
            "APPLICATION/GraphQL-Response+JSON; charset=UTF-8",
        ] {
            assert_eq!(
                accepted(accept),
                Some(MediaType::GraphqlResponse),
                "{accept}"
            );
        }
        for accept in [
            "application/json",
            "application/json, */*",
            "application/graphql-response+json;q=0.5, application/json",
            "application/graphql-response+json;q=0, */*",
        ] {
            assert_eq!(accepted(accept), Some(MediaType::Json), "{accept}");
        }
    }

    #[test]
    fn other_types_other_charsets_and_zero_quality_are_not_acceptable() {
        for accept in [
            "text/html",
            "application/json;q=0",
            "application/json; charset=utf-16",
            "*/*;q=0",
        ] {
            assert_eq!(accepted(accept), None, "{accept}");
        }
    }
}
