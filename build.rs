//! The embedded files are read by macros, which Cargo cannot see: rebuild when one of them changes.

#[expect(clippy::print_stdout, reason = "this is how a build script talks to Cargo")]
fn main() {
    for folder in ["scenarios", "requirements", "targets", "fixtures"] {
        println!("cargo:rerun-if-changed={folder}");
    }
}
