//! What a client still sends when its answer is ready.

use std::sync::Arc;
use std::time::Duration;

use axum::body::{Body, BodyDataStream};
use axum::extract::Request;
use axum::http::header::EXPECT;
use axum::middleware::Next;
use axum::response::Response;
use futures_util::{StreamExt, stream};
use tokio::sync::Mutex;
use tokio::time::timeout;

/// Bytes that are read and dropped at most.
const MOST: usize = 1 << 20;
/// How long that may take at most.
const LONGEST: Duration = Duration::from_secs(2);

/// Reads a refused body on for a while: a connection that is closed while a client sends breaks before the client has read
/// why it was refused.
pub(crate) async fn read_on(request: Request, next: Next) -> Response {
    // Who asks before sending sends nothing after a refusal.
    if request.headers().contains_key(EXPECT) {
        return next.run(request).await;
    }
    let (parts, body) = request.into_parts();
    let body = Arc::new(Mutex::new(body.into_data_stream()));
    let handed = stream::unfold(Arc::clone(&body), |body| async move {
        let chunk = body.lock().await.next().await?;
        Some((chunk, body))
    });
    let request = Request::from_parts(parts, Body::from_stream(handed));
    let response = next.run(request).await;
    if !response.status().is_success() {
        // Whether that was all of it makes no difference to the answer.
        timeout(LONGEST, drop_rest(&body)).await.ok();
    }
    response
}

async fn drop_rest(body: &Mutex<BodyDataStream>) {
    let mut body = body.lock().await;
    let mut left = MOST;
    while let Some(Ok(chunk)) = body.next().await {
        match left.checked_sub(chunk.len()) {
            Some(less) => left = less,
            None => break,
        }
    }
}
