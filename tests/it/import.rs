//! Scenarios made of what others measured: every format, and whatever else a file may hold.

use std::fs;
use std::path::Path;
use std::process::{Command, Output};

use hoptax::Scenario;
use hoptax::import::{Import, Kind, open_lines};

/// A file of `samples/`, by its name.
fn sample(name: &str) -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/it/samples").join(name);
    fs::read_to_string(path).unwrap()
}

/// What is imported of a text.
fn imported(text: &str) -> String {
    let mut import = Import::default();
    import.read("input", text).unwrap();
    import.scenario("imported")
}

/// The same, run for a moment.
fn runs(text: &str) -> Scenario {
    let scenario = Scenario::parse(text).unwrap_or_else(|why| panic!("{why}\n{text}"));
    let short = scenario.with("sim.replications", 2).unwrap().with("sim.warmup", "0s").unwrap();
    let short = short.with("sim.duration", "2s").unwrap_or(short);
    short.run().unwrap();
    scenario
}

#[test]
fn every_sample_imports_and_runs() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/it/samples");
    let mut names: Vec<String> =
        fs::read_dir(folder).unwrap().map(|file| file.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    let mut seen = 0;
    for name in names.iter().filter(|name| name.as_str() != "SOURCES.md") {
        let text = imported(&sample(name));
        runs(&text);
        seen += 1;
    }
    assert_eq!(seen, 18);
}

#[test]
fn the_same_trace_in_two_formats_is_the_same_system() {
    let [one, other] =
        ["jaeger_otlp2jaeger-in.json", "jaeger_otlp2jaeger-out.json"].map(|name| imported(&sample(name)));
    let tables = |text: &str| {
        text.lines()
            .filter(|line| line.starts_with('['))
            .map(|line| line.split('#').next().unwrap().trim().to_owned())
            .collect::<Vec<_>>()
    };
    assert_eq!(tables(&one), tables(&other));
    assert!(one.contains("work = \"123us\"") && other.contains("work = \"123us\""), "{one}\n{other}");
}

#[test]
fn skew_is_told_and_nothing_is_corrected() {
    let text = imported(&sample("zipkin_skew.json"));
    assert!(text.contains("# - clock skew: 1 span of serviceb outside of servicea's that called it, by up to 65.44ms; nothing was corrected"), "{text}");
    assert!(text.contains("{ call = \"serviceb.post\" }"), "{text}");
    // get: 99,411 us of which the call took 94,539.
    assert!(text.contains("work = \"4.872ms\""), "{text}");
}

#[test]
fn messages_go_by_a_broker() {
    let text = imported(&sample("zipkin_messaging.json"));
    // The consumer names its queue; the service is called the same.
    assert!(text.contains("{ publish = \"backend-messages\" }"), "{text}");
    assert!(text.contains("[queues.backend-messages]") && !text.contains("[queues.rabbitmq]"), "{text}");
    assert!(text.contains("[[services.backend.consumes]]"), "{text}");
}

#[test]
fn queries_are_of_the_database_that_spans_name() {
    let text = imported(&sample("zipkin_simple-db-p6.json"));
    assert!(text.contains("[databases.app_db]") && text.contains("{ query = \"app_db\""), "{text}");
    assert!(text.contains("weak"), "{text}");
}

/// Edges of an isotope file, as they stand in it: caller and callee, and who is called together.
#[test]
fn an_isotope_graph_is_imported_whole() {
    let text = imported(&sample("isotope_canonical.yaml"));
    let steps: Vec<&str> = text.lines().map(str::trim).filter(|line| line.starts_with("{ ")).collect();
    assert_eq!(
        steps,
        [
            "{ call = \"a\" },",
            "{ call = \"b\" },",
            "{ parallel = [{ call = \"a\" }, { call = \"c\" }] },",
            "{ call = \"b\" },"
        ]
    );
    let nodes = text.lines().filter(|line| line.starts_with("[services.")).count();
    assert_eq!(nodes, 4);
    assert!(
        text.contains("calls = \"d\"") && text.contains("rate = \"1/s\"") && text.contains("# OPEN: not in the input")
    );
    let wide = imported(&sample("isotope_10-svc_10-end.yaml"));
    assert_eq!(wide.matches("{ call = ").count(), 9);
    assert_eq!(wide.matches("parallel = [").count(), 1);
    let chain = imported(&sample("isotope_chain-3-services.yaml"));
    assert_eq!(chain.matches("{ call = ").count(), 2);
}

#[test]
fn rates_of_a_mesh_become_shares_of_calls() {
    let text = imported(&sample("kiali_test_service_graph.json"));
    let scenario = runs(&text);
    assert!(text.contains("over 600 s"), "{text}");
    assert!(scenario.canonical().contains("productpage"), "{text}");
}

