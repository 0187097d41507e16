//! A vendor of the tests, on a real connection, that plays a script.

use std::{
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicUsize, Ordering},
    },
    time::{Duration, Instant},
};

use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
};

use crate::{
    context::RequestScope,
    domain::{Caller, Scope},
};

/// A vendor whose answer depends on the request and on how many came before it.
pub(in crate::upstream) struct ScriptedVendor {
    pub(in crate::upstream) address: String,
    requests: Arc<Mutex<Vec<String>>>,
}

/// What to write before the connection is closed.
pub(in crate::upstream) type Script = fn(request: &str, number: usize) -> String;

impl ScriptedVendor {
    pub(in crate::upstream) async fn with(script: Script) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0")
            .await
            .expect("a port is free");
        let address = listener.local_addr().expect("it is bound").to_string();
        let requests: Arc<Mutex<Vec<String>>> = Arc::default();
        let seen = requests.clone();
        let number = AtomicUsize::new(0);
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let number = number.fetch_add(1, Ordering::SeqCst);
                tokio::spawn(play(stream, script, number, seen.clone()));
            }
        });
        Self { address, requests }
    }

    pub(in crate::upstream) fn requests(&self) -> Vec<String> {
        let requests = self.requests.lock();
        requests.unwrap_or_else(PoisonError::into_inner).clone()
    }
}

async fn play(mut stream: TcpStream, script: Script, number: usize, seen: Arc<Mutex<Vec<String>>>) {
    let mut request = Vec::new();
    let mut chunk = [0; 4096];
    loop {
        let Ok(count @ 1..) = stream.read(&mut chunk).await else {
            return;
        };
        request.extend_from_slice(&chunk[..count]);
        let text = String::from_utf8_lossy(&request);
        let Some((head, body)) = text.split_once("\r\n\r\n") else {
            continue;
        };
        let length = head
            .lines()
            .find_map(|line| line.strip_prefix("content-length: "))
            .and_then(|length| length.parse().ok())
            .unwrap_or(0);
        if body.len() >= length {
            break;
        }
    }
    let request = String::from_utf8_lossy(&request).into_owned();
    seen.lock()
        .unwrap_or_else(PoisonError::into_inner)
        .push(request.clone());
    let response = script(&request, number);
    if response == SILENCE {
        std::future::pending::<()>().await;
    }
    // The caller may be gone, which is its own business.
    let _ = stream.write_all(response.as_bytes()).await;
    let _ = stream.shutdown().await;
}

/// Stands for no answer at all.
pub(in crate::upstream) const SILENCE: &str = "silence";

pub(in crate::upstream) fn http_response(status: &str, body: &str) -> String {
    let length = body.len();
    format!("HTTP/1.1 {status}\r\ncontent-length: {length}\r\nconnection: close\r\n\r\n{body}")
}

pub(in crate::upstream) fn scope() -> RequestScope {
    RequestScope::new(
        "request-1".to_owned(),
        Caller::new("test", Scope::ALL.to_vec()),
        Instant::now() + Duration::from_secs(10),
    )
}
