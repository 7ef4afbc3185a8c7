//! Verdicts follow from the figures beside them.

use std::fs;
use std::process::Command;

/// One interaction without a timeout.
const SHOP: &str = r#"
version = 1
[sim]
duration = "20s"
warmup = "2s"
replications = 3
[clients.shoppers]
calls = "orders"
rate = "60/s"
[services.orders]
concurrency = 1000
work = "500us"
steps = [{ call = "payments" }]
[services.payments]
concurrency = 8
work = { mean = "20ms" }
"#;

/// `hoptax compare` of a scenario, as JSON, and the sentence in which its table ends.
fn compared(text: &str, words: &[&str]) -> serde_json::Value {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("shop.toml"), text).unwrap();
    let mut command = Command::new(env!("CARGO_BIN_EXE_hoptax"));
    command.args(["compare", "shop.toml", "-j", "2", "--format", "json", "-o", "table.txt"]).args(words);
    let output = command.current_dir(folder.path()).env_remove("COLUMNS").output().unwrap();
    assert!(matches!(output.status.code(), Some(0 | 4)), "{}", String::from_utf8_lossy(&output.stderr));
    let mut json: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    let table = fs::read_to_string(folder.path().join("table.txt")).unwrap();
    json["table"] = table.split_whitespace().collect::<Vec<_>>().join(" ").into();
    json
}

const EDGE: [&str; 2] = ["--edge", "orders -> payments"];

fn share(json: &serde_json::Value, row: usize, of: &str, what: &str) -> f64 {
    json["patterns"]["rows"][row][of][what]["value"].as_f64().unwrap_or_else(|| panic!("{row} {of} {what}: {json}"))
}

/// A producer that knows no timeout waits until its broker is back: 4 s of 20 s, half of them longer than 2 s. The table
/// called that "neither".
#[test]
fn whoever_waits_out_the_brokers_outage_is_coupled_to_it() {
    let json = compared(SHOP, &[&EDGE[..], &["--patterns", "rest,stream"]].concat());
    let words = &json["patterns"]["rows"][1]["words"]["coupling"];
    assert_eq!(*words, "to broker (late)", "{json}");
    let (lost, late) = (share(&json, 1, "broker_down", "lost"), share(&json, 1, "broker_down", "late"));
    assert!(lost < 0.05 && late > 0.9, "lost {lost}, late {late}");
    // The callee's own outage is nothing to whoever publishes.
    assert_eq!((share(&json, 1, "callee_down", "lost"), share(&json, 1, "callee_down", "late")), (0.0, 0.0));
    // A call waits out a callee that hangs; one that refuses fails it.
    assert!(share(&json, 0, "callee_down", "lost") > 0.95);
    assert!(json["table"].as_str().unwrap().contains("to broker (late)"), "{json}");
}

/// The same of users who wait for their answers: their requests are others once something is down, so none could be
/// paired, and a queue seemed to lose what it never lost.
#[test]
fn users_who_wait_for_answers_lose_what_they_lose() {
    let text = SHOP.replace("rate = \"60/s\"", "users = 20\nthink_time = \"300ms\"");
    let json = compared(&text, &[&EDGE[..], &["--patterns", "rest,queue"]].concat());
    assert!(share(&json, 1, "callee_down", "lost") < 0.05, "{json}");
    assert!(share(&json, 0, "callee_hangs", "lost") > 0.5, "{json}");
}

/// The faults and flows that the table injects have names of their own, whatever the file calls its own.
#[test]
fn a_fault_of_the_name_that_is_injected_is_no_obstacle() {
    let faults = "[[faults]]\nname = \"payments down\"\nkind = \"outage\"\ntarget = \"payments\"\nat = \"18s\"\nduration = \"1s\"\n\
                  [[flows]]\nname = \"shoppers -> payments\"\nstarts = \"shoppers\"\nends = [\"orders\"]\n";
    let json = compared(&format!("{SHOP}{faults}"), &[&EDGE[..], &["--patterns", "rest,queue", "-n", "2"]].concat());
    assert_eq!(json["patterns"]["rows"][0]["words"]["coupling"], "temporal + spatial");
}

