//! How a service meets the trait that tonic generates for it: a line a method, each a command that its use case does or
//! a reading that it answers.

/// Meets the trait of a service: each command is its use case, each reading its question.
macro_rules! rpcs {
    (
        $service:ident
        commands { $($command:ident $command_request:ident -> $command_answer:ident, $command_method:ident = $act:path;)* }
        readings { $($reading:ident $reading_request:ident -> $reading_answer:ident, $reading_method:ident = $ask:path;)* }
    ) => {
        #[tonic::async_trait]
        impl $service for $crate::api::Api {
            $(async fn $command(
                &self,
                request: tonic::Request<v1::$command_request>,
            ) -> Result<tonic::Response<v1::$command_answer>, tonic::Status> {
                let method = recourse_proto::Method::$command_method;
                let (call, request) =
                    $crate::context::Call::command(&self.inner, method, request, |r| &mut r.request_id)?;
                call.answer($act(&call, request).await)
            })*

            $(async fn $reading(
                &self,
                request: tonic::Request<v1::$reading_request>,
            ) -> Result<tonic::Response<v1::$reading_answer>, tonic::Status> {
                let method = recourse_proto::Method::$reading_method;
                let (call, request) = $crate::context::Call::read(&self.inner, method, request)?;
                call.answer($ask(&call, request).await)
            })*
        }
    };
}

pub(crate) use rpcs;
