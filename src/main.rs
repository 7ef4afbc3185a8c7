//! dev runner
fn main() {
    let path = std::env::args().nth(2).unwrap();
    let text = std::fs::read_to_string(&path).unwrap();
    let source = hoptax::scenario::Source { name: path, text, dir: None };
    match hoptax::scenario::load(&source, &[]) {
        Ok(c) => println!("{}", serde_json::to_string(&hoptax::experiment::run(&c, None, &()).unwrap()).unwrap()),
        Err(e) => { for c in e.complaints { eprintln!("{c:?}"); } std::process::exit(3) }
    }
}