const KUBERNETES: &str = "\
apiVersion: apps/v1
kind: Deployment
metadata: { name: reviews }
spec:
  replicas: 3
  template:
    spec:
      containers:
      - name: istio-proxy
        resources: { limits: { cpu: 100m } }
      - name: app
        resources: { limits: { cpu: \"1500m\" } }
        readinessProbe: { initialDelaySeconds: 5, periodSeconds: 10, failureThreshold: 4, httpGet: { path: /ready } }
        livenessProbe: { periodSeconds: 20, timeoutSeconds: 2, tcpSocket: { port: 80 } }
---
apiVersion: autoscaling/v2
kind: HorizontalPodAutoscaler
metadata: { name: reviews }
spec:
  scaleTargetRef: { kind: Deployment, name: reviews }
  minReplicas: 2
  maxReplicas: 6
  metrics: [{ type: Resource, resource: { name: cpu, target: { type: Utilization, averageUtilization: 70 } } }]
---
apiVersion: networking.istio.io/v1
kind: VirtualService
metadata: { name: reviews }
spec:
  hosts: [reviews.default.svc.cluster.local]
  http:
  - route: [{ destination: { host: reviews } }]
    timeout: 2s
    retries: { attempts: 2, perTryTimeout: 500ms, retryOn: \"5xx\" }
---
apiVersion: networking.istio.io/v1
kind: DestinationRule
metadata: { name: reviews }
spec:
  host: reviews
  trafficPolicy:
    outlierDetection: { consecutive5xxErrors: 7, interval: 5s, baseEjectionTime: 15s, maxEjectionPercent: 50 }
---
apiVersion: v1
kind: ConfigMap
metadata: { name: other }
data: { a: b }
";

#[test]
fn several_inputs_fill_one_anothers_gaps() {
    let mut import = Import::default();
    let graph = "services:\n- name: web\n  isEntrypoint: true\n  script: [{ call: reviews }]\n- name: reviews\n";
    assert_eq!(import.read("graph.yaml", graph), Ok(Kind::Isotope));
    assert_eq!(import.read("cluster.yaml", KUBERNETES), Ok(Kind::Kubernetes));
    assert_eq!(import.read("rates.csv", "time,rate\n0,10\n60,30\n120,5\n"), Ok(Kind::Rates));
    let text = import.scenario("shop");
    for line in [
        "replicas = 3",
        "cores = 2",
        "ready_after = \"15s\"",
        "{ call = \"reviews\", policy = \"reviews\" }",
        "deadline = \"2s\"",
        "timeout = \"500ms\"",
        "consecutive_errors = 7",
        "kind = \"mesh\"",
        "readiness = { every = \"10s\", failures = 4, timeout = \"1s\", probe = \"shallow\" }",
        "liveness = { every = \"20s\", failures = 3, timeout = \"2s\", probe = \"process\" }",
        "autoscale = { min = 2, max = 6, metric = \"cpu\", target = \"70%\"",
        "{ duration = \"60s\", rate = \"30/s\" }",
        "duration = \"180s\"",
        "nothing is read from ConfigMap",
    ] {
        assert!(text.contains(line), "{line}\n{text}");
    }
    runs(&text);
}

const CANARY: &str = "\
apiVersion: v1
kind: Service
metadata: { name: reviews }
spec: { selector: { app: reviews }, ports: [{ port: 80 }] }
---
apiVersion: apps/v1
kind: Deployment
metadata: { name: reviews-v1 }
spec:
  replicas: 4
  selector: { matchLabels: { app: reviews, version: v1 } }
  template: { metadata: { labels: { app: reviews, version: v1 } }, spec: { containers: [] } }
---
apiVersion: apps/v1
kind: Deployment
metadata: { name: reviews-v2 }
spec:
  template: { metadata: { labels: { app: reviews, version: v2 } }, spec: { containers: [] } }
---
apiVersion: networking.istio.io/v1
kind: DestinationRule
metadata: { name: reviews }
spec:
  host: reviews.shop.svc.cluster.local
  trafficPolicy: { loadBalancer: { simple: LEAST_REQUEST } }
  subsets: [{ name: old, labels: { version: v1 } }, { name: new, labels: { version: v2 } }]
---
apiVersion: networking.istio.io/v1
kind: VirtualService
metadata: { name: reviews }
spec:
  hosts: [reviews]
  http:
  - match: [{ headers: { end-user: { exact: jason } } }]
    route: [{ destination: { host: reviews, subset: new } }]
  - route:
    - { destination: { host: reviews, subset: old }, weight: 90 }
    - { destination: { host: reviews, subset: new }, weight: 10 }
    retries: { attempts: 1, retryOn: 5xx }
---
apiVersion: networking.istio.io/v1
kind: VirtualService
metadata: { name: ratings }
spec:
  hosts: [ratings]
  http:
  - route: [{ destination: { host: ratings } }]
    timeout: 1s
    fault: { delay: { percentage: { value: 25 }, fixedDelay: 3s }, abort: { percentage: { value: 20 }, httpStatus: 500 } }
";

/// What a mesh is told comes true: shares of requests, and what happens to them on purpose.
#[test]
fn shares_and_faults_of_a_mesh_come_true() {
    let mut import = Import::default();
    let graph = "services:\n- name: page\n  isEntrypoint: true\n  script: [{ call: reviews }]\n- name: reviews\n  \
                 script: [{ call: ratings }]\n- name: ratings\n";
    import.read("graph.yaml", graph).unwrap();
    import.read("cluster.yaml", CANARY).unwrap();
    let text = import.scenario("books");
    for line in [
        "{ split = [{ weight = 90, steps = [{ call = \"reviews-v1\", policy = \"reviews-v1\" }] }, { weight = 10, steps = [{ call = \"reviews-v2\", policy = \"reviews-v2\" }] }] }",
        "replicas = 4",
        "load_balancing = \"least_request\"",
        "target = \"reviews-v1 -> ratings\"",
        "target = \"reviews-v2 -> ratings\"",
        "how many requests meet a route's condition no input says",
        "neither timeout nor retries",
    ] {
        assert!(text.contains(line), "{line}\n{text}");
    }
    assert!(!text.contains("[services.reviews]") && !text.contains("deadline"), "{text}");
    let scenario = Scenario::parse(&text).unwrap_or_else(|why| panic!("{why}\n{text}"));
    let told = [("clients.page-users.rate", "200/s"), ("clients.users.rate", "200/s")];
    let scenario = told.iter().find_map(|(path, rate)| scenario.with(path, *rate).ok()).unwrap();
    let scenario = scenario.with("sim.duration", "100s").unwrap().with("sim.replications", 2).unwrap();
    let summary = scenario.run().unwrap();
    let arrived = |edge: &str| summary.edges[edge].arrived as f64;
    let share = arrived("page -> reviews-v2") / (arrived("page -> reviews-v1") + arrived("page -> reviews-v2"));
    // Some forty thousand calls: 4 standard deviations are 0.006. Those that are tried again keep to their way.
    assert!((share - 0.1).abs() < 0.01, "{share}");
    let json = serde_json::to_value(&summary).unwrap();
    let edge = &json["edges"]["reviews-v1 -> ratings"];
    let success = edge["success_rate"]["value"].as_f64().unwrap();
    assert!((success - 0.8).abs() < 0.01, "{edge}");
    let (p50, p90) = ["p50", "p90"].map(|q| edge["latency_ms"][q]["value"].as_f64().unwrap_or(f64::NAN)).into();
    assert!(p50 < 100.0 && p90 > 3_000.0, "{edge}");
}

/// Rules alone are a system, too: whoever they are about is there, and users call them.
#[test]
fn rules_of_a_mesh_alone_are_a_system() {
    let rules =
        CANARY.split("---\n").filter(|one| one.contains("networking.istio.io")).collect::<Vec<_>>().join("---\n");
    let text = imported(&rules);
    runs(&text);
    // No workload tells what the subsets are: they are nodes of their own.
    for line in ["[services.reviews-old]", "[services.reviews-new]", "share = 0.45", "target = \"users -> ratings\""] {
        assert!(text.contains(line), "{line}\n{text}");
    }
    // A name that is several workloads without any rule: as many requests as replicas.
    let mut import = Import::default();
    import
        .read(
            "graph.yaml",
            "services:\n- name: page\n  isEntrypoint: true\n  script: [{ call: reviews }]\n- name: reviews\n",
        )
        .unwrap();
    let plain =
        CANARY.split("---\n").filter(|one| !one.contains("networking.istio.io")).collect::<Vec<_>>().join("---\n");
    import.read("cluster.yaml", &plain).unwrap();
    let text = import.scenario("books");
    assert!(
        text.contains("{ split = [{ weight = 0.8, steps = [{ call = \"reviews-v1\" }] }, { weight = 0.2,"),
        "{text}"
    );
    runs(&text);
}

#[test]
fn metrics_of_both_spellings_are_read() {
    let tempo = "traces_service_graph_request_total{client=\"web\",server=\"shop\"} 200\n\
                 traces_service_graph_request_total{client=\"shop\",server=\"db\",connection_type=\"database\"} 600\n\
                 traces_service_graph_request_server_seconds_bucket{client=\"shop\",server=\"db\",le=\"0.002\"} 500\n\
                 traces_service_graph_request_server_seconds_bucket{client=\"shop\",server=\"db\",le=\"+Inf\"} 600\n\
                 traces_service_graph_request_server_seconds_sum{client=\"shop\",server=\"db\"} 0.6\n\
                 traces_service_graph_request_server_seconds_count{client=\"shop\",server=\"db\"} 600\n";
    let connector = tempo.replace("_seconds", "").replace("0.002", "2").replace("} 0.6", "} 600");
    let [one, other] = [tempo, connector.as_str()].map(imported);
    assert_eq!(one, other);
    assert!(one.contains("{ query = \"db\", times = 3 }") && one.contains("max = \"2ms\""), "{one}");
    runs(&one);
    let istio = r#"{"status":"success","data":{"resultType":"vector","result":[
        {"metric":{"source_workload":"unknown","destination_service_name":"web","reporter":"destination","response_code":"200"},"value":[0,"20"]},
        {"metric":{"source_workload":"web","destination_service_name":"shop","reporter":"destination","response_code":"503"},"value":[0,"1"]},
        {"metric":{"source_workload":"web","destination_service_name":"shop","reporter":"destination","response_code":"200"},"value":[0,"9"]},
        {"metric":{"source_workload":"web","destination_service_name":"shop","reporter":"source","response_code":"200"},"value":[0,"9"]}]}}"#;
    let text = imported(istio);
    assert!(
        text.contains("rate = \"20/s\"") && text.contains("probability = 0.5") && text.contains("error_rate = 0.1"),
        "{text}"
    );
    runs(&text);
    let range = r#"{"status":"success","data":{"resultType":"matrix","result":[{"metric":{"job":"edge"},"values":[[0,"10"],[60,"20"]]}]}}"#;
    let mut import = Import::default();
    import.read("graph.yaml", "services:\n- name: a\n").unwrap();
    import.read("range.json", range).unwrap();
    assert!(import.scenario("a").contains("{ duration = \"60s\", rate = \"20/s\" }"));
}

