//! Requests against the sample contract of `tests/contract`.

use std::sync::{Arc, Mutex};

use axum::body::Body;
use futures::{StreamExt, stream};
use http::{Request, Response, StatusCode, request::Parts};
use http_body_util::BodyExt;
use serde_json::{Value, json};
use tonic::{Status, Streaming};

use super::{Admission, Gateway, GatewayOptions, Reply};
use crate::{
    sample::{
        method::Method,
        services::dispatch,
        v1::{
            CreateJobRequest, GetJobRequest, ImportJobsRequest, ImportJobsResponse, Job, JobEvent, ListJobsRequest,
            ListJobsResponse, Printout, SubmitJobRequest, UpdateJobRequest, WatchJobsRequest,
            job_service_server::JobService,
        },
    },
    status::Refusal,
    v1::error_reason,
};

mod bodies;
mod failures;
mod queries;
mod routes;
mod streams;

/// A service that answers what it was asked, and keeps it for the test.
#[derive(Clone, Default)]
struct Echo {
    asked: Arc<Mutex<Vec<String>>>,
}

impl Echo {
    fn note(&self, request: &impl std::fmt::Debug) {
        self.asked.lock().unwrap().push(format!("{request:?}"));
    }
}

#[derive(Clone)]
struct Caller(&'static str);

type Answer<T> = Result<tonic::Response<T>, Status>;

fn job(name: &str) -> Job {
    Job { name: name.to_owned(), ..Job::default() }
}

#[tonic::async_trait]
impl JobService for Echo {
    async fn create_job(&self, request: tonic::Request<CreateJobRequest>) -> Answer<Job> {
        let caller = request.extensions().get::<Caller>().map_or("nobody", |caller| caller.0);
        let request = request.into_inner();
        let mut job = request.job.unwrap_or_default();
        job.name = format!("jobs/{}", request.job_id);
        job.labels.insert("requestId".into(), request.request_id);
        job.labels.insert("caller".into(), caller.into());
        let mut response = tonic::Response::new(job);
        response.metadata_mut().insert("idempotent-replayed", "true".parse().unwrap());
        response.metadata_mut().insert("content-type", "application/grpc".parse().unwrap());
        Ok(response)
    }

    async fn get_job(&self, request: tonic::Request<GetJobRequest>) -> Answer<Job> {
        match request.into_inner().name.as_str() {
            "jobs/none" => {
                Err(Refusal::new(tonic::Code::NotFound, error_reason::Code::ResourceNotFound, "no such job")
                    .localized(crate::Lang::ZhCn, "没有此工单")
                    .metadata("name", "jobs/none")
                    .into_status())
            }
            "jobs/busy" => {
                Err(Refusal::new(tonic::Code::ResourceExhausted, error_reason::Code::TooManyRequests, "too many")
                    .retry_after(std::time::Duration::from_millis(1500))
                    .into_status())
            }
            "jobs/anonymous" => Err(Status::unauthenticated("no token")),
            "jobs/broken" => Ok(tonic::Response::new(Job {
                create_time: Some(crate::wkt::Timestamp { seconds: i64::MAX, nanos: 0 }),
                ..job("jobs/broken")
            })),
            name => Ok(tonic::Response::new(Job { etag: "v7".into(), ..job(name) })),
        }
    }

    async fn get_my_job(&self, _request: tonic::Request<pbjson_types::Empty>) -> Answer<Job> {
        Ok(tonic::Response::new(job("mine")))
    }

    async fn list_jobs(&self, request: tonic::Request<ListJobsRequest>) -> Answer<ListJobsResponse> {
        Ok(tonic::Response::new(ListJobsResponse { jobs: Vec::new(), asked: Some(request.into_inner()) }))
    }

    async fn update_job(&self, request: tonic::Request<UpdateJobRequest>) -> Answer<Job> {
        let request = request.into_inner();
        self.note(&request.update_mask.as_ref().map(|mask| mask.paths.join(",")));
        Ok(tonic::Response::new(request.job.unwrap_or_default()))
    }

    async fn delete_job(&self, request: tonic::Request<GetJobRequest>) -> Answer<pbjson_types::Empty> {
        self.note(&request.into_inner().etag);
        Ok(tonic::Response::new(pbjson_types::Empty {}))
    }

    async fn submit_job(&self, request: tonic::Request<SubmitJobRequest>) -> Answer<Job> {
        let request = request.into_inner();
        Ok(tonic::Response::new(Job { note: Some(request.comment), etag: request.etag, ..job(&request.name) }))
    }

    async fn precheck_job(&self, request: tonic::Request<CreateJobRequest>) -> Answer<Job> {
        let request = request.into_inner();
        Ok(tonic::Response::new(request.job.unwrap_or_else(|| job("absent"))))
    }

    async fn print_job(&self, request: tonic::Request<GetJobRequest>) -> Answer<Printout> {
        let file_name = format!("{}.svg", request.into_inner().name);
        Ok(tonic::Response::new(Printout {
            content_type: "image/svg+xml".into(),
            content: b"<svg/>".to_vec(),
            file_name,
        }))
    }

    type WatchJobsStream = stream::BoxStream<'static, Result<JobEvent, Status>>;

    async fn watch_jobs(&self, request: tonic::Request<WatchJobsRequest>) -> Answer<Self::WatchJobsStream> {
        let WatchJobsRequest { limit, cursor } = request.into_inner();
        self.note(&cursor);
        if limit < 0 {
            return Err(Status::invalid_argument("limit"));
        }
        let events = (1..=limit).map(|n| match n {
            3 => {
                Err(Refusal::new(tonic::Code::Unavailable, error_reason::Code::StoreUnavailable, "gone").into_status())
            }
            n => Ok(JobEvent { job: Some(job(&format!("jobs/{n}"))), cursor: format!("c{n}") }),
        });
        Ok(tonic::Response::new(stream::iter(events.collect::<Vec<_>>()).boxed()))
    }

    async fn import_jobs(&self, request: tonic::Request<Streaming<ImportJobsRequest>>) -> Answer<ImportJobsResponse> {
        let mut requests = request.into_inner();
        let mut names = Vec::new();
        while let Some(request) = requests.message().await? {
            names.push(format!("{}/{}", request.parent, request.job.unwrap_or_default().name));
        }
        Ok(tonic::Response::new(ImportJobsResponse { names }))
    }

    type SyncJobsStream = stream::BoxStream<'static, Result<JobEvent, Status>>;

    async fn sync_jobs(&self, request: tonic::Request<Streaming<ImportJobsRequest>>) -> Answer<Self::SyncJobsStream> {
        let events = request.into_inner().map(|request| Ok(JobEvent { job: request?.job, cursor: String::new() }));
        Ok(tonic::Response::new(events.boxed()))
    }
}

/// Lets everyone in but those who say they are nobody.
struct Door;

impl Admission<Method> for Door {
    fn admit(&self, _method: Method, request: &mut Parts) -> Result<(), Status> {
        request.extensions.insert(Caller("somebody"));
        match request.headers.get("x-nobody") {
            Some(_) => Err(Status::permission_denied("nobody may call this")),
            None => Ok(()),
        }
    }
}

fn gateway(echo: &Echo) -> Gateway<Echo, Method> {
    let options = GatewayOptions { max_body_bytes: 1000, ..GatewayOptions::default() };
    Gateway::over(echo.clone(), dispatch::<Echo>, crate::sample::descriptor_pool(), Arc::new(Door), options)
}

/// A response, read.
struct Read {
    status: StatusCode,
    headers: http::HeaderMap,
    text: String,
}

impl Read {
    fn json(&self) -> Value {
        serde_json::from_str(&self.text).unwrap_or_else(|_| json!(self.text))
    }

    fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |value| value.to_str().unwrap())
    }

    /// `(status, reason, field of the first violation, its reason)`
    fn refusal(&self) -> (u16, String, String, String) {
        assert_eq!(self.header("content-type"), "application/problem+json", "{}", self.text);
        let json = self.json();
        let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        let violation = &json["violations"][0];
        (self.status.as_u16(), text(&json["reason"]), text(&violation["field"]), text(&violation["reason"]))
    }
}

async fn read(response: Response<Body>) -> Read {
    let (parts, body) = response.into_parts();
    let bytes = body.collect().await.unwrap().to_bytes();
    Read { status: parts.status, headers: parts.headers, text: String::from_utf8(bytes.to_vec()).unwrap() }
}

async fn send(echo: &Echo, request: Request<Body>) -> Read {
    read(gateway(echo).handle(request).await).await
}

/// Sends without a body; extra headers as `name: value`.
async fn call(verb: &str, path: &str, headers: &[(&str, &str)]) -> Read {
    send(&Echo::default(), request(verb, path, headers, Body::empty())).await
}

/// Sends JSON.
async fn call_json(verb: &str, path: &str, body: &str) -> Read {
    send(&Echo::default(), request(verb, path, &[("content-type", "application/json")], Body::from(body.to_owned())))
        .await
}

fn request(verb: &str, path: &str, headers: &[(&str, &str)], body: Body) -> Request<Body> {
    let mut request = Request::builder().method(verb).uri(path);
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    request.body(body).unwrap()
}

#[test]
fn replies_can_be_sent_between_threads() {
    fn is_send<T: Send>() {}
    is_send::<Reply>();
}
