//! Tables use the columns there are.

use std::fs;
use std::process::Command;

use unicode_width::UnicodeWidthStr as _;

/// A client and a promise with long names.
const LONG: &str = r#"
version = 1
[sim]
duration = "5s"
replications = 2
[clients.shoppers-of-the-eastern-region]
calls = "orders"
rate = "60/s"
[services.orders]
work = "5ms"
[[slos]]
name = "reads of the eastern region stay quick"
of = "shoppers-of-the-eastern-region"
expect = "p99 < 250ms"
"#;

/// What `run` prints, with this in `COLUMNS`, and what it writes into a file.
fn printed(columns: Option<&str>) -> (String, String) {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("a.toml"), LONG).unwrap();
    let mut command = Command::new(env!("CARGO_BIN_EXE_hoptax"));
    command.args(["run", "a.toml", "-o", "a.txt"]).current_dir(folder.path()).env_remove("COLUMNS");
    let output = command.envs(columns.map(|columns| ("COLUMNS", columns))).output().unwrap();
    let file = fs::read_to_string(folder.path().join("a.txt")).unwrap();
    (String::from_utf8(output.stdout).unwrap(), file)
}

#[test]
fn a_promise_is_whole_where_there_is_room() {
    let whole = "reads of the eastern region stay quick: shoppers-of-the-eastern-region p99 < 250ms";
    let ((narrow, file), (wide, same_file)) = (printed(None), printed(Some("180")));
    assert!(wide.contains(whole) && !narrow.contains(whole), "{wide}");
    assert!(narrow.lines().all(|line| line.width() <= 80) && wide.lines().all(|line| line.width() <= 180));
    assert_eq!((printed(Some("nonsense")).0, same_file), (narrow, file));
}