/// Spans of OpenTelemetry's JSON, made one by one: service, name, kind, from and to in microseconds, and what it hangs below.
#[derive(Default)]
struct Spans(Vec<String>);

/// A span as it is asked for.
#[derive(Clone, Copy)]
struct Asked<'a> {
    service: &'a str,
    name: &'a str,
    kind: u8,
    at: (u64, u64),
    below: u64,
    failed: bool,
    topic: &'a str,
}

const SERVER: Asked<'_> = Asked { service: "", name: "", kind: 2, at: (0, 0), below: 0, failed: false, topic: "" };

impl Spans {
    /// Adds one to a trace, and says its id.
    fn add(&mut self, trace: u64, one: Asked<'_>) -> u64 {
        let id = self.0.len() as u64 + 1;
        let begun = 1_700_000_000_000_000_u64 + trace * 100_000;
        let (from, to) = ((begun + one.at.0) * 1_000, (begun + one.at.1) * 1_000);
        let parent = if one.below > 0 { format!(r#","parentSpanId":"{:016x}""#, one.below) } else { String::new() };
        let status = if one.failed { r#","status":{"code":2}"# } else { "" };
        let topic = if one.topic.is_empty() {
            String::new()
        } else {
            format!(
                r#","attributes":[{{"key":"messaging.system","value":{{"stringValue":"kafka"}}}},{{"key":"messaging.destination.name","value":{{"stringValue":"{}"}}}}]"#,
                one.topic
            )
        };
        self.0.push(format!(
            r#"{{"resource":{{"attributes":[{{"key":"service.name","value":{{"stringValue":"{}"}}}}]}},"scopeSpans":[{{"spans":[{{"traceId":"{trace:032x}","spanId":"{id:016x}"{parent},"name":"{}","kind":{},"startTimeUnixNano":"{from}","endTimeUnixNano":"{to}"{status}{topic}}}]}}]}}"#,
            one.service, one.name, one.kind
        ));
        id
    }

    /// A call with both of its spans, the callee's half a millisecond shorter.
    fn call(&mut self, trace: u64, from: &str, to: &str, at: (u64, u64), below: u64, failed: bool) {
        let client = self.add(trace, Asked { service: from, name: "c", kind: 3, at, below, failed, ..SERVER });
        let at = (at.0 + 250, at.1 - 250);
        self.add(trace, Asked { service: to, name: to, at, below: client, failed, ..SERVER });
    }

    fn text(&self) -> String {
        format!(r#"{{"resourceSpans":[{}]}}"#, self.0.join(","))
    }
}

/// What was imported, run for a while: how many arrived at each edge, and the share that went well.
fn measured(text: &str, rate: &str) -> impl Fn(&str) -> (f64, f64) {
    let scenario = Scenario::parse(text).unwrap_or_else(|why| panic!("{why}\n{text}"));
    let scenario = scenario.with("clients.users.rate", rate).unwrap();
    let summary = scenario.with("sim.duration", "100s").unwrap().with("sim.replications", 2).unwrap().run().unwrap();
    let json = serde_json::to_value(&summary).unwrap();
    let text = text.to_owned();
    move |edge: &str| {
        let own = &json["edges"][edge];
        assert!(own.is_object(), "{edge}\n{text}");
        (own["arrived"].as_f64().unwrap(), own["success_rate"]["value"].as_f64().unwrap_or(f64::NAN))
    }
}

/// Of five requests two call twice and three once: 1.4 calls each, and how they are spread comes back.
#[test]
fn calls_of_a_request_are_not_rounded() {
    let mut spans = Spans::default();
    for trace in 1..=500 {
        let web = spans.add(trace, Asked { service: "web", name: "web", at: (0, 60_000), ..SERVER });
        for nth in 0..=u64::from(trace % 5 < 2) {
            spans.call(trace, "web", "orders", (5_000 + nth * 12_000, 15_000 + nth * 12_000), web, false);
        }
    }
    let text = imported(&spans.text());
    let line = "{ split = [{ weight = 300, steps = [{ call = \"orders\" }] }, { weight = 200, steps = [{ call = \"orders\", times = 2 }] }] }";
    assert!(text.contains(line), "{text}");
    let found = measured(&text, "50/s");
    let calls = found("web -> orders").0 / found("users -> web").0;
    assert!((calls - 1.4).abs() < 0.03, "{calls}");
    // Counts without traces: 4.238 calls a request, and one that is called more often than a thousand times.
    let links = r#"[{"parent":"a","child":"b","callCount":30489},{"parent":"b","child":"c","callCount":129216},{"parent":"x","child":"y","callCount":2},{"parent":"y","child":"z","callCount":50732}]"#;
    let text = imported(links);
    assert!(text.contains("times = 25366") && text.contains("weight = 0.238"), "{text}");
}

/// Callees that fail while their caller goes on do not make it fail; neither in traces nor in counts.
#[test]
fn failures_that_a_caller_lives_with_are_none_of_its_own() {
    let mut spans = Spans::default();
    for trace in 1..=500 {
        let failed = trace % 10 < 3;
        let web = spans.add(trace, Asked { service: "web", name: "web", at: (0, 60_000), ..SERVER });
        spans.call(trace, "web", "recs", (5_000, 15_000), web, failed);
        spans.call(trace, "web", "stock", (20_000, 30_000), web, false);
    }
    let text = imported(&spans.text());
    assert!(
        text.contains(
            "{ call = \"recs\", fallback = [] },   # in 500 of 500 invocations; 150 failed and its caller went on"
        ),
        "{text}"
    );
    let found = measured(&text, "50/s");
    let (asked, well) = found("users -> web");
    assert!(well > 0.999 && (found("web -> stock").0 - asked).abs() < 0.01 * asked, "{text}");
    assert!((found("web -> recs").1 - 0.7).abs() < 0.02, "{text}");
    // Kiali: details fails half of the time, productpage never.
    let text = imported(&sample("kiali_test_service_graph.json"));
    assert!(text.contains("it fails more often than its caller, which goes on"), "{text}");
}

/// Of 1000 requests 200 fail by themselves when all is called, half of them after a try that failed and one that did not.
#[test]
fn own_failures_stand_where_they_happen() {
    let mut spans = Spans::default();
    for trace in 1..=1_000 {
        let web = Asked { service: "web", name: "web", at: (0, 60_000), failed: trace % 5 == 0, ..SERVER };
        let web = spans.add(trace, web);
        let again = trace % 2 == 0;
        spans.call(trace, "web", "stock", (5_000, 15_000), web, again);
        if again {
            spans.call(trace, "web", "stock", (20_000, 30_000), web, false);
        }
    }
    let text = imported(&spans.text());
    assert!(text.contains("# 200 of 1000 invocations that came so far"), "{text}");
    let found = measured(&text, "50/s");
    // Each try fails by itself, so that some fail twice; of those that come to the end one of five does.
    let (asked, calls) = (found("users -> web").0, found("web -> stock").0);
    assert!(
        (found("web -> web.ends").1 - 0.8).abs() < 0.02 && (calls / asked - 1.0).abs() < 0.01,
        "{calls} {asked}\n{text}"
    );
    // Who fails before it calls anybody calls nobody: all others do.
    let mut spans = Spans::default();
    for trace in 1..=500 {
        let failed = trace % 5 == 0;
        let web = spans.add(trace, Asked { service: "web", name: "web", at: (0, 60_000), failed, ..SERVER });
        if !failed {
            spans.call(trace, "web", "stock", (5_000, 15_000), web, false);
        }
    }
    let text = imported(&spans.text());
    assert!(text.contains("{ call = \"stock\" },   # in 400 of 400 invocations, 100 had failed before"), "{text}");
    let found = measured(&text, "50/s");
    let share = found("web -> stock").0 / found("users -> web").0;
    assert!((share - 0.8).abs() < 0.02, "{share}");
}

/// Traces tell times and steps, metrics rates and failures, in whichever order the files come.
#[test]
fn each_input_says_what_it_knows() {
    let mut spans = Spans::default();
    for trace in 1..=200 {
        let web = spans.add(trace, Asked { service: "web", name: "web", at: (0, 30_000), ..SERVER });
        spans.call(trace, "web", "orders", (5_000, 23_500), web, trace % 50 == 0);
        spans.call(trace, "web", "stock", (5_000, 20_000), web, false);
    }
    let metrics = r#"{"status":"success","data":{"resultType":"vector","result":[
        {"metric":{"client":"web","server":"orders"},"value":[1,"400"]},
        {"metric":{"client":"web","server":"stock"},"value":[1,"400"]},
        {"metric":{"client":"user","server":"web"},"value":[1,"400"]}]}}"#;
    let histogram = "traces_service_graph_request_server_seconds_bucket{client=\"web\",server=\"orders\",le=\"1\"} 9\n\
                     traces_service_graph_request_total{client=\"web\",server=\"orders\"} 400\n\
                     traces_service_graph_request_failed_total{client=\"web\",server=\"orders\"} 20\n";
    let spans = spans.text();
    let mut texts = Vec::new();
    for order in [[&spans, metrics, histogram], [histogram, metrics, &spans]] {
        let mut import = Import::default();
        for text in order {
            import.read("input", text).unwrap();
        }
        let text = import.scenario("mixed");
        let body: String = text.lines().filter(|line| !line.starts_with('#')).collect::<Vec<_>>().join("\n");
        texts.push(body);
    }
    assert_eq!(texts[0], texts[1]);
    for line in ["rate = \"400/s\"", "work = \"18ms\"", "parallel = [", "error_rate = 0.05 "] {
        assert!(texts[0].contains(line), "{line}\n{}", texts[0]);
    }
    runs(&texts[0]);
}

/// Names that come out alike are numbered, and what they do is not mixed.
#[test]
fn names_that_come_out_alike_stay_apart() {
    let long = "com.acme.commerce.fulfilment.internal.v1.OrderFulfilmentService/";
    let mut spans = Spans::default();
    for trace in 1..=200 {
        let odd = trace % 2 == 1;
        let name = format!("{long}{}", if odd { "CreateOrder" } else { "CancelOrder" });
        let long = if odd { 100_000 } else { 1_000 };
        spans.add(trace, Asked { service: "svc", name: &name, at: (0, long), failed: odd, ..SERVER });
        let service = if odd { "日本" } else { "中文" };
        spans.add(trace, Asked { service, name: "op", at: (0, long), ..SERVER });
        let service = if odd { "shop.api" } else { "shop-api" };
        spans.add(trace, Asked { service, name: "op", at: (0, 3 * long), ..SERVER });
    }
    let text = imported(&spans.text());
    runs(&text);
    for line in [
        "[services.unnamed]",
        "[services.unnamed-2]",
        "[services.shop-api]",
        "[services.shop-api-2]",
        "`shop.api` is written shop-api-2",
        "work = \"300ms\"",
        "work = \"3ms\"",
        "work = \"100ms\"",
        "work = \"1ms\"",
    ] {
        assert!(text.contains(line), "{line}\n{text}");
    }
    assert_eq!(text.matches("error_rate = 1.0").count(), 1, "{text}");
    assert_eq!(text.matches("[services.svc.endpoints.").count(), 2, "{text}");
}

/// All that a service does with the messages of a topic is one law; what is done when the fetching is over is what is done.
#[test]
fn consumers_work_is_what_they_do_with_a_message() {
    let mut spans = Spans::default();
    for trace in 1..=200 {
        let web = spans.add(trace, Asked { service: "web", name: "web", at: (0, 5_000), ..SERVER });
        let send =
            Asked { service: "web", name: "send", kind: 4, at: (1_000, 2_000), below: web, topic: "orders", ..SERVER };
        let send = spans.add(trace, send);
        let name = if trace % 2 == 0 { "created" } else { "paid" };
        let long = if trace % 2 == 0 { 80_000 } else { 1_000 };
        let work =
            Asked { service: "ship", name, kind: 5, at: (3_000, 3_000 + long), below: send, topic: "orders", ..SERVER };
        spans.add(trace, work);
        let fetch = Asked {
            service: "mail",
            name: "receive",
            kind: 5,
            at: (3_000, 3_500),
            below: send,
            topic: "orders",
            ..SERVER
        };
        let fetch = spans.add(trace, fetch);
        let work = Asked {
            service: "mail",
            name: "process",
            kind: 5,
            at: (3_600, 13_600),
            below: fetch,
            topic: "orders",
            failed: trace % 4 == 0,
        };
        spans.add(trace, work);
    }
    let text = imported(&spans.text());
    runs(&text);
    assert!(
        text.contains("value = \"1ms\" }, { value = \"80ms\" }")
            || text.contains("\"1ms\"") && text.contains("\"80ms\""),
        "{text}"
    );
    assert!(text.contains("work = \"10ms\"") && text.contains("error_rate = 0.25"), "{text}");
    assert!(!text.contains("endpoints.process") && !text.contains("500us"), "{text}");
    // Brave's `poll` and `on-message`; nobody in the input has sent what began it.
    let text = imported(&sample("zipkin_messaging-kafka.json"));
    runs(&text);
    for line in
        ["[services.messages-sender]", "calls = \"messages-sender\"", "nobody in the input sent", "error_rate = 1.0"]
    {
        assert!(text.contains(line), "{line}\n{text}");
    }
    assert!(!text.contains("7.25us"), "{text}");
    assert!(imported(&sample("zipkin_messaging.json")).contains("work = \"371us\""));
}

/// A circle that is entered from elsewhere comes back as often as it was gone round.
#[test]
fn circles_of_counts_keep_their_rates() {
    let text = imported(&sample("kiali_test_service_graph.json"));
    let scenario = Scenario::parse(&text).unwrap_or_else(|why| panic!("{why}\n{text}"));
    let summary = scenario.with("sim.duration", "60s").unwrap().with("sim.replications", 2).unwrap().run().unwrap();
    let json = serde_json::to_value(&summary).unwrap();
    for (name, rate) in [("productpage", 170.0), ("details", 80.0), ("reviews", 100.0), ("ratings", 60.0)] {
        let edges = json["edges"].as_object().unwrap().iter().filter(|(edge, _)| edge.ends_with(&format!("-> {name}")));
        let arrived: f64 = edges.map(|(_, own)| own["arrived"].as_f64().unwrap()).sum::<f64>() / 120.0;
        assert!((arrived / rate - 1.0).abs() < 0.05, "{name}: {arrived}\n{text}");
    }
    let text = imported(
        "traces_service_graph_request_total{client=\"web\",server=\"orders\"} 1000\n\
         traces_service_graph_request_total{client=\"orders\",server=\"db\",connection_type=\"database\"} 2500\n\
         traces_service_graph_request_total{client=\"orders\",server=\"orders\"} 250\n",
    );
    assert!(
        text.contains("{ call = \"orders\", probability = 0.2 }") && text.contains("{ query = \"db\", times = 2 }"),
        "{text}"
    );
}

/// Kubernetes aims at a share of what is asked for, and begins within the autoscaler's bounds.
#[test]
fn an_autoscaler_aims_at_what_is_asked_for() {
    let hpa = "apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: shop}\nspec: {replicas: 1, template: {spec: {containers: [{name: shop, \
               resources: {requests: {cpu: 250m}, limits: {cpu: 1500m}}}]}}}\n---\napiVersion: autoscaling/v2\nkind: HorizontalPodAutoscaler\n\
               metadata: {name: shop}\nspec: {scaleTargetRef: {name: shop}, minReplicas: 2, maxReplicas: 10, metrics: [{type: Resource, resource: \
               {name: cpu, target: {averageUtilization: 70}}}]}\n";
    let text = imported(hpa);
    runs(&text);
    for line in [
        "replicas = 2 ",
        "max = 10, metric = \"cpu\", target = \"70%\", request = 0.25,",
        "spec.replicas 1; its autoscaler has 2 to 10",
    ] {
        assert!(text.contains(line), "{line}\n{text}");
    }
    // Where nothing is asked for, of what is a question.
    let text = imported(&hpa.replace("requests: {cpu: 250m}, limits: {cpu: 1500m}", ""));
    assert!(text.contains("OPEN: of how much CPU?"), "{text}");
    runs(&text);
}

/// Where nothing is in a file, it says so; rates need somebody whom they are for.
#[test]
fn empty_files_are_refused() {
    let folder = tempfile::tempdir().unwrap();
    let at = folder.path();
    fs::write(at.join("rates.csv"), "time,rate\n0,10\n60,30\n").unwrap();
    for (name, text, why) in [
        ("e.yaml", "", "there is nothing in it"),
        ("e.json", r#"{"resourceSpans":[]}"#, "there are no spans in it"),
        ("e.jsonl", "{\"resourceSpans\":[]}\n{\"resourceSpans\":[]}\n", "there are no spans in it"),
        ("j.json", r#"{"data":[]}"#, "there are no spans in it"),
        ("r.csv", "time,rate\n0,10\n60,30\n", "rates over time say how many come, and not to whom"),
        ("m.yaml", "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: x}\n", "there is no service in it"),
    ] {
        fs::write(at.join(name), text).unwrap();
        let found = hoptax(at, &format!("import {name}"));
        assert_eq!(found.status.code(), Some(1), "{name}: {}", said(&found.stderr));
        assert!(said(&found.stderr).contains(why), "{name}: {}", said(&found.stderr));
    }
    // What was answered in a file is not lost, and a cure is one of what is wrong.
    fs::write(at.join("graph.yaml"), sample("isotope_canonical.yaml")).unwrap();
    fs::write(at.join("mine.toml"), "mine").unwrap();
    let found = hoptax(at, "import graph.yaml -o mine.toml");
    assert!(found.status.code() == Some(1) && said(&found.stderr).contains("--force"), "{}", said(&found.stderr));
    assert_eq!(fs::read_to_string(at.join("mine.toml")).unwrap(), "mine");
    assert!(hoptax(at, "import graph.yaml -o mine.toml --force").status.success());
    for wrong in ["nope.json", "."] {
        let text = said(&hoptax(at, &format!("import {wrong}")).stderr);
        assert!(!text.contains("--max-memory"), "{text}");
    }
}

/// What metrics label is heeded: messages, callers and callees without spans, either proxy's count, gRPC's codes, counters that begin
/// again, and workloads that are known by their service.
#[test]
fn labels_of_metrics_are_heeded() {
    let text = imported(
        "traces_service_graph_request_total{client=\"user\",server=\"web\",connection_type=\"virtual_node\"} 1000\n\
         traces_service_graph_request_total{client=\"web\",server=\"mail\",connection_type=\"messaging_system\"} 900\n\
         traces_service_graph_request_failed_total{client=\"web\",server=\"mail\",connection_type=\"messaging_system\"} 90\n\
         traces_service_graph_request_total{client=\"web\",server=\"stripe\",connection_type=\"virtual_node\"} 500\n\
         traces_service_graph_request_server_seconds_bucket{client=\"web\",server=\"stripe\",le=\"+Inf\"} 500\n\
         traces_service_graph_request_server_seconds_bucket{client=\"web\",server=\"mail\",le=\"0.01\"} 900\n",
    );
    for line in [
        "calls = \"web\"",
        "{ publish = \"mail-messages\", probability = 0.9 }",
        "[externals.stripe]\nwork = \"1ms\"                        # OPEN",
        "max = \"10ms\"",
        "error_rate = 0.1 ",
    ] {
        assert!(text.contains(line), "{line}\n{text}");
    }
    assert!(!text.contains("services.user") && !text.contains("endpoints"), "{text}");
    runs(&text);
    let sample = |from: &str, to: &str, more: &str, n: u32| {
        format!("istio_requests_total{{source_workload=\"{from}\",destination_service_name=\"{to}\",{more}}} {n}\n")
    };
    let text = imported(
        &[
            sample("unknown", "web", "reporter=\"destination\",grpc_response_status=\"0\"", 100),
            sample("web", "orders", "reporter=\"destination\",grpc_response_status=\"14\"", 40),
            sample("web", "orders", "reporter=\"destination\",grpc_response_status=\"5\"", 60),
            sample("web", "orders", "reporter=\"source\",grpc_response_status=\"0\"", 90),
            sample("orders-v1", "bank", "reporter=\"source\",response_code=\"200\"", 50),
        ]
        .concat(),
    );
    for line in
        ["{ call = \"bank\", probability = 0.5 }", "error_rate = 0.4 ", "orders-v1 is taken for a workload of orders"]
    {
        assert!(text.contains(line), "{line}\n{text}");
    }
    assert!(text.contains("calls = \"web\"") && !text.contains("[services.orders-v1]"), "{text}");
    runs(&text);
    // 600 a minute, and half way the counter begins again at nought.
    let range = r#"{"status":"success","data":{"resultType":"matrix","result":[{"metric":{"__name__":"traces_service_graph_request_total","client":"a","server":"b"},"values":[[0,"9000"],[60,"9600"],[120,"600"]]}]}}"#;
    let text = imported(range);
    assert!(text.contains("rate = \"10/s\"") && text.contains("{ call = \"b\" }"), "{text}");
}

/// Rules of a mesh about a name that only users call are theirs; about one that nobody calls, they are said to do nothing.
#[test]
fn rules_about_names_that_nobody_calls_are_not_lost() {
    let pods = |name: &str, replicas: u32| {
        format!(
            "apiVersion: apps/v1\nkind: Deployment\nmetadata: {{name: pay-{name}}}\nspec: {{replicas: {replicas}, template: {{metadata: {{labels: {{app: pay, version: {name}}}}}}}}}\n---\n"
        )
    };
    let rules = "apiVersion: v1\nkind: Service\nmetadata: {name: pay}\nspec: {selector: {app: pay}}\n---\n\
                 apiVersion: networking.istio.io/v1\nkind: DestinationRule\nmetadata: {name: pay}\nspec: {host: pay, subsets: [{name: v1, labels: {version: v1}}, {name: v2, labels: {version: v2}}]}\n---\n\
                 apiVersion: networking.istio.io/v1\nkind: VirtualService\nmetadata: {name: pay}\nspec: {hosts: [pay], http: [{timeout: 2s, retries: {attempts: 3, perTryTimeout: 500ms, retryOn: 5xx}, \
                 route: [{destination: {host: pay, subset: v1}, weight: 90}, {destination: {host: pay, subset: v2}, weight: 10}]}]}\n";
    let cluster = pods("v1", 3) + &pods("v2", 1) + rules;
    let text = imported(&cluster);
    runs(&text);
    for line in ["{ to = \"pay-v1\", share = 0.9", "policy = \"pay-v1\"", "deadline = \"2s\"", "timeout = \"500ms\""] {
        assert!(text.contains(line), "{line}\n{text}");
    }
    let mut import = Import::default();
    import.read("graph.yaml", "services:\n- name: web\n  isEntrypoint: true\n").unwrap();
    import.read("cluster.yaml", &cluster).unwrap();
    let text = import.scenario("shop");
    assert!(text.contains("# - nobody in the input calls pay: what rules of the mesh say of it is left out"), "{text}");
}

/// Values that can be none never get as far as a file that `check` refuses.
#[test]
fn what_is_written_passes_check_whatever_was_read() {
    let mut files: Vec<String> = Vec::new();
    for value in ["NaN", "-5", "1e308", "inf", "1e-300", "0"] {
        files.push(format!(
            r#"{{"duration":60,"elements":{{"nodes":[{{"data":{{"id":"a","nodeType":"app","app":"a"}}}},{{"data":{{"id":"b","nodeType":"app","app":"b"}}}}],
            "edges":[{{"data":{{"source":"a","target":"b","responseTime":"{value}","traffic":{{"protocol":"http","rates":{{"http":"10","httpPercentErr":"{value}"}}}}}}}},
            {{"data":{{"source":"a","target":"b","traffic":{{"protocol":"http","rates":{{"http":"{value}"}}}}}}}}]}}}}"#
        ));
        files.push(format!("traces_service_graph_request_total{{client=\"a\",server=\"b\"}} {value}\ntraces_service_graph_request_total{{client=\"b\",server=\"c\"}} 7\ntraces_service_graph_request_server_seconds_sum{{client=\"b\",server=\"c\"}} {value}\ntraces_service_graph_request_server_seconds_bucket{{client=\"b\",server=\"c\",le=\"{value}\"}} 7\n"));
        files.push(format!("services:\n- name: a\n  isEntrypoint: true\n  errorRate: {value}\n  script:\n  - sleep: {value}s\n  - call: {{service: b, probability: {value}}}\n- name: b\n"));
        files.push(format!("time,rate\n0,10\n{value},{value}\n"));
        files.push(
            KUBERNETES
                .replace("averageUtilization: 70", &format!("averageUtilization: {}", value.replace("inf", ".inf"))),
        );
        files
            .push(KUBERNETES.replace("periodSeconds: 10", &format!("periodSeconds: {}", value.replace("inf", ".inf"))));
        files.push(CANARY.replace("weight: 90", &format!("weight: {}", value.replace("inf", ".inf"))));
        files.push(CANARY.replace("value: 25", &format!("value: {}", value.replace("inf", ".inf"))));
        files.push(format!(r#"[{{"traceId":"1","id":"1","kind":"SERVER","name":"x","timestamp":1,"duration":{},"localEndpoint":{{"serviceName":"a"}}}}]"#, value.replace("NaN", "1e300").replace("inf", "18446744073709551615")));
    }
    for count in ["0", "18446744073709551615", "5000000"] {
        files.push(KUBERNETES.replace("replicas: 3", &format!("replicas: {count}")));
        files.push(KUBERNETES.replace("maxReplicas: 6", &format!("maxReplicas: {count}")));
        files.push(KUBERNETES.replace("attempts: 2", &format!("attempts: {count}")));
        files.push(KUBERNETES.replace("consecutive5xxErrors: 7", &format!("consecutive5xxErrors: {count}")));
        files.push(format!("services:\n  a: {{image: x, deploy: {{replicas: {count}}}}}\n"));
        files.push(format!("services:\n- name: a\n  isEntrypoint: true\n  numReplicas: {count}\n"));
        files.push(format!(r#"[{{"parent":"a","child":"b","callCount":{count}}},{{"parent":"b","child":"c","callCount":3}},{{"parent":"b","child":"d","callCount":18446744073709551615}}]"#));
        for (from, to) in [("1", count), (count, "1"), (count, count)] {
            files.push(format!(
                r#"{{"resourceSpans":[{{"resource":{{"attributes":[{{"key":"service.name","value":{{"stringValue":"a"}}}},{{"key":"hoptax.stands_for","value":{{"intValue":"{}"}}}}]}},"scopeSpans":[{{"spans":[
                {{"traceId":"1","spanId":"1","name":"x","kind":2,"startTimeUnixNano":"{from}","endTimeUnixNano":"{to}"}},{{"traceId":"2","spanId":"1","name":"x","kind":2,"startTimeUnixNano":"{to}","endTimeUnixNano":"{to}"}}]}}]}}]}}"#,
                if count == "0" { "4294967295" } else { count }
            ));
        }
    }
    let mut checked = 0;
    for text in files {
        let mut import = Import::default();
        if import.read("input", &text).is_err() || import.is_enough().is_err() {
            continue;
        }
        let written = import.scenario("imported");
        if let Err(why) = Scenario::parse(&written) {
            panic!("{why}\n{text}\n{written}");
        }
        checked += 1;
    }
    assert!(checked > 50, "{checked}");
}

