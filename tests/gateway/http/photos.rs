//! The photos of employees: loaded with the vendor's credentials, shown to whoever has the signed address.

use deskgraph::sandbox::PhotoAnswer;
use reqwest::{Response, StatusCode, redirect};
use serde_json::{Value, json};

use crate::harness::{Desk, DeskOptions};

const PHOTO_CALL: &str = "/employee/1/photo";

async fn photo_url(desk: &Desk) -> String {
    let request = desk.client().post(desk.url("/graphql"));
    let query = json!({ "query": "{ employee(id: \"firstline:Employee:1\") { photoUrl } }" });
    let request = request.bearer_auth("key-of-the-reader-01").json(&query);
    let response = request.send().await.expect("the gateway responds");
    let answer: Value = response.json().await.expect("the response is JSON");
    let url = answer["data"]["employee"]["photoUrl"].as_str();
    url.unwrap_or_else(|| panic!("{answer}")).to_owned()
}

async fn load(desk: &Desk, path: &str) -> Response {
    let request = desk.client().get(desk.url(path));
    request.send().await.expect("the gateway responds")
}

async fn message(response: Response) -> String {
    let body: Value = response.json().await.expect("an error is JSON");
    body["errors"][0]["message"]
        .as_str()
        .unwrap_or_default()
        .to_owned()
}

fn photo_calls(desk: &Desk) -> usize {
    let requests = desk.sandbox.firstline().requests();
    let photos = requests.iter().filter(|request| request.path == PHOTO_CALL);
    photos.count()
}

fn with_keys() -> DeskOptions {
    let keys = json!([{ "name": "reader", "key": "key-of-the-reader-01", "scopes": ["read"] }]);
    DeskOptions::default()
        .set("AUTH__MODE", "api_key")
        .set("AUTH__API_KEYS", keys)
}

#[tokio::test]
async fn a_photo_is_shown_without_a_key_and_loaded_from_the_vendor_once() {
    let desk = Desk::open_with(with_keys()).await;
    let url = photo_url(&desk).await;
    assert!(url.starts_with("/photos/"), "{url}");
    assert!(!url.contains("employee"), "{url}");
    assert_eq!(photo_calls(&desk), 0);

    let (first, second) = tokio::join!(load(&desk, &url), load(&desk, &url));
    for response in [first, second, load(&desk, &url).await] {
        assert_eq!(response.status(), StatusCode::OK);
        let headers = response.headers();
        assert_eq!(headers["content-type"], "image/png");
        assert_eq!(headers["content-security-policy"], "default-src 'none'");
        assert_eq!(headers["x-content-type-options"], "nosniff");
        assert_eq!(headers["cross-origin-resource-policy"], "cross-origin");
        let cache_control = headers["cache-control"].to_str().unwrap_or_default();
        let max_age = cache_control.strip_prefix("private, max-age=");
        let max_age: u64 = max_age
            .and_then(|age| age.parse().ok())
            .expect("it may be cached");
        assert!((1..=600).contains(&max_age), "{max_age}");
        let bytes = response.bytes().await.expect("it has a body");
        assert!(bytes.starts_with(b"\x89PNG"));
    }
    assert_eq!(photo_calls(&desk), 1);
    let requests = desk.sandbox.firstline().requests();
    let call = requests.iter().find(|request| request.path == PHOTO_CALL);
    let call = call.expect("the vendor was called");
    assert!(
        call.authorized_as.is_some(),
        "with the gateway's credentials"
    );
    let accept = call.headers.iter().find(|(name, _)| name == "accept");
    assert!(accept.is_some_and(|(_, types)| types.starts_with("image/")));
}

#[tokio::test]
async fn a_forged_address_is_refused_without_a_call() {
    let desk = Desk::open_with(with_keys()).await;
    let url = photo_url(&desk).await;
    let other = Desk::open_with(with_keys()).await;
    desk.forget_calls();

    let cut = &url[..url.len() - 1];
    let flipped = match url.ends_with('A') {
        true => format!("{cut}Q"),
        false => format!("{cut}A"),
    };
    let longer = format!("{url}AAAA");
    for (desk, url) in [
        (&desk, flipped.as_str()),
        (&desk, longer.as_str()),
        (&desk, "/photos/x"),
        (&other, url.as_str()),
    ] {
        let response = load(desk, url).await;
        assert_eq!(response.status(), StatusCode::FORBIDDEN, "{url}");
        let message = message(response).await;
        assert!(message.contains("`photoUrl`"), "{message}");
    }
    assert_eq!((desk.calls().0, other.calls().0), (0, 0));
}

#[tokio::test]
async fn only_pictures_of_at_most_a_mebibyte_are_shown_and_the_vendor_stays_up() {
    let cases = [
        PhotoAnswer::Svg,
        PhotoAnswer::Html,
        PhotoAnswer::TooLarge,
        PhotoAnswer::Redirect,
    ];
    for answer in cases {
        let desk = Desk::open_with(with_keys()).await;
        desk.sandbox
            .firstline()
            .change_switches(|switches| switches.photo_answer = answer);
        let url = photo_url(&desk).await;
        for _ in 0..12 {
            let response = load(&desk, &url).await;
            assert_eq!(response.status(), StatusCode::BAD_GATEWAY, "{answer:?}");
            let message = message(response).await;
            assert!(message.starts_with("FirstLine"), "{message}");
        }
        // Pictures that can't be shown open no circuit.
        if answer != PhotoAnswer::Redirect {
            assert_eq!(photo_calls(&desk), 12, "{answer:?}");
        }
    }
}

#[tokio::test]
async fn a_photo_that_the_vendor_does_not_have_is_not_found() {
    let desk = Desk::open_with(with_keys()).await;
    desk.sandbox
        .firstline_insert_employee(json!({ "id": 1, "photo_url": "/employee/999/photo" }));
    let url = photo_url(&desk).await;
    assert_eq!(load(&desk, &url).await.status(), StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn replicas_with_one_key_show_each_others_photos_under_the_public_url() {
    let options = || {
        with_keys()
            .set("PHOTOS__SIGNING_KEY", "0123456789abcdef0123456789abcdef")
            .set("PUBLIC_URL", "https://desk.example/graph/")
    };
    let (one, other) = (
        Desk::open_with(options()).await,
        Desk::open_with(options()).await,
    );
    let url = photo_url(&one).await;
    let path = url
        .strip_prefix("https://desk.example/graph")
        .expect("it is absolute");

    assert_eq!(load(&other, path).await.status(), StatusCode::OK);
}

#[tokio::test]
async fn an_address_of_another_host_is_never_loaded() {
    let desk = Desk::open_with(with_keys()).await;
    desk.sandbox
        .firstline()
        .change_switches(|switches| switches.photo_answer = PhotoAnswer::Redirect);
    let url = photo_url(&desk).await;
    let client = reqwest::Client::builder()
        .redirect(redirect::Policy::none())
        .no_proxy()
        .build()
        .expect("a client builds");
    let response = client
        .get(desk.url(&url))
        .send()
        .await
        .expect("the gateway responds");
    assert_eq!(response.status(), StatusCode::BAD_GATEWAY);
    assert!(response.headers().get("location").is_none());
}
