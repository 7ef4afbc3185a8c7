//! What is handed round: pages whose every figure has its interval, pictures that say their figures, Markdown that fits.

use hoptax::experiment::compare::compare;
use hoptax::experiment::summary::Summary;
use hoptax::report::{answer, html, markdown};

use crate::bench::run_on;
use crate::source::{files, shipped};

/// A shop with whatever has a table of its own, and a fault.
const SHOP: &str = r#"
version = 1
name = "shop"
sim = { duration = "20s", warmup = "2s", replications = 4 }
[clients.web]
calls = "orders"
rate = "40/s"
[services.orders]
replicas = 2
work = { mean = "2ms" }
steps = [
  { call = "users", timeout = "200ms", retries = { max = 1, backoff = "10ms" }, circuit_breaker = { failure_rate = "50%", window = "10s", min_calls = 20, open_for = "1s" } },
  { query = "db" }, { send = "letters" }, { publish = "told" }, { cache = "prices" },
]
[services.users]
work = { mean = "2ms" }
autoscale = { min = 1, max = 3, metric = "workers", target = "60%" }
[services.reader]
consumes = [{ from = "told", group = "readers", work = "1ms" }, { from = "letters", work = "1ms" }]
[databases.db]
work = { mean = "1ms" }
[caches.prices]
hit_rate = "80%"
[queues.letters]
[topics.told]
[[slos]]
of = "web"
expect = "p99 < 400ms"
[[faults]]
name = "users down"
kind = "outage"
target = "users"
at = "5s"
duration = "5s"
"#;

/// Columns whose figures are none of an estimate, and why.
const BARE: [&str; 20] = [
    // Of promises the interval is a column.
    "found",
    "interval",
    // Of what is planned, or of an instant: nothing is estimated.
    "begins",
    "lasts",
    "target",
    "after",
    "recovered",
    "all held from",
    "for",
    "calls fail from",
    "at worst",
    "seen",
    "peak",
    // The most and the least that any replica had, of all runs.
    "slowest ms",
    "quickest ms",
    "failing most",
    // Of a sum: over all replications, as counts are.
    "workers for nobody",
    "of capacity",
    // Of ledgers: shares of the row's own mean.
    "share",
    "metric",
];

/// The cells of a page, each with the heading of its column.
fn cells(page: &str) -> Vec<(String, String)> {
    let mut all = Vec::new();
    for table in page.split("<table>").skip(1) {
        let table = table.split("</table>").next().unwrap();
        let (head, body) = table.split_once("</thead>").unwrap();
        let heads: Vec<&str> =
            head.split("<button type=\"button\">").skip(1).map(|h| h.split('<').next().unwrap()).collect();
        for row in body.split("<tr>").skip(1) {
            let told =
                row.split("<td").skip(1).map(|cell| cell.split_once('>').unwrap().1.split("</td>").next().unwrap());
            all.extend(heads.iter().skip(1).zip(told).map(|(head, cell)| ((*head).to_owned(), cell.to_owned())));
        }
    }
    all
}

/// Whether a text is a figure with a unit: counts have none.
fn is_figure(text: &str) -> bool {
    let unit = text.rsplit_once(' ').map_or("", |(_, unit)| unit);
    text.starts_with(|c: char| c.is_ascii_digit() || c == '≥')
        && ["ns", "µs", "ms", "s", "min", "h", "%"].contains(&unit)
}

#[test]
fn no_figure_of_a_page_is_without_its_interval() {
    let shop = run_on(1, SHOP);
    let page = html::run(&[shop], &[], &[]).html();
    let cells = cells(&page);
    let figures = cells.iter().filter(|(head, _)| !BARE.contains(&head.as_str()));
    let figures: Vec<_> = figures.filter(|(_, cell)| is_figure(cell.split("<small>").next().unwrap())).collect();
    assert!(figures.len() > 60, "{}: {cells:#?}", figures.len());
    // What is at least so much says how far it is known.
    let bare: Vec<_> =
        figures.iter().filter(|(_, cell)| !cell.contains("<small>") && !cell.contains(['±', '≥'])).collect();
    assert!(bare.is_empty(), "{bare:#?}");
    // In the table of clients every percentile has one.
    assert!(cells.iter().filter(|(head, cell)| head == "p99" && cell.contains(" … ")).count() >= 3, "{cells:#?}");
}