#[test]
fn nothing_that_a_file_holds_is_a_panic() {
    let mut files: Vec<String> = Vec::new();
    for name in [
        "jaeger_otlp_example_trace.json",
        "zipkin_messaging.json",
        "jaegerui_testTraceNormal.json",
        "isotope_canonical.yaml",
        "kiali_test_service_graph.json",
    ] {
        let whole = sample(name);
        // Cut short anywhere, and with a letter that is another one.
        for at in (1..whole.len()).step_by(whole.len() / 40 + 1) {
            files.push(whole.chars().take(at).collect());
            let other: String = whole.char_indices().map(|(i, c)| if i == at { '9' } else { c }).collect();
            files.push(other);
        }
    }
    files.extend([
        "[".repeat(100_000),
        "{\"a\":".repeat(50_000),
        "a: &x [*x]\n".into(),
        "services:\n- &a [*a, *a]\n".into(),
        "\0\0\0".into(),
    ]);
    files.extend(KUBERNETES.char_indices().step_by(37).map(|(at, _)| KUBERNETES[..at].to_owned()));
    let mut refused = 0;
    for text in files {
        let mut import = Import::default();
        match import.read("input", &text) {
            Err(why) => {
                assert!(!why.is_empty());
                refused += 1;
            }
            Ok(_) => drop(import.scenario("imported")),
        }
    }
    assert!(refused > 100, "{refused}");
}

