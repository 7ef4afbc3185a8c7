# Recipes for those who have `just`; each calls the script that CI calls, so neither needs the other.

# What there is.
default:
    @just --list

# What every change must pass (twenty minutes).
ci:
    .ci/run

# What takes long (an hour).
long:
    .ci/long

# Lints and tests, as one works.
check:
    cargo fmt --check
    cargo clippy --locked --all-targets -- -D warnings
    cargo test --locked

# Writes goldens and the schema anew, and shows what changed.
bless:
    .ci/bless

# Every scenario and its variants, as CI runs them.
gallery *files:
    .ci/gallery {{ files }}

# The library without threads, files, command line and charts.
lean:
    .ci/lean

# How much hangs together in this tree, or in another.
house tree=".":
    .ci/house {{ tree }}

# Licences, bans, sources and advisories of what we depend on.
dependencies:
    .ci/dependencies --install

# Instructions a request.
instructions hoptax="target/release/hoptax":
    .ci/instructions {{ hoptax }}

# Whether two builds say the same, byte for byte.
same old new *rest:
    .ci/same {{ old }} {{ new }} {{ rest }}
