//! The document of the sample contract, and that of the real one.

use serde_json::{Value, json};

use super::{describe, document, summary};
use crate::sample;

fn sample() -> Value {
    describe::<sample::method::Method>(sample::descriptor_pool().unwrap(), "sample.v1")
}

#[test]
fn verbs_of_one_path_share_its_parameters() {
    let document = sample();
    let item = document["paths"]["/v1/jobs/{job}"].as_object().unwrap();
    assert_eq!(item.keys().collect::<Vec<_>>(), ["delete", "get", "patch"]);
    for operation in item.values() {
        assert_eq!(operation["parameters"][0]["name"], "job");
    }
    assert_eq!(document["paths"]["/v1/legacyJobs/{name}"]["get"]["operationId"], "JobService_GetJob_2");
    assert_eq!(item["get"]["summary"], "Reads a job");
}

#[test]
fn schemas_say_what_json_is() {
    let document = sample();
    let job = &document["components"]["schemas"]["Job"];
    assert_eq!(job["required"], json!(["vin"]));
    assert_eq!(job["additionalProperties"], false);
    let properties = &job["properties"];
    assert_eq!(properties["odometerKm"]["type"], "string");
    assert_eq!(properties["odometerKm"]["description"], "Read at the repair. From 0 to 2000000.");
    assert_eq!((&properties["vin"]["minLength"], &properties["vin"]["maxLength"]), (&json!(5), &json!(17)));
    assert_eq!(
        (&properties["state"]["$ref"], &properties["state"]["readOnly"]),
        (&json!("#/components/schemas/Job.State"), &json!(true))
    );
    assert_eq!(properties["lines"]["maxItems"], 3);
    assert_eq!(properties["note"]["x-visible"], json!({"roles": ["AUDITOR"], "own": ["STATION"]}));
    assert_eq!(
        document["components"]["schemas"]["Job.State"]["enum"],
        json!(["STATE_UNSPECIFIED", "DRAFT", "SUBMITTED"])
    );
    let line = &document["components"]["schemas"]["Job.Line"]["properties"];
    assert_eq!(line["quantity"]["$ref"], "#/components/schemas/DecimalNumber", "one class for all of them");
    assert_eq!(document["components"]["schemas"]["DecimalNumber"]["required"], json!(["value"]));
    let pairs = [["failedPart", "otherCause"], ["failedPart", "ownerCause"], ["otherCause", "ownerCause"]];
    assert_eq!(
        job["not"]["anyOf"],
        json!(pairs.map(|pair| json!({"required": pair, "properties": {pair[0]: true, pair[1]: true}})))
    );
}

#[test]
fn a_patch_requires_nothing_but_whole_elements() {
    let document = sample();
    let patch = &document["components"]["schemas"]["JobPatch"];
    assert_eq!(patch["required"], Value::Null);
    assert_eq!(patch["properties"]["symptom"]["$ref"], "#/components/schemas/Job.SymptomPatch");
    assert_eq!(patch["properties"]["lines"]["items"]["$ref"], "#/components/schemas/Job.Line");
    let body = &document["paths"]["/v1/jobs/{job}"]["patch"]["requestBody"]["content"]["application/json"]["schema"];
    assert_eq!(body["$ref"], "#/components/schemas/JobPatch");
}

#[test]
fn a_body_is_without_what_the_path_sets() {
    let document = sample();
    let body = &document["components"]["schemas"]["JobService_SubmitJobBody"]["properties"];
    assert_eq!(body.as_object().unwrap().keys().collect::<Vec<_>>(), ["comment", "etag", "requestId"]);
    let real = super::document(|_| {});
    let required = |path: &str| real["paths"][path]["post"]["requestBody"]["required"].clone();
    assert_eq!(required("/v1/sessions"), true, "user_name and password are required");
    assert_eq!(required("/v1/claims/{claim}:adjudicate"), true, "etag and line_decisions are required");
    assert_eq!(required("/v1/claims/{claim}:submit"), false, "nothing is");
}