/// What is wrong while traces are taken does not come back as what it was, and the page says so.
#[test]
fn what_cannot_come_back_is_said() {
    let text = imported(&sample("jaeger_otlp_example_trace.json"));
    assert!(text.contains("# What was wrong meanwhile does not come back as what it was"), "{text}");
    assert!(!imported(&sample("isotope_canonical.yaml")).contains("What was wrong meanwhile"));
}

/// A chain of some thousand services, each of which calls the next three: nothing is looked for anew for each of them, or this would
/// take minutes.
#[test]
fn many_services_are_imported() {
    let service = |at: usize| {
        let calls: Vec<String> = (at + 1..(at + 4).min(5_000)).map(|to| format!("  - call: s{to}\n")).collect();
        let calls = calls.concat();
        let script = if calls.is_empty() { String::new() } else { format!("  script:\n{calls}") };
        format!("- name: s{at}\n{script}")
    };
    let text = format!("services:\n{}", (0..5_000).map(service).collect::<Vec<_>>().concat());
    let found = imported(&text);
    assert_eq!(found.matches("{ call = ").count(), 3 * 5_000 - 6);
}

/// Lines of any number are read in the memory of a few: the program gets 250 MB of addresses, a quarter of them its own, and reads
/// twice as much as it may keep.
#[cfg(target_os = "linux")]
#[test]
fn lines_stream_in_little_memory() {
    use std::io::Write as _;
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("many.jsonl");
    let mut file = std::io::BufWriter::new(fs::File::create(&path).unwrap());
    let pad = "x".repeat(4_000);
    for nth in 0..75_000 {
        writeln!(
            file,
            r#"{{"resourceSpans":[{{"resource":{{"attributes":[{{"key":"service.name","value":{{"stringValue":"web"}}}},{{"key":"pad","value":{{"stringValue":"{pad}"}}}}]}},"scopeSpans":[{{"spans":[{{"traceId":"{:032x}","spanId":"{:016x}","name":"GET","kind":2,"startTimeUnixNano":"{}","endTimeUnixNano":"{}"}}]}}]}}]}}"#,
            nth + 1,
            nth + 1,
            1_000_000_000_000_u64 + nth * 1_000_000,
            1_000_000_000_000_u64 + nth * 1_000_000 + 700_000
        )
        .unwrap();
    }
    drop(file);
    assert!(fs::metadata(&path).unwrap().len() > 300_000_000);
    let binary = env!("CARGO_BIN_EXE_hoptax");
    let found = Command::new("sh")
        .args(["-c", &format!("ulimit -v 256000; exec {binary} import {}", path.display())])
        .output()
        .unwrap();
    assert!(found.status.success(), "{}", said(&found.stderr));
    assert!(said(&found.stdout).contains("75000 traces of 75000 spans"), "{}", said(&found.stdout));
}

