//! The embedded files are read by macros, which Cargo cannot see: rebuild when one of them changes.

fn main() {
    for folder in ["scenarios", "requirements", "targets", "fixtures"] {
        println!("cargo:rerun-if-changed={folder}");
    }
}
