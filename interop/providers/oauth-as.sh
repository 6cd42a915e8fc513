# shellcheck shell=bash disable=SC2154
# oauth-as, an authorization server library in Rust, hosted by examples/oauth-as.rs.

prepare() {
  need cargo
  cargo build --quiet --manifest-path "$root/Cargo.toml" --example oauth-as
}

serve() {
  exec cargo run --quiet --manifest-path "$root/Cargo.toml" --example oauth-as
}