/// Two that do the same cannot be told apart, and neither is "the quickest".
#[test]
fn a_tie_is_called_a_tie() {
    let variants = "[variants.one]\n\"services.payments.work\" = { mean = \"5ms\" }\n\
                    [variants.two]\n\"services.payments.work\" = { mean = \"5ms\" }\n\
                    [variants.three]\n\"services.payments.work\" = { mean = \"15ms\" }\n";
    let json = compared(&format!("{SHOP}{variants}"), &[]);
    assert_eq!((&json["total"]["quickest"], &json["total"]["ties"][0]), (&"one".into(), &"two".into()), "{json}");
    let table = json["table"].as_str().unwrap();
    assert!(table.contains("one and two are the quickest of 3 (alike in three digits)"), "{table}");
    assert!(!table.contains("variance gained by pairing: mean ×1"), "dust of floats: {table}");
}

/// From the tenth second on nobody is answered: without a timeout the requests never end. The mean of the answered, 30 ms,
/// was compared all the same.
#[test]
fn a_mean_of_survivors_is_not_compared() {
    let fault = "[[faults]]\nkind = \"outage\"\ntarget = \"payments\"\nat = \"10s\"\nmode = \"black_hole\"\n\
                 [variants.timeout]\n\"services.orders.steps\" = [{ call = \"payments\", timeout = \"1s\" }]\n";
    let json = compared(&format!("{SHOP}{fault}"), &[]);
    let figures = &json["others"][0]["clients"]["shoppers"];
    let mean = &figures["mean_ms"];
    assert_eq!((&mean["verdict"], &mean["difference"]["value"]), (&"not_comparable".into(), &().into()), "{mean}");
    assert!(mean["at_least"][0].as_f64().unwrap() > 1_000.0 && mean["at_least"][1].is_null(), "{mean}");
    assert!(mean["base"]["value"].as_f64().unwrap() < 1_000.0, "the mean of the answered: {mean}");
    // Half of them fail after a second: `run` says never.
    assert_eq!(figures["p99_ms"]["never"], serde_json::json!([false, true]), "{figures}");
    assert!(json["total"].get("quickest").is_none_or(serde_json::Value::is_null), "{json}");
    let table = json["table"].as_str().unwrap();
    for words in ["not comparable", " never ", "mean ≥ ", "p99 ≥ ", "is not comparable: unanswered"] {
        assert!(table.contains(words), "{words}: {table}");
    }
}

/// A caller that is answered as soon says nothing of what it was promised.
#[test]
fn the_same_answer_does_not_hide_another_effect() {
    let text = SHOP.replace("steps = [{ call = \"payments\" }]", "steps = [{ send = \"charges\" }]");
    let text = text
        .replace("[services.payments]", "[queues.charges]\n[services.payments]\nconsumes = [{ from = \"charges\" }]")
        + "[[flows]]\nname = \"paid\"\nstarts = \"shoppers\"\nends = [\"payments\"]\n\
           [variants.slow]\n\"services.payments.work\" = { mean = \"40ms\" }\n";
    let text = text.replace("concurrency = 8", "concurrency = 8\nreplicas = 2");
    let json = compared(&text, &[]);
    let table = json["table"].as_str().unwrap();
    assert!(table.contains("answer in exactly the same time; flow paid over slow: done"), "{table}");
}

/// The command that the README gives: expected, actual and allowed stand side by side, and the verdict follows.
#[test]
fn validation_shows_what_it_judges_by() {
    let output = Command::new(env!("CARGO_BIN_EXE_hoptax")).args(["validate", "mm1", "mmck"]).output().unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    assert_eq!(output.status.code(), Some(0), "{text}");
    for word in ["expected", "actual", "allowed", "verdict", "✓"] {
        assert!(text.contains(word), "{word}: {text}");
    }
    assert!(!text.contains('✗'), "{text}");
}

/// What never ended was drawn as if it had taken no time.
#[test]
fn a_request_that_never_ended_says_who_never_answered() {
    let folder = tempfile::tempdir().unwrap();
    let faults = "[[faults]]\nkind = \"outage\"\ntarget = \"payments\"\nat = \"1s\"\nmode = \"black_hole\"\n";
    fs::write(folder.path().join("shop.toml"), format!("{SHOP}{faults}")).unwrap();
    let mut command = Command::new(env!("CARGO_BIN_EXE_hoptax"));
    let output =
        command.args(["trace", "shop.toml", "--request", "failed"]).current_dir(folder.path()).output().unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    let told = text.split_whitespace().collect::<Vec<_>>().join(" ");
    assert!(
        told.contains("orders was waiting for payments (fault `outage payments`); payments never answered"),
        "{text}"
    );
    assert!(told.contains("no answer after") && told.contains("no end: payments"), "{text}");
}
