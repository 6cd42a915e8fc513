//! The front door: reads arguments and environment once, dispatches, ends with the documented exit code.

use std::process::ExitCode;

fn main() -> ExitCode {
    txspec::cli::main(std::env::args_os())
}