#[test]
fn every_report_begins_with_its_answer() {
    let shop = run_on(1, SHOP);
    let told = answer::paragraph(&shop, false);
    for word in [
        "0 of 1 promise kept, broken: web p99 < 400ms",
        "users down for 5 s: web loses ",
        "; the tax is ",
        "bottleneck: ",
    ] {
        assert!(told.contains(word), "{word}: {told}");
    }
    let first = told.split_whitespace().take(6).collect::<Vec<_>>().join(" ");
    let table = hoptax::report::table::render(std::slice::from_ref(&shop), hoptax::report::table::Style::default());
    assert!(table.starts_with(&first), "{table}");
    assert_eq!(
        markdown::render(std::slice::from_ref(&shop)).lines().nth(2).map(|line| line.starts_with("**0 of 1")),
        Some(true)
    );
}

/// Figures of a sentence that stand there alone: what is planned ("for 5 s", "from 9 s") has no interval.
fn bare(sentence: &str) -> Vec<String> {
    let words: Vec<&str> = sentence.split_whitespace().collect();
    let mut all = Vec::new();
    for (at, word) in words.iter().enumerate() {
        let unit = word.trim_end_matches([',', '.', ':', ';']);
        let before = |n: usize| at.checked_sub(n).map_or("", |at| words[at]);
        let after = words.get(at + 1).copied().unwrap_or_default();
        let known = match unit {
            "%" => after.starts_with(['±', '[', '≥', '≤']),
            "ns" | "µs" | "ms" | "s" | "min" | "h" => before(1).starts_with('±') || before(1).contains('–'),
            _ => true,
        };
        if !known && !["for", "from"].contains(&before(2)) {
            all.push(format!("{} {unit}", before(1)));
        }
    }
    all
}

/// The sentences that a report begins with say how far their figures are known, as its tables do.
#[test]
fn no_figure_of_the_answer_is_without_its_interval() {
    let shop = run_on(1, SHOP);
    let told = answer::sentences(&shop).join(" ");
    assert!(told.matches(['±', '≥', '≤']).count() >= 6, "{told}");
    assert_eq!(bare(&told), Vec::<String>::new(), "{told}");
    assert_eq!(bare("web loses 12 % of 3.0 ms, for 5 s"), ["12 %", "3.0 ms"]);
}

/// Where there are too many nodes for a picture a page says so, and where they stand instead.
#[test]
fn a_page_says_what_it_does_not_draw() {
    let nodes = |n: usize| {
        let service = |at: usize| format!("[services.s{at:03}]\nsteps = [\"s{:03}\"]\n", at + 1);
        let all: String = (1..n).map(service).collect();
        format!(
            "version = 1\nsim = {{ duration = \"2s\", warmup = \"0s\", replications = 2 }}\nclients.web = {{ calls = \"s001\", rate = \"5/s\" }}\n\
             {all}[services.s{n:03}]\nwork = \"1ms\"\n"
        )
    };
    let page = |n: usize| {
        let summary = run_on(1, &nodes(n));
        let pictures: Vec<(String, String)> = hoptax::report::chart::pictures(std::slice::from_ref(&summary))
            .into_iter()
            .map(|picture| (picture.name, picture.svg))
            .collect();
        let drawn = pictures.iter().any(|(name, _)| name == "graph");
        let both = [summary.clone(), summary.clone()];
        let compared = html::comparison(&compare(&both[0], &both[1..], vec![], vec![]), &both, &[], &pictures).html();
        (drawn, [html::run(&[summary], &[], &pictures).html(), compared])
    };
    let (drawn, few) = page(20);
    assert!(drawn && few.iter().all(|page| !page.contains("Of more than 300")));
    let (drawn, many) = page(301);
    let said = "The architecture has 302 nodes. Of more than 300 none is drawn here";
    assert!(!drawn && many.iter().all(|page| page.contains(said)));
}

