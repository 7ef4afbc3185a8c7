//! The source as text, for tests that read it.

use std::fs;
use std::path::{Path, PathBuf};

/// The folder `src` of this tree, or of the one that `HOPTAX_TREE` names: so another tree is counted by the same rules.
pub(crate) fn root() -> PathBuf {
    let tree = std::env::var_os("HOPTAX_TREE").map_or_else(|| env!("CARGO_MANIFEST_DIR").into(), PathBuf::from);
    tree.join("src")
}

/// Every source file, with its path below `src`.
pub(crate) fn files() -> Vec<(String, String)> {
    let root = root();
    let mut files = Vec::new();
    let mut folders = vec![root.clone()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|e| e == "rs") {
                files.push((below(&root, &path), fs::read_to_string(&path).unwrap()));
            }
        }
    }
    assert!(files.len() > 50, "the source is somewhere else");
    files.sort();
    files
}

fn below(root: &Path, path: &Path) -> String {
    path.strip_prefix(root).unwrap().to_string_lossy().replace('\\', "/")
}

/// The code of a file: comments say what they like.
pub(crate) fn code(text: &str) -> String {
    text.lines().map(|line| line.split("//").next().unwrap_or_default()).collect::<Vec<_>>().join("\n")
}

/// The code of a file without what is compiled for tests only.
pub(crate) fn shipped(file: &str, text: &str) -> String {
    if file.ends_with("tests.rs") || file.contains("/tests/") {
        return String::new();
    }
    let mut kept = Vec::new();
    let mut lines = text.lines();
    while let Some(line) = lines.next() {
        if ["#[cfg(test)]", "#[cfg(all(test,"].iter().any(|mark| line.trim_start().starts_with(mark)) {
            skip_item(&mut lines, &line[..line.len() - line.trim_start().len()]);
        } else {
            kept.push(line);
        }
    }
    code(&kept.join("\n"))
}

/// Skips an item that is written as `rustfmt` writes it: it ends on its first line, or with a brace as far in as it began.
fn skip_item<'a>(lines: &mut impl Iterator<Item = &'a str>, indent: &str) {
    let Some(first) = lines.find(|line| !line.trim_start().starts_with("#[")) else { return };
    if !first.trim_end().ends_with([';', ',', '}']) {
        let end = format!("{indent}}}");
        lines.find(|line| line.trim_end() == end);
    }
}

#[test]
fn tests_are_left_out_and_what_follows_them_is_not() {
    let text = "use a; // why\n#[cfg(test)]\nmod tests;\nfn f() {}\n#[cfg(test)]\n#[expect(x)]\nmod more {\n    fn g() {}\n}\nfn h() {}";
    assert_eq!(shipped("a.rs", text), "use a; \nfn f() {}\nfn h() {}");
    assert_eq!(shipped("a/tests.rs", text), "");
}
