//! The four shapes of an rpc. The generated dispatch picks one per method.

use std::future::Future;

use futures::Stream;
use tonic::{Request, Response, Status, Streaming};

use super::{Call, Reply, ReplyFuture, RpcInput, RpcOutput};

/// One message in, one out.
pub fn unary<I, O, F, R>(call: Call, handler: F) -> ReplyFuture
where
    I: RpcInput,
    O: RpcOutput,
    F: FnOnce(Request<I>) -> R + Send + 'static,
    R: Future<Output = Result<Response<O>, Status>> + Send + 'static,
{
    Box::pin(async move { Reply::unary(handler(call.into_request()?).await?) })
}

/// One message in, a stream out.
pub fn server_stream<I, O, S, F, R>(call: Call, handler: F) -> ReplyFuture
where
    I: RpcInput,
    O: RpcOutput,
    S: Stream<Item = Result<O, Status>> + Send + 'static,
    F: FnOnce(Request<I>) -> R + Send + 'static,
    R: Future<Output = Result<Response<S>, Status>> + Send + 'static,
{
    Box::pin(async move { Ok(Reply::stream(handler(call.into_request()?).await?)) })
}

/// A stream in, one message out.
pub fn client_stream<I, O, F, R>(call: Call, handler: F) -> ReplyFuture
where
    I: RpcInput,
    O: RpcOutput,
    F: FnOnce(Request<Streaming<I>>) -> R + Send + 'static,
    R: Future<Output = Result<Response<O>, Status>> + Send + 'static,
{
    Box::pin(async move { Reply::unary(handler(call.into_stream()?).await?) })
}

/// A stream in, a stream out.
pub fn both_stream<I, O, S, F, R>(call: Call, handler: F) -> ReplyFuture
where
    I: RpcInput,
    O: RpcOutput,
    S: Stream<Item = Result<O, Status>> + Send + 'static,
    F: FnOnce(Request<Streaming<I>>) -> R + Send + 'static,
    R: Future<Output = Result<Response<S>, Status>> + Send + 'static,
{
    Box::pin(async move { Ok(Reply::stream(handler(call.into_stream()?).await?)) })
}