/// Every picture that there is says its figures to whoever points.
#[test]
fn every_picture_says_its_figures() {
    let all = files();
    let text = |name: &str| &all.iter().find(|(file, _)| file == name).unwrap().1;
    let registry = shipped("report/chart/mod.rs", text("report/chart/mod.rs"));
    let exported = registry.lines().filter_map(|line| line.trim().strip_prefix("pub use ")?.split("::").next());
    let drawn: Vec<&str> = exported.filter(|name| !["png", "shade"].contains(name)).collect();
    assert!(drawn.len() >= 17, "{drawn:?}");
    for name in drawn {
        let file = format!("report/chart/{name}.rs");
        let code = shipped(&file, text(&file));
        assert!(
            ["says(", "says_over("].iter().any(|call| code.contains(call)),
            "{name} says nothing to whoever points"
        );
    }
}

/// A colour is declared once, where it can be seen what else it means.
#[test]
fn colours_have_one_place() {
    for (file, text) in files().into_iter().filter(|(file, _)| file.starts_with("report/chart/")) {
        let code = shipped(&file, &text);
        let own =
            code.match_indices("RGBColor(").filter(|(at, _)| code[at + 9..].starts_with(|c: char| c.is_ascii_digit()));
        assert!(own.count() == 0 || file.ends_with("palette.rs"), "{file} has a colour of its own");
    }
}

#[cfg(feature = "charts")]
#[test]
fn the_pictures_of_a_run_say_their_figures() {
    let shop = run_on(1, SHOP);
    let drawn = hoptax::report::chart::pictures(&[shop]);
    assert!(drawn.len() >= 9, "{:?}", drawn.iter().map(|one| &one.name).collect::<Vec<_>>());
    for picture in drawn {
        assert!(picture.svg.contains("class=\"says\""), "{}", picture.name);
        let named =
            !["timeline", "arrivals", "queues", "failing", "pressure", "policies"].contains(&picture.name.as_str());
        assert!(named || picture.svg.contains("users down"), "{}: its fault has no name", picture.name);
    }
}

/// Of very many services as much is told as a pull request takes, the worst first.
#[test]
fn markdown_fits_a_pull_request_whatever_the_file() {
    let shop = run_on(1, SHOP);
    let mut large: Summary = shop.clone();
    let (node, stats) = (shop.nodes["orders"].clone(), shop.edges["orders -> users"].clone());
    for nth in 0..300 {
        let name = format!("a|service-<with>-a-long-name-{nth:03}");
        large.nodes.insert(name.clone(), node.clone());
        large.endpoints.insert(format!("{name}.read"), stats.clone());
        large.edges.insert(format!("orders -> {name}.read"), stats.clone());
        large.edges.insert(format!("users -> {name}.read"), stats.clone());
    }
    for summaries in [vec![shop.clone()], vec![large.clone()], vec![large.clone(); 12]] {
        let text = markdown::render(&summaries);
        let open = text.lines().take_while(|line| !line.contains("<details>")).count();
        assert!(open <= 40 && text.chars().count() < 65_536, "{open} lines, {} characters", text.chars().count());
        assert_eq!(text.matches("<details>").count(), text.matches("</details>").count());
        // What a name holds is neither a cell nor an element.
        assert!(!text.contains("a|service") && !text.contains("<with>"));
    }
    assert!(markdown::render(&[large]).contains("more in the JSON"), "that something is left out is said");
}

/// Whatever a name holds is text, and nothing runs but what the page itself brings along.
#[test]
fn a_page_runs_nothing_that_a_file_smuggles_in() {
    use base64::Engine as _;
    use sha2::Digest as _;
    let mut shop = run_on(1, SHOP);
    let evil = "</script><img src=x onerror=alert(1)>\"'&";
    let stats = shop.clients["web"].clone();
    shop.clients.insert(evil.into(), stats);
    shop.scenario.name = evil.into();
    let page = html::run(&[shop], &[(evil.into(), evil.into())], &[]).html();
    assert!(!page.contains("<img") && page.contains("&lt;img"));
    let hash = |open: &str, close: &str| {
        let inner = page.split_once(open).unwrap().1.split_once(close).unwrap().0;
        format!("'sha256-{}'", base64::engine::general_purpose::STANDARD.encode(sha2::Sha256::digest(inner.as_bytes())))
    };
    let policy = page.split("Content-Security-Policy\" content=\"").nth(1).unwrap().split('"').next().unwrap();
    let policy = policy.replace("&#39;", "'");
    let (style, script) = (hash("<style>", "</style>"), hash("<script>", "</script>"));
    assert_eq!(
        policy,
        format!("default-src 'none'; style-src {style}; script-src {script}; base-uri 'none'; form-action 'none'")
    );
}
