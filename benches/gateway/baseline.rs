//! The baseline of the comparison: an axum server that returns bytes from memory.

use std::{fs, net::SocketAddr, path::Path};

use axum::{
    Router,
    body::Bytes,
    extract::State,
    http::{HeaderName, header},
    routing::post,
};

type Answer = ([(HeaderName, &'static str); 1], Bytes);

pub(crate) fn serve(address: &str, body: &Path) {
    async fn answer(State(body): State<Bytes>, _request: Bytes) -> Answer {
        ([(header::CONTENT_TYPE, "application/json")], body)
    }

    let body = Bytes::from(fs::read(body).expect("the file is there"));
    let address: SocketAddr = address.parse().expect("it is an address");
    let runtime = tokio::runtime::Runtime::new().expect("a runtime starts");
    runtime.block_on(async {
        let listener = tokio::net::TcpListener::bind(address)
            .await
            .expect("the port is free");
        let router = Router::new()
            .route("/graphql", post(answer))
            .with_state(body);
        axum::serve(listener, router).await.expect("it serves");
    });
}