fn hoptax(folder: &Path, words: &str) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_hoptax"));
    command.args(words.split_whitespace()).current_dir(folder).output().unwrap()
}

fn said(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec()).unwrap()
}

#[test]
fn the_shell_imports_checks_and_runs() {
    let folder = tempfile::tempdir().unwrap();
    let at = folder.path();
    fs::write(at.join("graph.yaml"), sample("isotope_canonical.yaml")).unwrap();
    let found = hoptax(at, "import graph.yaml -o graph.toml");
    assert!(found.status.success(), "{}", said(&found.stderr));
    let text = fs::read_to_string(at.join("graph.toml")).unwrap();
    let open = open_lines(&text).len();
    assert!(open > 5, "{text}");
    let check = said(&hoptax(at, "check graph.toml").stdout);
    assert_eq!(check.matches("  line ").count(), open, "{check}");
    let run = hoptax(at, "run graph.toml -n 2 --set sim.duration=2s");
    assert!(run.status.code().is_some_and(|code| code == 0 || code == 4), "{}", said(&run.stderr));
    assert!(said(&run.stderr).contains(&format!("open: {open} questions")));
    for (words, exit, why) in [
        ("import no.json", 1, "no.json"),
        ("import graph.toml", 1, "can be imported"),
        ("import graph.yaml --max-memory 100B", 1, "--max-memory"),
        ("import", 2, "FILE"),
    ] {
        let found = hoptax(at, words);
        let text = said(&found.stderr);
        assert_eq!(found.status.code(), Some(exit), "{words}: {text}");
        assert!(text.contains(why), "{words}: {text}");
    }
    fs::write(at.join("times.csv"), "latency_ms\n1\n2\n3\n4\n5\n6\n7\n8\n9\n10\n").unwrap();
    let fit = said(&hoptax(at, "fit times.csv").stdout);
    assert!(fit.starts_with("work = ") && fit.contains("Kolmogorov-Smirnov"), "{fit}");
    fs::write(at.join("points.csv"), "p50,8ms\np99,60ms\n").unwrap();
    assert!(said(&hoptax(at, "fit points.csv").stdout).starts_with("work = { p50 = \"8ms\", p99 = \"60ms\" }"));
}