#[test]
fn an_operation_names_what_its_callers_meet() {
    let document = document(|_| {});
    let has = |verb: &str, path: &str, status: &str| !document["paths"][path][verb]["responses"][status].is_null();
    // What a query or a body names may be as absent as what the path does; a list names nothing.
    for (verb, path) in [
        ("get", "/v1/claims/{claim}"),
        ("get", "/v1/events"),
        ("post", "/v1/appraisals"),
        ("post", "/v1/recoveryClaims:batchAnswer"),
    ] {
        assert!(has(verb, path, "404"), "{verb} {path}");
    }
    assert!(!has("get", "/v1/claims", "404") && !has("post", "/v1/sessions", "404"));
    // Whoever has a token may have one that is not for this.
    assert!(has("get", "/v1/sessions", "403") && !has("post", "/v1/sessions", "403"));
    for (path, item) in document["paths"].as_object().unwrap() {
        for (verb, operation) in item.as_object().unwrap() {
            for status in ["400", "414", "429", "431", "500", "503", "504"] {
                assert!(!operation["responses"][status].is_null(), "{verb} {path} {status}");
            }
        }
    }
}

#[test]
fn access_is_in_the_text_and_for_programs() {
    let document = sample();
    let create = &document["paths"]["/v1/jobs"]["post"];
    assert_eq!(create["x-access"]["grants"][1], json!({"role": "ADMIN", "scope": "ANY"}));
    assert!(create["description"].as_str().unwrap().contains("| `STATION` | `OWN_STATION` |"));
    assert_eq!(document["paths"]["/v1/jobs"]["get"]["security"], json!([]));
    assert_eq!(create["security"], Value::Null);
}

#[test]
fn a_message_that_only_holds_an_enum_lends_it_its_name() {
    let document = document(|_| {});
    let schemas = &document["components"]["schemas"];
    assert!(schemas["FindingCode"]["enum"].as_array().unwrap().contains(&json!("DUPLICATE")));
    assert_eq!(schemas["Problem"]["properties"]["reason"]["$ref"], "#/components/schemas/ErrorReason");
    assert!(schemas["CoverageReason.Code"]["enum"].is_array(), "this one has fields of its own");
    assert!(schemas["ApiClient"].is_null() && schemas["ClientProgram"].is_object(), "the name is the generators'");
}

#[test]
fn every_reference_leads_somewhere() {
    for document in [sample(), document(|_| {})] {
        let mut references = Vec::new();
        collect(&document, &mut references);
        for reference in references {
            assert!(document.pointer(reference.trim_start_matches('#')).is_some(), "{reference}");
        }
    }
}

fn collect(value: &Value, references: &mut Vec<String>) {
    match value {
        Value::Object(object) => {
            references.extend(object.get("$ref").and_then(Value::as_str).map(str::to_owned));
            object.values().for_each(|value| collect(value, references));
        }
        Value::Array(elements) => elements.iter().for_each(|value| collect(value, references)),
        _ => {}
    }
}

#[test]
fn the_document_is_always_the_same_and_takes_more_paths() {
    let first = document(|document| document["paths"]["/healthz"] = json!({}));
    assert_eq!(first["paths"]["/healthz"], json!({}));
    assert_eq!(document(|_| {}).to_string(), document(|_| {}).to_string());
    // For a validator: RECOURSE_OPENAPI_OUT=/tmp cargo test -p recourse-proto
    if let Ok(folder) = std::env::var("RECOURSE_OPENAPI_OUT") {
        std::fs::write(format!("{folder}/openapi.json"), document(|_| {}).to_string()).unwrap();
        std::fs::write(format!("{folder}/sample.json"), sample().to_string()).unwrap();
    }
}

#[test]
fn a_summary_is_the_first_sentence_up_to_its_colon() {
    assert_eq!(summary("Reads a\njob. And more."), "Reads a job");
    assert_eq!(summary("Reads a job."), "Reads a job");
    assert_eq!(summary("Retires a job: it stays for what names it. And more."), "Retires a job");
    assert_eq!(summary("Takes it back; the decision stands."), "Takes it back");
    assert_eq!(summary("Does what `jobs:next` does."), "Does what `jobs:next` does");
    assert_eq!(summary(""), "");
}
